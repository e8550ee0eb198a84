//! Who makes stores to try the rules on.

use std::sync::Arc;

use bongsu_runtime::ports::{Fut, store::Store};
use futures::future::LocalBoxFuture;

use super::crash;

/// Makes stores to try the rules on.
pub trait StoreFactory: Send + Sync + 'static {
    /// So many instances over one fresh, empty store.
    fn open(&self, instances: usize) -> Fut<'_, Vec<Arc<dyn Store>>>;

    /// One fresh, empty store that outlives those who use it.
    fn mortal(&self) -> Box<dyn crash::Mortal>;

    /// Polls a rule to its end; for adapters that need their own runtime around them.
    fn block_on(&self, rule: LocalBoxFuture<'_, ()>) {
        futures::executor::block_on(rule);
    }
}

/// One instance over a fresh store.
pub(super) async fn one(factory: &dyn StoreFactory) -> Arc<dyn Store> {
    factory.open(1).await.pop().expect("the factory was asked for one instance")
}

/// Two instances over one fresh store.
pub(super) async fn two(factory: &dyn StoreFactory) -> (Arc<dyn Store>, Arc<dyn Store>) {
    let mut both = factory.open(2).await.into_iter();
    let one = both.next().expect("the factory was asked for two instances");
    let other = both.next().expect("the factory was asked for two instances");
    (one, other)
}
