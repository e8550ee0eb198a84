//! Adapters by URL.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use bongsu_broker::{
    BrokerClient,
    server::{self, ServerError},
};
use bongsu_keys::Keys;
use bongsu_runtime::ports::{
    broker::{Broker, BrokerError},
    env::{Env, Task},
    store::Store,
};
use bongsu_sqlite::{OpenError, Options, SqliteStore};
use tokio::sync::watch;

/// Why there is no store or no broker.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// No adapter for this URL was built in.
    #[error("no {what} understands {url:?}; there is {known}")]
    Unknown {
        /// `store` or `broker`.
        what: &'static str,
        /// The URL.
        url: String,
        /// What there is.
        known: &'static str,
    },
    /// The SQLite file cannot be opened.
    #[error("cannot open the store {url}")]
    Store {
        /// The URL.
        url: String,
        /// Why.
        #[source]
        source: OpenError,
    },
    /// The URL is not a broker's.
    #[error("cannot use the broker {url}")]
    Broker {
        /// The URL.
        url: String,
        /// Why.
        #[source]
        source: BrokerError,
    },
    /// The broker inside this process does not start.
    #[error("cannot start the broker {url}")]
    Embedded {
        /// The URL.
        url: String,
        /// Why.
        #[source]
        source: ServerError,
    },
}

/// A broker that runs inside this process, so that a service runs alone.
pub struct EmbeddedBroker {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    task: Box<dyn Task>,
}

/// Opens a store: `sqlite:PATH`.
///
/// # Errors
/// [`AdapterError::Unknown`] or [`AdapterError::Store`].
pub fn open_store(url: &str) -> Result<Arc<dyn Store>, AdapterError> {
    let Some(path) = url.strip_prefix("sqlite:").filter(|path| !path.is_empty()) else {
        return Err(AdapterError::Unknown { what: "store", url: url.to_owned(), known: "sqlite:PATH" });
    };
    let store = SqliteStore::open(path, Options::default());
    store.map(|store| Arc::new(store) as _).map_err(|source| AdapterError::Store { url: url.to_owned(), source })
}

/// Opens a broker: `http://HOST:PORT` of a running one, or `embedded:PATH` for one inside this process (the
/// second value; the path defaults to `./data/broker.db`). A running one is told by these keys who speaks; the one
/// inside this process asks nobody, since whoever has it runs alone.
///
/// # Errors
/// [`AdapterError::Unknown`], [`AdapterError::Broker`] or [`AdapterError::Embedded`].
pub async fn open_broker(
    url: &str,
    env: &Arc<dyn Env>,
    keys: Option<Keys>,
) -> Result<(Arc<dyn Broker>, Option<EmbeddedBroker>), AdapterError> {
    let client = move |address: &str| match BrokerClient::new(address) {
        Ok(client) => Ok(Arc::new(client.with_keys(keys)) as Arc<dyn Broker>),
        Err(source) => Err(AdapterError::Broker { url: url.to_owned(), source }),
    };
    if url.starts_with("http:") {
        return Ok((client(url)?, None));
    }
    let Some(path) = url.strip_prefix("embedded:") else {
        let known = "http://HOST:PORT and embedded:PATH";
        return Err(AdapterError::Unknown { what: "broker", url: url.to_owned(), known });
    };
    let path = if path.is_empty() { "./data/broker.db" } else { path };
    let embedded = EmbeddedBroker::start(path.into(), env).await;
    let embedded = embedded.map_err(|source| AdapterError::Embedded { url: url.to_owned(), source })?;
    Ok((client(&format!("http://{}", embedded.addr))?, Some(embedded)))
}

impl EmbeddedBroker {
    async fn start(data: PathBuf, env: &Arc<dyn Env>) -> Result<Self, ServerError> {
        let server = server::Server::open(server::Config::new(SocketAddr::from(([127, 0, 0, 1], 0)), data)).await?;
        let addr = server.address();
        let (stop, mut stopped) = watch::channel(false);
        let serve = async move {
            let asked = async {
                // An error means that whoever could ask is gone.
                let _ = stopped.wait_for(|stopped| *stopped).await.map(drop);
            };
            if let Err(error) = server.run(asked).await {
                tracing::error!(code = "broker-failed", %error, "the broker inside this process has ended");
            }
        };
        Ok(Self { addr, stop, task: env.spawn("broker", Box::pin(serve)) })
    }

    /// Where it listens, for `curl` and other services.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Lets it finish what it was given and close its file.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        self.task.ended().await;
    }
}
