//! The mall as real processes: one `bongsu up` on its own copy of `mall/bongsu.toml`, with its own data folder
//! and free ports, so that several run at once beside a developer's.
//!
//! What it leaves behind is the same [`Evidence`] the simulator leaves, judged by the same rules. Everything
//! here panics with what it saw: it is for tests. Start reading at [`Mall`].

pub mod wait;
pub mod http;
pub mod stream;
pub mod system;
pub mod supervisor;
pub mod orders;
pub mod look;
pub mod keys;
pub mod people;
pub mod browser;
pub mod audit;

use std::{
    collections::BTreeMap,
    process::{Command, Output},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bongsu_sqlite::{Options, SqliteStore};
use serde_json::Value;

use crate::{
    evidence::{Dump, Evidence, Op},
    harness::{
        http::{Http, Response},
        people::People,
        supervisor::Supervisor,
        system::System,
        wait::until,
    },
    mall::CONTEXTS,
    rules,
};

/// A running mall.
pub struct Mall {
    system: System,
    supervisor: Supervisor,
    http: Http,
    gateway: String,
    people: People,
    history: Mutex<Vec<Op>>,
}

/// One row of `bongsu ps --json`.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Process {
    /// The service.
    pub name: String,
    /// The slot.
    pub instance: String,
    /// Its process, while there is one.
    pub pid: Option<u32>,
    /// Where it listens.
    pub url: Option<String>,
    /// `ready`, `stopped`…
    pub state: String,
    /// How often it was started again after it died.
    pub restarts: u32,
}

impl Mall {
    /// Starts a system and waits until everything it starts with is ready.
    pub fn start(system: System) -> Self {
        let supervisor = Supervisor::start(&system);
        let mut mall = Self {
            system,
            supervisor,
            http: Http::new(),
            gateway: String::new(),
            people: People::default(),
            history: Mutex::default(),
        };
        mall.gateway = until("every process is ready", Duration::from_secs(60), || {
            if !mall.supervisor.is_running() {
                panic!("bongsu up has ended:\n{}", mall.system.said());
            }
            if !mall.system.said().contains(" ready in ") {
                return Err(mall.system.said());
            }
            let processes = mall.ps();
            match processes.iter().find(|it| !matches!(it.state.as_str(), "ready" | "stopped")) {
                Some(late) => Err(format!("{late:?}")),
                None => processes
                    .into_iter()
                    .find(|it| it.name == "gateway")
                    .and_then(|it| it.url)
                    .ok_or_else(|| "no gateway".into()),
            }
        });
        mall
    }

    /// Its files.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// The one address of the system.
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// The process of `bongsu up`.
    pub fn supervisor(&self) -> u32 {
        self.supervisor.pid()
    }

    /// `bongsu ARGS…` on this system.
    pub fn bongsu(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("bongsu can be started")
    }

    /// `bongsu ARGS…`, to be started by the caller.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.system.bongsu();
        command.args(args);
        command
    }

    /// What `bongsu ARGS…` prints.
    pub fn said_by(&self, args: &[&str]) -> String {
        let output = self.bongsu(args);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "bongsu {}: {}{out}{err}", args.join(" "), output.status);
        out.into_owned()
    }

    /// `bongsu ps --json`.
    pub fn ps(&self) -> Vec<Process> {
        let rows: Vec<Process> = serde_json::from_str(&self.said_by(&["ps", "--json"])).expect("ps prints rows");
        self.supervisor.remember(rows.iter().filter_map(|row| row.pid));
        rows
    }

    /// The one process of a name.
    pub fn process(&self, name: &str) -> Process {
        self.ps().into_iter().find(|row| row.name == name).unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// `bongsu stop NAME`: it stays stopped.
    pub fn stop(&self, name: &str) {
        self.said_by(&["stop", name]);
    }

    /// `bongsu start NAME`: returns when it is ready.
    pub fn start_again(&self, name: &str) {
        self.said_by(&["start", name]);
    }

    /// `kill -9`, as any operator's shell would do it; the process that was killed.
    pub fn kill(&self, name: &str) -> u32 {
        let pid = self.process(name).pid.unwrap_or_else(|| panic!("{name} has no process"));
        self.said_by(&["kill", name]);
        pid
    }

    /// One request to the gateway, of the customer or, where only one may, of an operator; what it heard, or why it
    /// heard nothing.
    ///
    /// # Errors
    /// No answer.
    pub fn ask(&self, method: &str, path: &str, key: Option<&str>, body: Option<&Value>) -> Result<Response, String> {
        self.ask_as(&self.bearer_for(method, path), method, path, key, body)
    }

    /// One request to the gateway of whoever has that bearer.
    ///
    /// # Errors
    /// No answer.
    pub fn ask_as(
        &self,
        bearer: &str,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Response, String> {
        let (url, bearer) = (format!("{}{path}", self.gateway), format!("Bearer {bearer}"));
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        headers.extend(body.map(|_| ("content-type", "application/json")));
        self.http.request(method, &url, &headers, body.map_or_else(Vec::new, |body| body.to_string().into_bytes()))
    }

    /// `GET` at the gateway.
    pub fn get(&self, path: &str) -> Response {
        self.ask("GET", path, None, None).unwrap_or_else(|why| panic!("GET {path}: {why}"))
    }

    /// A command at the gateway.
    pub fn post(&self, path: &str, key: &str, body: &Value) -> Response {
        self.ask("POST", path, Some(key), Some(body)).unwrap_or_else(|why| panic!("POST {path}: {why}"))
    }

    /// What every store, the provider and the clients hold now, while everything runs: the stores are read one
    /// after the other, so this is sure only of a quiet system.
    pub fn evidence(&self) -> Evidence {
        let ledger = self.get("/ledger").json();
        let stores = CONTEXTS.into_iter().filter_map(|context| Some((context, self.dump(context)?)));
        let stores: BTreeMap<&'static str, Dump> = stores.collect();
        Evidence { stores, ledger, history: self.asked() }
    }

    /// The content of a context's store; none if it never ran.
    fn dump(&self, context: &str) -> Option<Dump> {
        let store = self.store(context)?;
        let dump = self.http.wait_for(Dump::of(&store)).unwrap_or_else(|error| panic!("{context}: {error}"));
        store.close();
        Some(dump)
    }

    /// A context's store, opened as another instance would; none if it never ran.
    fn store(&self, context: &str) -> Option<SqliteStore> {
        let file = self.system.data().join(format!("{context}.db"));
        let options = Options { doorbell: false, readers: 1, ..Options::default() };
        file.exists().then(|| SqliteStore::open(&file, options).unwrap_or_else(|error| panic!("{error}")))
    }

    /// Waits until every order has ended, nothing is left to do, and these rules hold; the evidence of that.
    pub fn quiesce(&self, patience: Duration, rules: &[rules::Rule]) -> Evidence {
        self.quiesce_without(&[], patience, rules)
    }

    /// The same where these contexts were stopped for good: what they left is no evidence.
    pub fn quiesce_without(&self, excused: &[&str], patience: Duration, rules: &[rules::Rule]) -> Evidence {
        until("the mall is quiet and right", patience, || {
            let mut evidence = self.evidence();
            evidence.stores.retain(|context, _| !excused.contains(context));
            let left = rules::processes::left(&evidence);
            if !left.is_empty() {
                return Err(format!("left to do: {left:?}"));
            }
            match rules::judge(rules, &evidence) {
                Ok(_) => Ok(evidence),
                Err(why) => Err(format!("{why}\nparked: {}", self.said_by(&["parked"]))),
            }
        })
    }

    /// What customers asked for so far.
    pub fn asked(&self) -> Vec<Op> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `kill -9` of the supervisor alone; when nothing of it runs any more, what is left: its files.
    pub fn crash(mut self) -> System {
        let pids: Vec<u32> = self.ps().iter().filter_map(|row| row.pid).collect();
        self.supervisor.crash();
        until("every child has ended with its supervisor", Duration::from_secs(10), || {
            match pids.iter().find(|pid| supervisor::is_alive(**pid)) {
                Some(pid) => Err(format!("process {pid} runs on")),
                None => Ok(()),
            }
        });
        self.system
    }

    /// Stops everything in order; what it left behind.
    pub fn end(mut self) -> Evidence {
        let pids: Vec<u32> = self.ps().iter().filter_map(|row| row.pid).collect();
        let ledger = self.get("/ledger").json();
        self.supervisor.stop();
        for pid in pids {
            assert!(!supervisor::is_alive(pid), "process {pid} outlived its supervisor:\n{}", self.system.said());
        }
        let stores = CONTEXTS.into_iter().filter_map(|context| Some((context, self.dump(context)?))).collect();
        Evidence { stores, ledger, history: self.asked() }
    }
}
