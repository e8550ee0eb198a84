//! The broker process: one file, one writer, HTTP on loopback.

use std::{future::Future, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use bongsu_keys::Keys;
use bongsu_runtime::ports::broker::LogId;
use tokio::net::TcpListener;

mod file;
mod log;
mod producers;
mod index;
mod writer;
mod reader;
mod answer;
mod consumers;
mod hold;
mod http;
mod listen;

use index::Index;
use reader::Readers;
use writer::{Job, Writer};

/// How a broker runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Its file; made, with its folder, when missing.
    pub data: PathBuf,
    /// Bounds.
    pub limits: Limits,
    /// Who may speak to it. None: whoever reaches it may do everything, as beside a service that runs alone.
    pub keys: Option<Keys>,
    /// Names it is reached by, beside IP addresses and `localhost`.
    pub hosts: Vec<String>,
}

/// What a broker takes at most; beyond, it refuses.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// Bytes of request bodies held at a time, read or queued.
    pub queued_bytes: usize,
    /// Time for the head of a request; also how long an idle connection is kept.
    pub header_timeout: Duration,
    /// Time for the body of a request.
    pub body_timeout: Duration,
    /// Time for open requests after the shutdown was asked for.
    pub drain: Duration,
}

/// A broker that has its file and its address, and serves when it is [`run`](Self::run).
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    writer: Writer,
}

/// What the requests share.
pub(crate) struct Shared {
    pub(crate) index: Arc<Index>,
    pub(crate) readers: Readers,
    pub(crate) jobs: tokio::sync::mpsc::Sender<Job>,
    pub(crate) consumers: consumers::Consumers,
    pub(crate) hold: hold::Hold,
    pub(crate) bodies: Arc<tokio::sync::Semaphore>,
    pub(crate) limits: Limits,
    pub(crate) keys: Option<Keys>,
    pub(crate) hosts: Vec<String>,
    pub(crate) stopping: tokio::sync::watch::Sender<bool>,
}

/// Why a broker does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another process has the file.
    #[error("{} is in use by another broker", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error("{} is not a broker's file: {found}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
    },
    /// The file cannot be trusted.
    #[error("{} is damaged: {why}; move it away and start again, then let the services refill the broker", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// The file or its folder cannot be read or written.
    #[error("{} cannot be used: {why}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// The linked SQLite has a bug that loses data.
    #[error("SQLite {found} is older than 3.51.3, which first fixed the WAL-reset corruption")]
    OldSqlite {
        /// Its version.
        found: &'static str,
    },
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Writing failed in a way after which nothing is certain; restart.
    #[error("the broker's file can no longer be written: {0}")]
    Writing(String),
}

impl Config {
    /// A broker with the usual limits.
    pub fn new(listen: SocketAddr, data: impl Into<PathBuf>) -> Self {
        Self { listen, data: data.into(), limits: Limits::default(), keys: None, hosts: Vec::new() }
    }

    /// With callers that must show a key.
    #[must_use]
    pub fn with_keys(self, keys: Option<Keys>) -> Self {
        Self { keys, ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            queued_bytes: 64 << 20,
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(10),
            drain: Duration::from_secs(5),
        }
    }
}

impl Server {
    /// Takes the address and the file.
    ///
    /// # Errors
    /// Any [`ServerError`] but [`ServerError::Writing`]; each is one line.
    pub async fn open(config: Config) -> Result<Self, ServerError> {
        let unbound = |source| ServerError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(unbound)?;
        let address = listener.local_addr().map_err(unbound)?;
        let opened = file::open(&config.data)?;
        let readers = Readers::new(&opened)?;
        let (writer, jobs, index) = Writer::start(opened)?;
        let permits = (config.limits.queued_bytes >> 10).min(tokio::sync::Semaphore::MAX_PERMITS);
        let shared = Shared {
            index,
            readers,
            jobs,
            consumers: consumers::Consumers::default(),
            hold: hold::Hold::default(),
            bodies: Arc::new(tokio::sync::Semaphore::new(permits)),
            limits: config.limits,
            keys: config.keys,
            hosts: config.hosts,
            stopping: tokio::sync::watch::Sender::new(false),
        };
        Ok(Self { listener, address, shared: Arc::new(shared), writer })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The history it holds.
    pub fn log_id(&self) -> LogId {
        self.shared.index.log
    }

    /// Serves until the shutdown resolves: then waiting fetches are answered, open requests have their time,
    /// and the file is closed.
    ///
    /// # Errors
    /// [`ServerError::Writing`] when the file cannot be trusted any more.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServerError> {
        let Self { listener, shared, mut writer, .. } = self;
        let failed = async {
            tokio::select! {
                biased;
                failed = writer.ended() => Err(failed),
                () = shutdown => Ok(()),
            }
        };
        let outcome = listen::serve(listener, Arc::clone(&shared), failed).await;
        // The last sender: the writer finishes what is queued, then closes the file.
        drop(shared);
        outcome?;
        writer.finished().await
    }
}

impl Shared {
    /// Resolves when the broker is to stop.
    pub(crate) fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stopping = self.stopping.subscribe();
        async move {
            // An error means that the server is gone altogether.
            let _ = stopping.wait_for(|stopping| *stopping).await.map(drop);
        }
    }
}

/// Opens and runs a broker; `announce` learns its address as soon as it can be reached.
///
/// # Errors
/// As [`Server::open`] and [`Server::run`].
pub async fn run(
    config: Config,
    announce: impl FnOnce(SocketAddr),
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServerError> {
    let server = Server::open(config).await?;
    announce(server.address());
    tracing::info!(address = %server.address(), log = %format_args!("{:032x}", server.log_id().0), "the broker listens");
    server.run(shutdown).await
}
