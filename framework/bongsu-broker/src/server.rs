//! The broker process: one file, one writer, HTTP on loopback.

use std::{future::Future, net::SocketAddr, sync::Arc};

use bongsu_runtime::ports::broker::LogId;
use tokio::net::TcpListener;

mod config;
mod error;
mod file;
mod log;
mod producers;
mod index;
mod writer;
mod reader;
mod answer;
mod consumers;
mod hold;
mod shared;
mod http;
mod listen;

pub use config::{Config, Limits};
pub use error::ServerError;
use reader::Readers;
use shared::Shared;
use writer::Writer;

/// A broker that has its file and its address, and serves when it is [`run`](Self::run).
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    writer: Writer,
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
