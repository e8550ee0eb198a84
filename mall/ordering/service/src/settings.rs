//! What can be configured under `[service]`.

use bongsu_host::config::within;
use serde::{Deserialize, Serialize};

/// Settings of the ordering context.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// An order that is not confirmed within this time is rejected, in milliseconds.
    #[serde(deserialize_with = "within::<_, _, 1, 31_536_000_000>")]
    pub window_ms: i64,
    /// A cart's snapshot is written after every so many events; 0 = at midnight only.
    #[serde(deserialize_with = "within::<_, _, 0, 1_000_000>")]
    pub snapshot_every: u64,
    /// The midnight at which snapshots are taken is where clocks are so many seconds ahead of UTC. Asia/Seoul has
    /// had no daylight saving time since 1988, so one number is enough.
    #[serde(deserialize_with = "within::<_, _, { -64_800 }, 64_800>")]
    pub utc_offset_s: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { window_ms: 30_000, snapshot_every: 100, utc_offset_s: 9 * 60 * 60 }
    }
}
