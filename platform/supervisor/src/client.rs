//! How commands talk to the running supervisor of a data folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bongsu_host::config::schema::Setting;
use hyper::Method;
use serde::de::DeserializeOwned;

use crate::configuration::Shown;
use crate::data_folder::{Address, DataFolder};
use crate::http::{Http, Lines, NoAnswer};
use crate::paths::shown;
use crate::registry::{Instance, RouteTable};

/// An ordinary answer takes no longer; `start` and `stop` wait for what they ask for.
const LIMIT: Duration = Duration::from_secs(40);

/// A supervisor that runs answers within this, whatever else it does.
const ALIVE: Duration = Duration::from_secs(3);

/// A found supervisor.
#[derive(Clone)]
pub struct Client {
    http: Http,
    address: Address,
    data: PathBuf,
}

/// Why a command could not be given; each is one line.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody holds the data folder.
    #[error("no system is running on {} (start one with 'bongsu up')", shown(.0))]
    NotRunning(PathBuf),
    /// It runs but does not answer.
    #[error("the supervisor does not answer: {0}")]
    NoAnswer(String),
    /// It has the folder, but stands still, or takes nobody's connection: from here both look the same.
    #[error(
        "the supervisor (process {0}) does not answer within {ALIVE:?}: it stands still (then 'kill -CONT {0}') or has \
         more connections than it can take"
    )]
    StandsStill(u32),
    /// It said no.
    #[error("{0}")]
    Refused(String),
}

impl From<NoAnswer> for ClientError {
    fn from(error: NoAnswer) -> Self {
        match error {
            NoAnswer::Lost(why) | NoAnswer::Late(why) => Self::NoAnswer(why),
            NoAnswer::Refused(why) => Self::Refused(why),
        }
    }
}

impl Client {
    /// Finds the supervisor of a data folder.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`].
    pub fn find(data: &Path) -> Result<Self, ClientError> {
        let not_running = || ClientError::NotRunning(data.to_path_buf());
        if !DataFolder::is_taken(data) {
            return Err(not_running());
        }
        Ok(Self::at(Address::read(data).ok_or_else(not_running)?, data))
    }

    /// The supervisor at that address.
    pub fn at(address: Address, data: &Path) -> Self {
        Self { http: Http::new(Some(address.token.clone())), address, data: data.to_path_buf() }
    }

    /// `GET /system`: its name.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn system(&self) -> Result<String, ClientError> {
        #[derive(serde::Deserialize)]
        struct System {
            name: String,
        }
        self.ask(Method::GET, "/system").await.map(|system: System| system.name)
    }

    /// `GET /instances`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn instances(&self) -> Result<Vec<Instance>, ClientError> {
        self.ask(Method::GET, "/instances").await
    }

    /// `POST /instances/{name}/{action}`: the instances as they are afterwards.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn act(&self, name: &str, action: &str) -> Result<Vec<Instance>, ClientError> {
        self.ask(Method::POST, &format!("/instances/{}/{action}", in_path(name))).await
    }

    /// `PUT /services/{name}/instances/{count}`: the instances as they are afterwards.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn scale(&self, name: &str, count: u32) -> Result<Vec<Instance>, ClientError> {
        self.ask(Method::PUT, &format!("/services/{}/instances/{count}", in_path(name))).await
    }

    /// `GET /routes`: waits for a revision after `after`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn routes(&self, after: u64) -> Result<RouteTable, ClientError> {
        self.ask(Method::GET, &format!("/routes?after={after}")).await
    }

    /// `GET /configuration`: what everybody decides under.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn configuration(&self) -> Result<Shown, ClientError> {
        self.ask(Method::GET, "/configuration").await
    }

    /// `GET /configuration/settings/{service}`: what can be set of a service.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn settings(&self, service: &str) -> Result<Vec<Setting>, ClientError> {
        self.ask(Method::GET, &format!("/configuration/settings/{}", in_path(service))).await
    }

    /// `POST /configuration/apply`: takes the newest commit with the restarts it needs.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn apply_configuration(&self) -> Result<Shown, ClientError> {
        self.ask(Method::POST, "/configuration/apply").await
    }

    /// Log lines of these names (all when empty), as [`crate::logs::Line`]s in JSON.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn logs(&self, names: &[String], tail: usize, follow: bool) -> Result<Lines, ClientError> {
        let names = if names.is_empty() { String::new() } else { format!("&names={}", names.join(",")) };
        self.is_alive().await?;
        let url = format!("{}/logs?tail={tail}&follow={}{names}", self.address.url, u8::from(follow));
        Ok(self.http.lines(&url).await?)
    }

    /// `POST /secret/{change}`: `rotate` or `drop-old`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn change_secret(&self, change: &str) -> Result<(), ClientError> {
        self.is_alive().await?;
        let url = format!("{}/secret/{change}", self.address.url);
        let answer = self.http.ask(Method::POST, &url, LIMIT).await?;
        match answer.status {
            204 => Ok(()),
            _ => Err(ClientError::Refused(String::from_utf8_lossy(&answer.body).into_owned())),
        }
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Stops the whole system and waits until it is gone.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn stop(&self) -> Result<(), ClientError> {
        self.is_alive().await?;
        self.http.ask(Method::POST, &format!("{}/stop", self.address.url), LIMIT).await?;
        for _ in 0..1200 {
            if !DataFolder::is_taken(&self.data) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        Err(ClientError::Refused(format!("the system still runs after 30 s (process {})", self.address.pid)))
    }

    /// Asks what is answered at once: what it is asked for afterwards may take long.
    async fn is_alive(&self) -> Result<(), ClientError> {
        match self.http.ask(Method::GET, &format!("{}/system", self.address.url), ALIVE).await {
            Ok(_) => Ok(()),
            Err(NoAnswer::Late(_)) => Err(ClientError::StandsStill(self.address.pid)),
            Err(other) => Err(other.into()),
        }
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T, ClientError> {
        self.is_alive().await?;
        let answer = self.http.ask(method, &format!("{}{path}", self.address.url), LIMIT).await?;
        if answer.status != 200 {
            return Err(ClientError::Refused(String::from_utf8_lossy(&answer.body).into_owned()));
        }
        serde_json::from_slice(&answer.body).map_err(|error| ClientError::Refused(format!("{path}: {error}")))
    }
}

/// No name has such characters, so nobody is found by what is left.
fn in_path(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_graphic() || "/?#%".contains(c), "_")
}
