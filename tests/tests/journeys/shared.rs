//! The one mall everybody shares.

use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use system_tests::harness::{Mall, system::System};

/// An order that is not confirmed by then is rejected: long for a busy machine, short for the test that waits.
pub(crate) const WINDOW_MS: i64 = 8_000;

static MALL: OnceLock<RwLock<Mall>> = OnceLock::new();

/// The mall, together with other tests; each sells goods of its own.
pub(crate) fn together() -> RwLockReadGuard<'static, Mall> {
    the_mall().read().unwrap_or_else(PoisonError::into_inner)
}

/// The mall, with nobody else in it; to be left as it was found.
pub(crate) fn alone() -> RwLockWriteGuard<'static, Mall> {
    the_mall().write().unwrap_or_else(PoisonError::into_inner)
}

fn the_mall() -> &'static RwLock<Mall> {
    MALL.get_or_init(|| {
        let system = System::of_the_mall().set("ordering", "window_ms", WINDOW_MS).set("delivery", "courier", "manual");
        RwLock::new(Mall::start(system))
    })
}
