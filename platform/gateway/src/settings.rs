//! What can be set from outside, beside the limits every process has.

use std::time::Duration;

use bongsu_host::config::{Config, Limits};
use serde::{Deserialize, Serialize};

/// The gateway's own settings: the `[service]` table of its configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Who everybody is until there is a login.
    pub principal: String,
    /// A safe or keyed request waits so long for an instance that is about to be ready.
    pub wait_ms: u64,
    /// Limits on what a client may ask for; taken from the host's `[limits]`.
    #[serde(skip)]
    pub limits: Limits,
}

impl Settings {
    /// With the limits of that configuration.
    #[must_use]
    pub fn limited_as(mut self, config: &Config) -> Self {
        self.limits = config.limits.clone();
        self
    }

    /// `wait_ms` as a duration.
    pub fn wait(&self) -> Duration {
        Duration::from_millis(self.wait_ms)
    }
}

impl Default for Settings {
    fn default() -> Self {
        // 1 s is what a killed service may take to be back.
        Self { principal: "demo".into(), wait_ms: 1_000, limits: Limits::default() }
    }
}
