//! What can be configured under `[service]`.

use bongsu_host::config::within;
use serde::{Deserialize, Serialize};

/// Settings of the payment context.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the provider's API is.
    pub provider: String,
    /// The provider is not asked for money any more so long before the order expires, in milliseconds.
    #[serde(deserialize_with = "within::<_, _, 0, 31_536_000_000>")]
    pub margin_ms: i64,
    /// After so long without an answer a call's outcome is unknown, in milliseconds.
    #[serde(deserialize_with = "within::<_, _, 1, 3_600_000>")]
    pub deadline_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { provider: "http://127.0.0.1:9100".into(), margin_ms: 1_000, deadline_ms: 2_000 }
    }
}
