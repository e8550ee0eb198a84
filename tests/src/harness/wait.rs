//! Polling with a deadline: the only way a test waits.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Between two looks.
const BREATH: Duration = Duration::from_millis(20);

/// Looks again and again until something is there.
///
/// # Panics
/// With what was seen last, when it is not there in time.
pub fn until<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Result<T, String>) -> T {
    let deadline = now() + patience;
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) if now() > deadline => panic!("waited {patience:?} in vain until {what}; seen last: {seen}"),
            // Lets the processes under test have the machine.
            Err(_) => thread::park_timeout(BREATH),
        }
    }
}

/// The clock of the machine.
#[expect(clippy::disallowed_methods, reason = "the processes under test live in real time")]
pub fn now() -> Instant {
    Instant::now()
}
