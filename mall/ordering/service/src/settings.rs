//! What can be configured under `[service]`.

use serde::{Deserialize, Serialize};

/// Settings of the ordering context.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// An order that is not confirmed within this time is rejected, in milliseconds.
    pub window_ms: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { window_ms: 30_000 }
    }
}
