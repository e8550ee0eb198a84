//! One attempt at a plan: it is queued and waited for. Whoever plans again afterwards plans on what the store holds: what
//! was refused, and what nobody knows the end of, is not believed any more.

use std::sync::Arc;

use crate::{
    commit::{
        core::Core,
        submit::{Settled, Stale},
        unit::Plan,
    },
    ports::store::{Mismatch, StoreError},
};

/// How an attempt ended, unless the store failed.
pub(crate) enum Tried {
    /// Durable.
    Done,
    /// Something it rests on has changed; what the store said of it, and nothing when it was known here already.
    Overtaken(Vec<Mismatch>),
    /// It may be durable: planned again, it finds what it did itself.
    Unknown(String),
}

impl Core {
    /// Queues a plan and waits for what becomes of it.
    pub(crate) async fn attempt(self: &Arc<Self>, plan: Plan) -> Result<Tried, StoreError> {
        let queued = match self.submit(plan) {
            Ok(queued) => queued,
            Err(Stale) => return Ok(Tried::Overtaken(Vec::new())),
        };
        match self.settle(queued).await {
            Settled::Done => Ok(Tried::Done),
            Settled::Refused(mismatches) => Ok(Tried::Overtaken(mismatches)),
            Settled::Failed(StoreError::Unknown(why)) => Ok(Tried::Unknown(why)),
            Settled::Failed(error) => Err(error),
        }
    }
}
