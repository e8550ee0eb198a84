//! What can be configured under `[service]`.

use audit_domain::watch::Watch;
use bongsu_host::config::within;
use serde::{Deserialize, Serialize};

/// Settings of the audit context.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Facts may take so long from one context to the others, in milliseconds: what disagrees for longer is
    /// reported.
    #[serde(deserialize_with = "within::<_, _, 0, 31_536_000_000>")]
    pub grace_ms: i64,
    /// An order may stay undecided so long after its deadline, in milliseconds.
    #[serde(deserialize_with = "within::<_, _, 0, 31_536_000_000>")]
    pub slack_ms: i64,
}

impl Default for Settings {
    fn default() -> Self {
        let Watch { grace_ms, slack_ms } = Watch::default();
        Self { grace_ms, slack_ms }
    }
}

impl Settings {
    /// The watch of these settings.
    pub fn watch(&self) -> Watch {
        Watch { grace_ms: self.grace_ms, slack_ms: self.slack_ms }
    }
}
