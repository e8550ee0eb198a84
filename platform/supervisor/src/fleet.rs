//! The instances a system has now: a keeper for each and a line of what it is asked, and how their number changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::data_folder::DataFolder;
use crate::keeper::{Ask, Keeper};
use crate::registry::State;
use crate::scale::{Orders, ScaleError, check, enough_files};
use crate::shared::Shared;
use crate::spec::{Spec, unroll};
use crate::system_file::SystemFile;

/// Those to be taken away have stopped by then: SIGTERM, the grace, SIGKILL.
const STOPPED: Duration = Duration::from_secs(8);

pub(crate) struct Fleet {
    system: SystemFile,
    data: Arc<DataFolder>,
    shared: Arc<Shared>,
    members: Mutex<Members>,
    /// One number changes at a time.
    scaling: tokio::sync::Mutex<Orders>,
}

#[derive(Default)]
struct Members {
    specs: Vec<Spec>,
    asks: HashMap<String, mpsc::Sender<Ask>>,
    keepers: JoinSet<()>,
    closed: bool,
}

impl Fleet {
    /// The fleet of a system; nobody runs yet.
    pub(crate) fn new(system: SystemFile, data: Arc<DataFolder>, shared: Arc<Shared>, orders: Orders) -> Arc<Self> {
        let scaling = tokio::sync::Mutex::new(orders);
        Arc::new(Self { system, data, shared, members: Mutex::default(), scaling })
    }

    /// Starts everybody the description names.
    pub(crate) fn start(&self) {
        for spec in unroll(&self.system) {
            self.add(spec);
        }
    }

    /// Every instance there is.
    pub(crate) fn specs(&self) -> Vec<Spec> {
        self.lock().specs.clone()
    }

    /// Tells an instance something; one that is gone hears nothing.
    pub(crate) async fn ask(&self, slot: &str, ask: Ask) {
        let line = self.lock().asks.get(slot).cloned();
        if let Some(line) = line {
            let _ = line.send(ask).await;
        }
    }

    /// Makes it so many instances of a service, all of which are to run: new ones are started, and those with the
    /// highest numbers are stopped and taken away. Returns when those are gone; the new ones may still be starting.
    pub(crate) async fn scale(&self, name: &str, wished: u32) -> Result<(), ScaleError> {
        check(&self.system, name, wished)?;
        let mut orders = self.scaling.lock().await;
        let specs = self.specs();
        let others = specs.iter().filter(|spec| spec.name != name).count();
        let before: Vec<Spec> = specs.into_iter().filter(|spec| spec.name == name).collect();
        enough_files(others + wished as usize).map_err(ScaleError::Files)?;
        orders.keep(&self.data, name, wished).map_err(|error| ScaleError::Kept(error.to_string()))?;
        self.shared.logs.note("INFO", &format!("{name} is scaled from {} to {wished}", before.len()));
        let mut system = self.system.clone();
        if let Some(instances) = system.instances(name) {
            *instances = wished;
        }
        let after: Vec<Spec> = unroll(&system).into_iter().filter(|spec| spec.name == name).collect();
        for spec in after {
            if before.iter().any(|old| old.slot == spec.slot) {
                self.ask(&spec.slot, Ask::Start).await;
            } else if !self.add(Spec { start: true, ..spec }) {
                return Err(ScaleError::Stopping);
            }
        }
        self.take_away(before.into_iter().skip(wished as usize).map(|spec| spec.slot).collect()).await
    }

    /// No new instances from now on.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
    }

    /// Ends every keeper, and with it whatever still runs.
    pub(crate) async fn shutdown(&self) {
        let mut keepers = std::mem::take(&mut self.lock().keepers);
        keepers.shutdown().await;
    }

    /// False: the fleet is closed.
    fn add(&self, spec: Spec) -> bool {
        let mut members = self.lock();
        if members.closed {
            return false;
        }
        let (ask, asks) = mpsc::channel(16);
        self.shared.registry.add(&spec);
        members.asks.insert(spec.slot.clone(), ask);
        while members.keepers.try_join_next().is_some() {}
        members.keepers.spawn(Keeper::new(spec.clone(), self.shared.clone(), asks).keep());
        members.specs.push(spec);
        true
    }

    async fn take_away(&self, slots: Vec<String>) -> Result<(), ScaleError> {
        for slot in &slots {
            self.ask(slot, Ask::Stop).await;
        }
        let registry = &self.shared.registry;
        let is_one = |slot: &str| slots.iter().any(|one| one == slot);
        let gone = registry
            .wait_until(STOPPED, |rows| {
                rows.iter().filter(|row| is_one(&row.instance)).all(|row| row.state == State::Stopped)
            })
            .await;
        if !gone {
            return Err(ScaleError::Left(slots));
        }
        let mut members = self.lock();
        members.specs.retain(|spec| !is_one(&spec.slot));
        for slot in &slots {
            // Its keeper ends with its line.
            members.asks.remove(slot);
            registry.remove(slot);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
