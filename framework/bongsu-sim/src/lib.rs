//! The deterministic simulator: a whole system of services in one thread, under one seed.
//!
//! Time is virtual, chance comes from the seed, and the order in which ready tasks run is drawn, so that a seed
//! that fails once fails always, with the same [trace hash](Outcome::hash). Nodes crash at any await or at a
//! named [step](bongsu_runtime::ports::env::Env::step) and start again; ports refuse, lose answers, duplicate and
//! are late. It knows ports and tasks and nothing of what runs on them.
//!
//! Start reading at [`run()`], then [`Sim`]; `kernel/executor.rs` is the loop, [`Plan`] says what may go wrong,
//! [`check`] holds the rules that hold for every event-driven system.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use bongsu_runtime::ports::env::Env;
//! use bongsu_sim::{self as sim, Plan, Sim, SimEnv};
//!
//! let outcome = sim::run(7, Plan::calm(), |sim: Sim| async move {
//!     // A node is whatever its boot function returns; after a crash it is booted again.
//!     let door = sim.node("door", |env: Arc<SimEnv>| async move { env.wall_ms() });
//!     let booted = door.ask("when", |at: Arc<i64>| async move { *at }).await.map_err(|lost| lost.to_string())?;
//!     sim.sleep(Duration::from_secs(3600)).await;
//!     door.crash();
//!     door.restart();
//!     sim.sleep(Duration::from_secs(1)).await;
//!     let again = door.ask("when", |at: Arc<i64>| async move { *at }).await.map_err(|lost| lost.to_string())?;
//!     assert!(again - booted >= 3_600_000);
//!     Ok(())
//! });
//! outcome.expect("an hour passes in no time");
//! ```
#![forbid(unsafe_code)]

pub mod check;
mod faults;
mod kernel;
mod scenario;
mod search;

pub use faults::{
    broker::SimBroker,
    http::{SimAnswer, SimHttp},
    store::SimStore,
};
pub use kernel::{
    chance::{Chance, Dice, Span},
    env::SimEnv,
    moment::{Checked, Moment},
    outcome::{Failure, Outcome, Stats},
    plan::{CrashAt, CrashOn, Faults, Plan, PortFaults},
};
pub use scenario::{
    handle::Sim,
    ledger::{Ledger, Shown},
    node::{Lost, Node, NodeId},
};
pub use search::{
    crashes::{Counted, Crashed, crash_each, crash_points},
    run::run,
    seeds::{search, simplify, sweep},
};
