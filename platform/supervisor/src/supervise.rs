//! A whole system: its fleet runs, the control API is open, and it all ends in order.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bongsu_keys::SecretError;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::configuration::Distributor;
use crate::control::{Control, router};
use crate::data_folder::{Address, DataFolder, DataFolderError};
use crate::directory::Directories;
use crate::fleet::Fleet;
use crate::front::Front;
use crate::http::Http;
use crate::identity;
use crate::keeper::Ask;
use crate::leftovers;
use crate::logs::Logs;
use crate::registry::{Registry, State};
use crate::scale::{Orders, enough_files};
use crate::secret::Secrets;
use crate::serve::serve;
use crate::shared::Shared;
use crate::spec::{Spec, config_file, config_text, unroll};
use crate::system_file::SystemFile;
use crate::turns;

/// A stop in which even SIGKILL does not help is given up after so long.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// A running system.
pub struct Supervisor {
    data: Arc<DataFolder>,
    registry: Arc<Registry>,
    logs: Arc<Logs>,
    fleet: Arc<Fleet>,
    secrets: Arc<Secrets>,
    distributor: Option<Arc<Distributor>>,
    stop: Arc<Notify>,
    background: JoinSet<()>,
}

/// Why a system cannot be started; each is one line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder is taken or cannot be written.
    #[error(transparent)]
    Data(#[from] DataFolderError),
    /// The system's secret cannot be read, or is not private.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The control API cannot listen.
    #[error("cannot listen on loopback: {0}")]
    Listen(#[source] std::io::Error),
    /// So many instances need more open files than this process may have.
    #[error("{0}")]
    Files(String),
}

/// What every child reads of the file.
fn write_configs(data: &DataFolder, specs: &[Spec]) -> Result<(), StartError> {
    for spec in specs {
        data.write(&config_file(&spec.name).display().to_string(), &config_text(spec))?;
    }
    Ok(())
}

impl Supervisor {
    /// Starts every process of a system; `own` is the `bongsu` binary, which is also broker and gateway.
    ///
    /// # Errors
    /// See [`StartError`]. A service that does not start is no error: it is shown as failing and tried again.
    pub async fn start(system: &SystemFile, data: DataFolder, own: PathBuf) -> Result<Self, StartError> {
        leftovers::end(&data);
        let mut system = system.clone();
        identity::settle(&mut system);
        let (orders, complaint) = Orders::apply(&data, &mut system);
        let specs = unroll(&system);
        enough_files(specs.len()).map_err(StartError::Files)?;
        write_configs(&data, &specs)?;
        let secrets = Arc::new(Secrets::open(data.path(), &system)?);
        let registry = Arc::new(Registry::new(&specs, &system));
        let logs = Arc::new(Logs::new(data.path().join("logs")));
        complaint.iter().for_each(|line| logs.note("WARN", line));
        data.warnings().iter().for_each(|line| logs.note("WARN", line));
        let mark = uuid::Uuid::new_v4().simple().to_string();
        let data = Arc::new(data);
        let front = Front::of(&system.gateway, system.gateway_address(), logs.clone());
        let distributor = Distributor::of(&system, &data, &registry, &logs)?;
        let shared = Arc::new(Shared {
            front,
            registry: registry.clone(),
            logs: logs.clone(),
            http: Http::new(None),
            data: data.path().to_path_buf(),
            base: system.folder.clone(),
            own,
            configuration: distributor.as_ref().map(|one| one.folder().to_path_buf()),
            mark: mark.clone(),
            addresses: Mutex::default(),
        });
        let directories = Directories::open(data.clone(), registry.clone(), &system)?;
        let name = system.name.clone();
        let fleet = Fleet::new(system, data.clone(), shared.clone(), orders);
        let stop = Arc::new(Notify::new());
        let background = JoinSet::new();
        let mut this = Self { data, registry, logs, fleet, secrets, distributor, stop, background };
        // The control API is open before the first child starts: the gateway asks it for its routes.
        this.open_control(&name).await?;
        this.background.spawn(leftovers::keep_list(this.registry.clone(), this.data.clone(), mark));
        this.watch(shared.data.clone());
        this.background.spawn(directories.keep());
        this.follow_addresses(shared);
        this.fleet.start();
        Ok(this)
    }

    /// What is running.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// What it keeps.
    pub fn data(&self) -> &DataFolder {
        &self.data
    }

    /// What they say.
    pub fn logs(&self) -> &Arc<Logs> {
        &self.logs
    }

    /// Resolves when somebody asked over the control API to stop everything.
    pub async fn stop_asked(&self) {
        self.stop.notified().await;
    }

    /// Stops everything: the gateway first, then services in reverse order, the broker last. The folder that it gives
    /// back is still locked.
    pub async fn stop(mut self) -> Arc<DataFolder> {
        self.fleet.close();
        let mut levels: BTreeMap<usize, Vec<Spec>> = BTreeMap::new();
        for spec in self.fleet.specs() {
            levels.entry(spec.depth).or_default().push(spec);
        }
        for specs in levels.values().rev() {
            for spec in specs {
                self.fleet.ask(&spec.slot, Ask::Stop).await;
            }
            let all_stopped = |rows: &[crate::registry::Instance]| {
                let mut these = rows.iter().filter(|row| specs.iter().any(|spec| spec.slot == row.instance));
                these.all(|row| row.state == State::Stopped)
            };
            self.registry.wait_until(STOP_LIMIT, all_stopped).await;
        }
        self.fleet.shutdown().await;
        self.background.shutdown().await;
        self.data.remove(leftovers::FILE);
        self.data.remove(Address::FILE);
        self.data
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
            secrets: self.secrets.clone(),
            distributor: self.distributor.clone(),
            stop: self.stop.clone(),
        });
        self.background.spawn(async move {
            // Ends only with the process.
            serve(listener, router(control)).await;
        });
        let address = Address { pid: std::process::id(), url, token, folder: self.data.identity().cloned() };
        let text = serde_json::to_string(&address).expect("plain fields can always be written as JSON");
        self.data.write(Address::FILE, &text)?;
        Ok(())
    }

    /// Looks after instances that stand still, and at the configuration.
    fn watch(&mut self, data: PathBuf) {
        let fleet = self.fleet.clone();
        self.background.spawn(turns::watch(fleet.clone(), self.registry.clone(), self.logs.clone(), data));
        if let Some(distributor) = self.distributor.clone() {
            self.background.spawn(distributor.watch(fleet));
        }
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
                        fleet.ask(&spec.slot, Ask::Restart).await;
                    }
                }
                told = now;
                if revision.changed().await.is_err() {
                    return;
                }
            }
        });
    }
}
