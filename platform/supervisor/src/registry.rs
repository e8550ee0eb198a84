//! What is running now: the one table everybody looks at, with a revision that rises on every change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bongsu_host::config::schema::Setting;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::spec::Spec;
use crate::system_file::{Canary, GATEWAY, Service, SystemFile};

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not wanted.
    Stopped,
    /// Those it comes after are not ready yet.
    Waiting,
    /// Running, was never ready.
    Starting,
    /// Answers `/health/ready` with 200.
    Ready,
    /// Was ready, says now that it is not.
    Unready,
    /// Died; about to be started again.
    Restarting,
    /// Died so often that it is only tried now and then.
    Failing,
    /// Ended because of its settings; not tried again until it is told to start.
    Refused,
    /// Was told to stop.
    Stopping,
}

/// One row of `bongsu ps`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// The service.
    pub name: String,
    /// The slot: `question-1`.
    pub instance: String,
    /// Its process, while there is one.
    pub pid: Option<u32>,
    /// Where it listens, once it said so.
    pub url: Option<String>,
    /// Where it alone is asked, if others listen at its `url`, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_url: Option<String>,
    /// See [`State`].
    pub state: State,
    /// How often it was started again because it had died; what an operator starts is not counted.
    pub restarts: u32,
    /// Why it is not ready, in one line.
    pub detail: Option<String>,
    /// Under which configuration it decides, as it says.
    #[serde(default)]
    pub revision: Option<String>,
    /// Whether it gets no requests until it decides under the one that counts.
    #[serde(default)]
    pub behind: bool,
    /// What can be set of it, as it registered when it started; gone with its process.
    #[serde(skip)]
    pub settings: Option<Arc<[Setting]>>,
    /// What it did not take, and why.
    #[serde(skip)]
    pub refused: Option<(String, String)>,
    /// Known to the supervisor alone.
    #[serde(skip)]
    pub run: Run,
    /// Why the process that was to take over did not; known to the supervisor alone.
    #[serde(skip)]
    pub not_replaced: Option<String>,
}

/// The latest run of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// How many there were by now, also of those that could not be started.
    pub number: u32,
    /// Nobody asked for it: the one before it died.
    pub heals: bool,
    /// From its start until it was ready for the first time.
    pub took: Option<Duration>,
}

/// What the gateway needs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Rises with every change of the registry.
    pub revision: u64,
    /// Paths and whose they are.
    pub routes: Vec<Route>,
    /// Ready instances (`host:port`) of every service that has a route.
    pub upstreams: BTreeMap<String, Vec<String>>,
    /// Services that have an instance about to be ready: worth a short wait.
    pub coming: BTreeSet<String>,
    /// Who may ask what, where that is not simply somebody.
    #[serde(default)]
    pub access: Vec<Access>,
    /// Services that answer the same when an `Idempotency-Key` comes again.
    #[serde(default)]
    pub idempotent: BTreeSet<String>,
    /// Whom a service asks on behalf of whoever asks it.
    #[serde(default)]
    pub asks: BTreeMap<String, Vec<String>>,
    /// Services that recognise their callers themselves.
    #[serde(default)]
    pub own_login: BTreeSet<String>,
    /// Services that stand in for another one for some of its callers, by name.
    #[serde(default)]
    pub canaries: BTreeMap<String, Canary>,
    /// Slots of the gateways that take requests now.
    #[serde(default)]
    pub gateways: Vec<String>,
}

/// Requests that are for everybody, or for a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Whose they are.
    pub service: String,
    /// A method, or `*`.
    pub method: String,
    /// A path in which `*` stands for one part, at the end for everything below.
    pub path: String,
    /// `public`, or a role.
    pub who: String,
}

/// One path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// `/x` exactly, `/x/*` everything below.
    pub path: String,
    /// The service.
    pub service: String,
}

/// The table.
pub struct Registry {
    instances: Mutex<Vec<Instance>>,
    /// What never changes of the table.
    fixed: RouteTable,
    revision: watch::Sender<u64>,
}

impl State {
    /// The word used in JSON and on screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Unready => "unready",
            Self::Restarting => "restarting",
            Self::Failing => "failing",
            Self::Refused => "refused",
            Self::Stopping => "stopping",
        }
    }

    /// Whether nothing more will happen to it without a cause from outside.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Stopped | Self::Ready | Self::Failing | Self::Refused)
    }
}

impl Instance {
    /// Does not run yet.
    fn new(spec: &Spec) -> Self {
        let state = if spec.start { State::Waiting } else { State::Stopped };
        Self { name: spec.name.clone(), state, ..Self::not_yet(spec.slot.clone()) }
    }

    /// Of whom nothing is known.
    pub(crate) fn not_yet(instance: String) -> Self {
        Self {
            name: String::new(),
            instance,
            pid: None,
            url: None,
            own_url: None,
            state: State::Stopped,
            restarts: 0,
            detail: None,
            revision: None,
            behind: false,
            settings: None,
            refused: None,
            run: Run::default(),
            not_replaced: None,
        }
    }

    /// It has no process now, and so no address.
    pub(crate) fn has_no_process(&mut self) {
        self.pid = None;
        self.url = None;
        self.own_url = None;
    }
}

impl Registry {
    /// A table of instances of which none runs yet; those that are about to be started are waiting.
    pub(crate) fn new(specs: &[Spec], system: &SystemFile) -> Self {
        let routes = system.services.iter().flat_map(|service| {
            service.routes.iter().map(|path| Route { path: path.clone(), service: service.name.clone() })
        });
        let access = system.services.iter().flat_map(|service| {
            // Who may ask a service may ask whoever stands in for it.
            let said_by = service.canary.as_ref().and_then(|canary| system.service(&canary.of)).unwrap_or(service);
            said_by.access().filter_map(|(who, request)| {
                let (method, path) = request.split_once(' ')?;
                Some(Access {
                    service: service.name.clone(),
                    method: method.to_owned(),
                    path: path.to_owned(),
                    who: who.to_owned(),
                })
            })
        });
        let canaries =
            system.services.iter().filter_map(|service| Some((service.name.clone(), service.canary.clone()?)));
        let asking = system.services.iter().filter(|service| !service.asks.is_empty());
        let asks = asking.map(|service| (service.name.clone(), service.asks.clone()));
        let those = |are: fn(&Service) -> bool| {
            system.services.iter().filter(|service| are(service)).map(|service| service.name.clone()).collect()
        };
        Self {
            instances: Mutex::new(specs.iter().map(Instance::new).collect()),
            fixed: RouteTable {
                routes: routes.collect(),
                access: access.collect(),
                idempotent: those(|service| service.idempotent),
                asks: asks.collect(),
                own_login: those(|service| service.own_login),
                canaries: canaries.collect(),
                ..Default::default()
            },
            revision: watch::Sender::new(1),
        }
    }

    /// Every instance, in starting order.
    pub fn instances(&self) -> Vec<Instance> {
        self.lock().clone()
    }

    /// Instances of that name, or the one with that slot.
    pub fn matching(&self, name: &str) -> Vec<Instance> {
        self.lock().iter().filter(|it| it.name == name || it.instance == name).cloned().collect()
    }

    /// One more instance, after the others of its service; one that is in the table already stays as it is.
    pub(crate) fn add(&self, spec: &Spec) {
        let mut instances = self.lock();
        if instances.iter().any(|row| row.instance == spec.slot) {
            return;
        }
        let after = instances.iter().rposition(|row| row.name == spec.name);
        let place = after.map_or(instances.len(), |last| last + 1);
        instances.insert(place, Instance::new(spec));
        self.revision.send_modify(|revision| *revision += 1);
    }

    /// One instance less.
    pub(crate) fn remove(&self, slot: &str) {
        let mut instances = self.lock();
        instances.retain(|row| row.instance != slot);
        self.revision.send_modify(|revision| *revision += 1);
    }

    /// Changes one instance; the revision rises only if it did change.
    pub fn update(&self, instance: &str, change: impl FnOnce(&mut Instance)) {
        let mut instances = self.lock();
        let Some(row) = instances.iter_mut().find(|row| row.instance == instance) else { return };
        let before = row.clone();
        change(row);
        if row.pid.is_none() {
            // What a process said goes with it.
            row.revision = None;
            row.behind = false;
            row.settings = None;
            row.refused = None;
        }
        if *row != before {
            self.revision.send_modify(|revision| *revision += 1);
        }
    }

    /// The revision, to wait on.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Waits until the table looks as asked; false when it did not within `limit`.
    pub async fn wait_until(&self, limit: Duration, looks: impl Fn(&[Instance]) -> bool) -> bool {
        let mut revision = self.watch();
        let looked = async {
            while !looks(&self.lock()) {
                if revision.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(limit, looked).await.is_ok()
    }

    /// What the gateway needs to know now.
    pub fn route_table(&self) -> RouteTable {
        let instances = self.lock();
        let mut table = RouteTable { revision: *self.revision.borrow(), ..self.fixed.clone() };
        let is_asked = |name: &String| {
            self.fixed.canaries.contains_key(name) || self.fixed.routes.iter().any(|route| route.service == *name)
        };
        let serves = |row: &&Instance| row.name == GATEWAY && matches!(row.state, State::Ready | State::Unready);
        table.gateways = instances.iter().filter(serves).map(|row| row.instance.clone()).collect();
        for row in instances.iter().filter(|row| is_asked(&row.name)) {
            let ready = table.upstreams.entry(row.name.clone()).or_default();
            match (row.state, &row.url) {
                (State::Ready, _) if row.behind => {}
                (State::Ready, Some(url)) => ready.push(url.trim_start_matches("http://").to_owned()),
                (State::Stopped | State::Failing | State::Refused | State::Stopping, _) => {}
                _ => drop(table.coming.insert(row.name.clone())),
            }
        }
        table
    }

    /// Where the ready instances are of those a service asks: each by its name, `host:port`.
    pub(crate) fn directory(&self, asks: &[String]) -> BTreeMap<String, Vec<String>> {
        let instances = self.lock();
        let ready = |name: &String| {
            let its = instances.iter().filter(|row| row.name == *name && row.state == State::Ready && !row.behind);
            its.filter_map(|row| Some(row.url.as_ref()?.trim_start_matches("http://").to_owned())).collect()
        };
        asks.iter().map(|name| (name.clone(), ready(name))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Instance>> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::unroll;

    fn registry() -> Registry {
        let text = "name = 'house'\n[[service]]\nname = 'door'\ncommand = 'x'\ninstances = 2\nroutes = ['/doors']";
        let system = toml::from_str(text).unwrap();
        Registry::new(&unroll(&system), &system)
    }

    #[test]
    fn only_ready_instances_are_routed_to_and_those_about_to_be_are_announced() {
        let registry = registry();
        registry.update("door-1", |row| (row.state, row.url) = (State::Ready, Some("http://127.0.0.1:1".into())));
        registry.update("door-2", |row| (row.state, row.url) = (State::Starting, Some("http://127.0.0.1:2".into())));
        let table = registry.route_table();
        assert_eq!(table.upstreams["door"], ["127.0.0.1:1"]);
        assert!(table.coming.contains("door"));
        registry.update("door-2", |row| row.state = State::Failing);
        assert!(registry.route_table().coming.is_empty());
    }

    #[test]
    fn who_is_behind_is_not_routed_to_and_what_a_process_said_goes_with_it() {
        let registry = registry();
        registry.update("door-1", |row| {
            (row.state, row.pid, row.url) = (State::Ready, Some(1), Some("http://127.0.0.1:1".into()));
            (row.revision, row.settings, row.behind) = (Some("abc".into()), Some([].into()), true);
        });
        let table = registry.route_table();
        assert!(table.upstreams["door"].is_empty());
        registry.update("door-1", |row| row.behind = false);
        assert_eq!(registry.route_table().upstreams["door"], ["127.0.0.1:1"]);
        registry.update("door-1", |row| row.pid = None);
        let row = registry.matching("door-1").remove(0);
        assert_eq!((row.revision, row.settings, row.behind), (None, None, false));
    }

    #[test]
    fn a_service_is_told_of_those_it_asks_who_is_ready_and_of_nobody_else() {
        let registry = registry();
        registry.update("door-1", |row| (row.state, row.url) = (State::Ready, Some("http://127.0.0.1:1".into())));
        registry.update("door-2", |row| (row.state, row.url) = (State::Unready, Some("http://127.0.0.1:2".into())));
        let told = registry.directory(&["door".to_owned()]);
        assert_eq!(told, BTreeMap::from([("door".to_owned(), vec!["127.0.0.1:1".to_owned()])]));
        assert_eq!(registry.directory(&[]), BTreeMap::new());
        registry.update("door-1", |row| (row.pid, row.behind) = (Some(1), true));
        assert_eq!(registry.directory(&["door".to_owned()])["door"], [""; 0], "who is behind is not asked");
        registry.update("door-1", |row| (row.state, row.behind) = (State::Stopping, false));
        assert_eq!(registry.directory(&["door".to_owned()])["door"], [""; 0]);
    }

    #[test]
    fn whoever_stands_in_for_a_service_is_asked_by_whom_that_one_is() {
        let text = "name = 'house'\n[[service]]\nname = 'door'\ncommand = 'x'\nroutes = ['/doors']\n\
                    public = ['GET /doors']\n[[service]]\nname = 'door-next'\ncommand = 'y'\n\
                    canary = { of = 'door', percent = 10, header = 'x-next: yes' }";
        let system = toml::from_str(text).unwrap();
        let registry = Registry::new(&unroll(&system), &system);
        registry.update("door-next-1", |row| (row.state, row.url) = (State::Ready, Some("http://127.0.0.1:1".into())));
        let table = registry.route_table();
        assert_eq!((table.canaries["door-next"].percent, table.routes.len()), (10, 1));
        assert_eq!(table.upstreams["door-next"], ["127.0.0.1:1"]);
        let open: Vec<&str> = table.access.iter().map(|access| access.service.as_str()).collect();
        assert_eq!(open, ["door", "door-next"]);
    }

    #[test]
    fn the_revision_rises_only_with_a_change() {
        let registry = registry();
        let before = registry.route_table().revision;
        registry.update("door-1", |row| row.state = State::Waiting);
        assert_eq!(registry.route_table().revision, before);
        registry.update("door-1", |row| row.state = State::Starting);
        assert_eq!(registry.route_table().revision, before + 1);
    }
}
