//! Which configuration a process decides under now, and how it takes the next one: all of it between two inputs, or nothing.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bongsu_runtime::ports::env::Env;
use serde::Serialize;

use crate::{
    config::{Config, ConfigError, Loaded, Refused, Watch},
    logs::Logs,
};

/// So often the folder is looked at: two looks and a reading are far less than the second in which everybody is to decide alike.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The name of what a process decides under; all clones say the same.
#[derive(Clone, Debug)]
pub struct Revision(Arc<Mutex<Named>>);

/// As it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The name: of a commit, or a digest of the effective configuration.
    pub revision: Arc<str>,
    /// What was not taken, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<NotTaken>,
    /// Why this is not the newest, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale: Option<Arc<str>>,
}

/// What a process does not decide under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotTaken {
    /// Its name.
    pub revision: Arc<str>,
    /// In one line.
    pub why: Arc<str>,
}

/// Under which configuration an answer was decided, where that may be another one than when the request came; `None` for an
/// answer that was kept.
#[derive(Clone)]
pub(crate) struct Decided(pub(crate) Option<Arc<str>>);

impl Revision {
    /// What a process is started with.
    pub fn of(config: &Config) -> Self {
        let revision = config.revision.as_str().into();
        Self(Arc::new(Mutex::new(Named { revision, refused: None, stale: None })))
    }

    /// Its name now.
    pub fn name(&self) -> Arc<str> {
        self.lock().revision.clone()
    }

    /// Everything there is to say.
    pub fn named(&self) -> Named {
        self.lock().clone()
    }

    /// Another one from now on.
    pub fn take(&self, revision: &str) {
        let mut named = self.lock();
        named.revision = revision.into();
        named.refused = None;
    }

    /// Another one was not taken.
    pub fn refuse(&self, refused: &Refused) {
        let why = refused.why.to_string().into();
        self.lock().refused = Some(NotTaken { revision: refused.revision.as_str().into(), why });
    }

    /// Whether it is known to be old, and why; true when that is news.
    pub fn is_stale(&self, why: Option<String>) -> bool {
        let mut named = self.lock();
        let is_news = named.stale.as_deref() != why.as_deref();
        named.stale = why.map(Into::into);
        is_news
    }

    fn lock(&self) -> MutexGuard<'_, Named> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes what a folder says next, for ever; without one, nothing ever comes. `read` reads a process's own settings, `take` has
/// it decide by them from now on; whatever either refuses is said, and the process goes on with what it has.
pub async fn follow<T>(
    watch: Option<Watch>,
    env: &dyn Env,
    logs: &Logs,
    read: impl Fn(&mut Loaded) -> Result<T, ConfigError>,
    take: impl Fn(T, &Config) -> Result<(), ConfigError>,
) {
    let Some(mut watch) = watch else { return std::future::pending().await };
    loop {
        env.sleep(LOOK_EVERY).await;
        say_how_old(logs, watch.stale());
        let taken = match watch.look() {
            Ok(None) => continue,
            Ok(Some(mut next)) => {
                // Only what was read has every default, to be compared with what runs.
                let checked = read(&mut next).and_then(|own| watch.check(&next.config).map(|()| own));
                let revision = next.config.revision.clone();
                let taken = checked.and_then(|own| take(own, &next.config));
                taken.map(|()| revision.clone()).map_err(|why| Refused { revision, why })
            }
            Err(refused) => Err(refused),
        };
        match taken {
            Ok(revision) => {
                logs.revision().take(&revision);
                tracing::info!("the configuration was taken");
            }
            Err(refused) => {
                tracing::warn!(refused = refused.revision, reason = %refused.why, "the configuration was not taken");
                logs.revision().refuse(&refused);
                logs.refused(&refused);
            }
        }
    }
}

/// Says once that what the process decides under is not the newest, and once that it is again.
fn say_how_old(logs: &Logs, stale: Option<String>) {
    if !logs.revision().is_stale(stale.clone()) {
        return;
    }
    match stale {
        Some(reason) => tracing::warn!(reason, "the configuration is not the newest"),
        None => tracing::info!("the configuration is the newest again"),
    }
}
