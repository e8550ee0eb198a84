//! What can be configured under `[service]`.

use serde::{Deserialize, Serialize};

/// Settings of the payment context.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the provider's API is.
    pub provider: String,
    /// The provider is not asked for money any more so long before the order expires, in milliseconds.
    pub margin_ms: i64,
    /// After so long without an answer a call's outcome is unknown, in milliseconds.
    pub deadline_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { provider: "http://127.0.0.1:9100".into(), margin_ms: 1_000, deadline_ms: 2_000 }
    }
}
