//! What can be configured under `[service]`.

use bongsu_host::config::{time_of_day, time_zone, within};
use serde::{Deserialize, Serialize};

/// Settings of the ordering context.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// An order that is not confirmed within this time is rejected, in milliseconds.
    #[serde(deserialize_with = "within::<_, _, 1, 31_536_000_000>")]
    pub window_ms: i64,
    /// A cart's snapshot is written after every so many events; 0 = by the clock only.
    #[serde(deserialize_with = "within::<_, _, 0, 1_000_000>")]
    pub snapshot_every: u64,
    /// Snapshots of what changed are taken every day at this time, `HH:MM` or `HH:MM:SS`.
    #[serde(deserialize_with = "time_of_day")]
    pub snapshot_at: String,
    /// Where that time is: a name of the IANA time zone database.
    #[serde(deserialize_with = "time_zone")]
    pub time_zone: String,
}

impl Settings {
    /// What is taken while the service runs: an order that is placed then has the new window, and every other keeps the one
    /// its customer was told.
    pub const LIVE: &[&str] = &["window_ms"];
}

impl Default for Settings {
    fn default() -> Self {
        Self { window_ms: 30_000, snapshot_every: 100, snapshot_at: "00:00".into(), time_zone: "Asia/Seoul".into() }
    }
}
