//! What can be configured under `[service]`.

use bongsu_host::config::within;
use delivery_domain::courier::Courier;
use serde::{Deserialize, Serialize};

/// Settings of the delivery context.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Who moves parcels.
    pub courier: Who,
    /// The automatic courier departs so long after packing, in milliseconds.
    #[serde(deserialize_with = "within::<_, _, 0, 31_536_000_000>")]
    pub depart_after_ms: i64,
    /// And arrives so long after departing, in milliseconds.
    #[serde(deserialize_with = "within::<_, _, 0, 31_536_000_000>")]
    pub complete_after_ms: i64,
}

/// Who moves parcels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// The clock.
    Auto,
    /// People, through the API.
    Manual,
}

impl Default for Settings {
    fn default() -> Self {
        Self { courier: Who::Auto, depart_after_ms: 1_000, complete_after_ms: 1_000 }
    }
}

impl Settings {
    /// The courier of these settings.
    pub fn courier(&self) -> Courier {
        match self.courier {
            Who::Auto => {
                Courier::Auto { depart_after_ms: self.depart_after_ms, complete_after_ms: self.complete_after_ms }
            }
            Who::Manual => Courier::Manual,
        }
    }
}
