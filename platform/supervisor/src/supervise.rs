//! A whole system: its fleet runs, the control API is open, and it all ends in order.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::control::{Control, router};
use crate::data_folder::{Address, DataFolder, DataFolderError};
use crate::fleet::Fleet;
use crate::http::Http;
use crate::keeper::{Order, Shared};
use crate::logs::Logs;
use crate::registry::{Registry, State};
use crate::scale::Orders;
use crate::spec::{Spec, config_file, config_text, unroll};
use crate::system_file::SystemFile;

/// A stop in which even SIGKILL does not help is given up after so long.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// A running system.
pub struct Supervisor {
    data: Arc<DataFolder>,
    registry: Arc<Registry>,
    logs: Arc<Logs>,
    fleet: Arc<Fleet>,
    stop: Arc<Notify>,
    background: JoinSet<()>,
}

/// Why a system cannot be started; each is one line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder is taken or cannot be written.
    #[error(transparent)]
    Data(#[from] DataFolderError),
    /// The control API cannot listen.
    #[error("cannot listen on loopback: {0}")]
    Listen(#[source] std::io::Error),
}

impl Supervisor {
    /// Starts every process of a system; `own` is the `bongsu` binary, which is also broker and gateway.
    ///
    /// # Errors
    /// See [`StartError`]. A service that does not start is no error: it is shown as failing and tried again.
    pub async fn start(system: &SystemFile, data: DataFolder, own: PathBuf) -> Result<Self, StartError> {
        end_leftovers(&data);
        let mut system = system.clone();
        let (orders, complaint) = Orders::apply(&data, &mut system);
        let specs = unroll(&system);
        for spec in &specs {
            data.write(&config_file(&spec.name).display().to_string(), &config_text(spec))?;
        }
        let registry = Arc::new(Registry::new(&specs, &system));
        let logs = Arc::new(Logs::new(data.path().join("logs")));
        complaint.iter().for_each(|line| logs.note("WARN", line));
        let data = Arc::new(data);
        let shared = Arc::new(Shared {
            registry: registry.clone(),
            logs: logs.clone(),
            http: Http::new(None),
            data: data.path().to_path_buf(),
            base: system.folder.clone(),
            own,
            addresses: Mutex::default(),
        });
        let name = system.name.clone();
        let fleet = Fleet::new(system, data.clone(), shared.clone(), orders);
        let mut this = Self { data, registry, logs, fleet, stop: Arc::new(Notify::new()), background: JoinSet::new() };
        // The control API is open before the first child starts: the gateway asks it for its routes.
        this.open_control(&name).await?;
        this.remember_processes();
        this.follow_addresses(shared);
        this.fleet.start();
        Ok(this)
    }

    /// What is running.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// What they say.
    pub fn logs(&self) -> &Arc<Logs> {
        &self.logs
    }

    /// Resolves when somebody asked over the control API to stop everything.
    pub async fn stop_asked(&self) {
        self.stop.notified().await;
    }

    /// Stops everything: the gateway first, then services in reverse order, the broker last.
    pub async fn stop(mut self) {
        self.fleet.close();
        let mut levels: BTreeMap<usize, Vec<Spec>> = BTreeMap::new();
        for spec in self.fleet.specs() {
            levels.entry(spec.depth).or_default().push(spec);
        }
        for specs in levels.values().rev() {
            for spec in specs {
                self.fleet.order(&spec.slot, Order::Stop).await;
            }
            let all_stopped = |rows: &[crate::registry::Instance]| {
                let mut these = rows.iter().filter(|row| specs.iter().any(|spec| spec.slot == row.instance));
                these.all(|row| row.state == State::Stopped)
            };
            self.registry.wait_until(STOP_LIMIT, all_stopped).await;
        }
        self.fleet.shutdown().await;
        self.background.shutdown().await;
        self.data.remove(PROCESSES);
        self.data.remove(Address::FILE);
    }

    async fn open_control(&mut self, name: &str) -> Result<(), StartError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(StartError::Listen)?;
        let url = format!("http://{}", listener.local_addr().map_err(StartError::Listen)?);
        let token = uuid::Uuid::new_v4().simple().to_string();
        let control = Arc::new(Control {
            name: name.to_owned(),
            token: token.clone(),
            registry: self.registry.clone(),
            logs: self.logs.clone(),
            fleet: self.fleet.clone(),
            stop: self.stop.clone(),
        });
        self.background.spawn(async move {
            // Ends only with the process.
            let _ = axum::serve(listener, router(control)).await;
        });
        let address = Address { pid: std::process::id(), url, token };
        let text = serde_json::to_string(&address).expect("three plain fields can always be written as JSON");
        self.data.write(Address::FILE, &text)?;
        Ok(())
    }

    /// Services are told addresses when they start, the broker's first of all. Should somebody come back at another
    /// one, because its port was taken meanwhile, those who were told the old one are started again.
    fn follow_addresses(&mut self, shared: Arc<Shared>) {
        let registry = self.registry.clone();
        let mut told: HashMap<String, String> = HashMap::new();
        let fleet = self.fleet.clone();
        self.background.spawn(async move {
            let mut revision = registry.watch();
            loop {
                let now = shared.known_addresses();
                let has_moved = |name: &String| told.get(name).is_some_and(|url| now.get(name) != Some(url));
                for spec in fleet.specs() {
                    let runs = registry.matching(&spec.slot).iter().any(|row| row.pid.is_some());
                    if runs && spec.told.iter().any(has_moved) {
                        fleet.order(&spec.slot, Order::Restart).await;
                    }
                }
                told = now;
                if revision.changed().await.is_err() {
                    return;
                }
            }
        });
    }

    /// Keeps the list of child processes on disk, for [`end_leftovers`].
    fn remember_processes(&mut self) {
        let (registry, path) = (self.registry.clone(), self.data.path().join(PROCESSES));
        self.background.spawn(async move {
            let mut revision = registry.watch();
            let mut written = String::new();
            loop {
                let mut text = String::new();
                for pid in registry.instances().iter().filter_map(|row| row.pid) {
                    if let Some(birth) = birth(pid) {
                        text.push_str(&format!("{pid} {birth}\n"));
                    }
                }
                if text != written && fs::write(&path, &text).is_ok() {
                    written = text;
                }
                if revision.changed().await.is_err() {
                    return;
                }
            }
        });
    }
}

/// The children now alive, as lines of `pid birth`.
const PROCESSES: &str = "processes";

/// Ends what a killed supervisor left behind. Its children stop when their pipe closes; one that was paused then, or
/// does not listen to its pipe, would otherwise still write to the store of its successor.
fn end_leftovers(data: &DataFolder) {
    let text = fs::read_to_string(data.path().join(PROCESSES)).unwrap_or_default();
    for line in text.lines() {
        let Some((pid, born)) = line.split_once(' ') else { continue };
        let Ok(pid) = pid.parse::<u32>() else { continue };
        // The same number may be another process by now; its time of birth tells.
        if birth(pid).as_deref() == Some(born) {
            let _ = killpg(Pid::from_raw(pid as i32), Signal::SIGKILL);
        }
    }
}

/// When a process started, in clock ticks since boot: field 22 of `/proc/PID/stat` (proc(5)).
fn birth(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in field 2 may hold spaces and brackets; what follows the last bracket starts at field 3.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
}
