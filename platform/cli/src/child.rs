//! What broker and gateway have in common as children of the supervisor: configuration, logs, and the wish to end.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use bongsu_host::config::schema::{self, Setting};
use bongsu_host::config::{Config, ConfigError, Loaded, Watch, environment};
use bongsu_host::logs::Logs;
use bongsu_host::stop::Stop;
use bongsu_host::{TokioEnv, check_clock, revision};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What is still to be said at the end is given so long.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A process that keeps to the protocol of a child.
pub(crate) struct Child {
    pub(crate) loaded: Loaded,
    pub(crate) logs: Logs,
    pub(crate) stop: Stop,
    /// What can be set of it, once that is registered.
    settings: Vec<Setting>,
}

impl Child {
    /// Reads the configuration of that name and starts its log.
    pub(crate) fn start(name: &'static str) -> Result<Self> {
        let loaded = Loaded::load(name, [name], environment())?;
        check_clock()?;
        let logs = Logs::start(&loaded.config)?;
        Ok(Self { loaded, logs, stop: Stop::from_process()?, settings: Vec::new() })
    }

    /// Its own settings; what can be set of it is said when it listens.
    pub(crate) fn register<S: Serialize + DeserializeOwned>(&mut self, live: &[&str]) -> Result<S, ConfigError> {
        let own: S = self.loaded.service()?;
        self.settings = schema::settings::<S>(&self.loaded.config, live);
        Ok(own)
    }

    /// Announces where it listens, and what can be set of it.
    pub(crate) fn listening(&self, addr: SocketAddr) {
        self.logs.settings(&self.settings);
        self.logs.listening(addr);
    }

    /// Takes what its folder of configuration says next, for ever.
    pub(crate) async fn follow<S>(
        &self,
        read: impl Fn(&mut Loaded) -> Result<S, ConfigError>,
        take: impl Fn(S, &Config) -> Result<(), ConfigError>,
    ) {
        let watch = Watch::of(&self.loaded, self.settings.clone());
        let env = TokioEnv::new(None).expect("no crash point was asked for");
        revision::follow(watch, &env, &self.logs, read, take).await;
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.logs.flush(LAST_WORDS);
    }
}
