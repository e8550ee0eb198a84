//! What `bongsu.toml` says of broker and gateway, and how many processes it asks for of anything.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Deserializer, de::Error as _};

/// Most instances of one service.
pub const MOST: u32 = 64;

/// A part of the platform that runs as a child process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlatformPart {
    /// Whether it starts with the system.
    pub start: bool,
    /// Loopback address; a free port when it is taken.
    pub listen: Option<SocketAddr>,
    /// How many processes; there is one broker.
    #[serde(deserialize_with = "instances")]
    pub instances: u32,
    /// Extra environment.
    pub env: BTreeMap<String, String>,
    /// Its own settings.
    pub config: toml::Table,
}

impl Default for PlatformPart {
    fn default() -> Self {
        Self { start: true, listen: None, instances: one(), env: BTreeMap::new(), config: toml::Table::new() }
    }
}

/// How many processes a file asks for, refused by name and range like every number that can be set.
pub(crate) fn instances<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let wished = i64::deserialize(deserializer)?;
    let possible = u32::try_from(wished).ok().filter(|wished| (1..=MOST).contains(wished));
    possible.ok_or_else(|| D::Error::custom(format!("instances = {wished}: 1 to {MOST} are possible")))
}

/// Unless a file asks for more.
pub(crate) fn one() -> u32 {
    1
}
