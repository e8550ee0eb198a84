//! Stores and brokers that do not do what they are told: bugs that systems like this one have shipped, each said in what it
//! does to a port, and found by the rule that is there for it.
//!
//! A Commit is data, so most of what a runtime could do wrong can be done to what it asks for; the runtime itself holds no
//! wrong code ([0027](../../../../docs/decisions/0027-mutants.md)). [`Plan::bug`](crate::Plan::bug) switches one on for every
//! node of a run. Start reading at `store::STORES` and `broker::BROKERS`.

use std::sync::Arc;

use bongsu_runtime::ports::{broker::Broker, store::Store};

use crate::kernel::env::SimEnv;

mod broker;
mod commits;
mod store;

/// The store as a node reaches it under the bugs of this run.
pub(crate) fn store(env: &Arc<SimEnv>, below: Arc<dyn Store>) -> Arc<dyn Store> {
    let lie = store::STORES.iter().find(|(bug, _)| env.bug(bug)).map(|(_, lie)| *lie);
    match lie {
        Some(lie) => Arc::new(store::Mutant::new(below, env, lie)),
        None => below,
    }
}

/// The same of the broker.
pub(crate) fn broker(env: &Arc<SimEnv>, below: Arc<dyn Broker>) -> Arc<dyn Broker> {
    let lie = broker::BROKERS.iter().find(|(bug, _)| env.bug(bug)).map(|(_, lie)| *lie);
    match lie {
        Some(lie) => Arc::new(broker::Mutant::new(below, env, lie)),
        None => below,
    }
}
