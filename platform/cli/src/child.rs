//! What broker and gateway have in common as children of the supervisor: configuration, logs, and the wish to end.

use std::time::Duration;

use anyhow::Result;
use bongsu_host::check_clock;
use bongsu_host::config::{Loaded, environment};
use bongsu_host::logs::Logs;
use bongsu_host::stop::Stop;

/// What is still to be said at the end is given so long.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A process that keeps to the protocol of a child.
pub(crate) struct Child {
    pub(crate) loaded: Loaded,
    pub(crate) logs: Logs,
    pub(crate) stop: Stop,
}

impl Child {
    /// Reads the configuration of that name and starts its log.
    pub(crate) fn start(name: &'static str) -> Result<Self> {
        let loaded = Loaded::load(name, [name], environment())?;
        check_clock()?;
        let logs = Logs::start(&loaded.config)?;
        Ok(Self { loaded, logs, stop: Stop::from_process()? })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.logs.flush(LAST_WORDS);
    }
}
