//! A process that runs takes what its folder of configuration says next: all of it, or nothing.

use super::{
    Config, ConfigError, Loaded,
    committed::{self, Stamp},
    layers,
    schema::Setting,
};

/// Looks at the folder a process was started with.
#[derive(Debug)]
pub struct Watch {
    started: Loaded,
    settings: Vec<Setting>,
    /// What was there when it was looked at last.
    seen: Stamp,
    /// What was taken or refused.
    judged: Stamp,
}

/// Why a process goes on with what it has.
#[derive(Debug)]
pub struct Refused {
    /// What is refused.
    pub revision: String,
    /// Why.
    pub why: ConfigError,
}

impl Watch {
    /// Of a process that was started like that, and can be set like that; `None` when it has no folder.
    pub fn of(started: &Loaded, settings: Vec<Setting>) -> Option<Self> {
        let judged = started.stamp.clone()?;
        Some(Self { started: started.clone(), settings, seen: judged.clone(), judged })
    }

    /// Why what the folder says is not the newest there is, if that is known.
    pub fn stale(&self) -> Option<String> {
        committed::stale(self.started.sources.folder.as_deref()?)
    }

    /// What the folder says, if that is something new; to be looked at again and again.
    ///
    /// # Errors
    /// [`Refused`], once: when a setting cannot be meant, or needs a restart to change.
    pub fn look(&mut self) -> Result<Option<Loaded>, Refused> {
        let now = self.started.sources.stamp().unwrap_or_default();
        let settled = now == self.seen;
        self.seen = now.clone();
        // A file that is being written is looked at once it is not.
        if !settled || now == self.judged {
            return Ok(None);
        }
        self.judged = now;
        let revision = self.named();
        let loaded = self.started.sources.load();
        let read = loaded.as_ref().map(|next| next.stamp.clone()).unwrap_or_else(|_| self.started.sources.stamp());
        if read.as_ref() != Some(&self.judged) {
            // It was exchanged meanwhile, whatever came of it.
            self.judged = Stamp::default();
            return Ok(None);
        }
        loaded.map(Some).map_err(|why| Refused { revision, why })
    }

    /// Refuses what needs a restart; `next` has its own settings read.
    ///
    /// # Errors
    /// [`ConfigError::NeedsRestart`].
    pub fn check(&self, next: &Config) -> Result<(), ConfigError> {
        let (before, after) = (layers::shape(&self.started.config), layers::shape(next));
        let differs =
            |setting: &&Setting| layers::lookup(&before, &setting.key) != layers::lookup(&after, &setting.key);
        match self.settings.iter().filter(|setting| !setting.live).find(differs) {
            Some(setting) => Err(ConfigError::NeedsRestart { key: setting.key.clone() }),
            None => Ok(()),
        }
    }

    /// By what name the folder calls what it says now, as far as that can be read.
    fn named(&self) -> String {
        let folder = self.started.sources.folder.as_deref();
        folder.and_then(committed::named).unwrap_or_else(|| "unnamed".to_owned())
    }
}
