//! bff-web: what the pages of the mall ask at once, put together from those who know a part of it. It keeps nothing and decides
//! nothing.
//!
//! [`service`] is the map: whom it asks is one line each. [`order`] is what is put together, and what that says of whose it is;
//! [`api`] asks.
#![forbid(unsafe_code)]

pub mod order;
pub mod api;

use std::time::Duration;

use bongsu_host::config::within;
use bongsu_runtime::{Asks, Service};
use serde::{Deserialize, Serialize};

/// The map of bff-web.
pub fn service(settings: &Settings) -> Service {
    let asks = || Asks::within(Duration::from_millis(settings.part_ms)).at_once(settings.at_once);
    Service::new("bff-web")
        .asks("ordering", asks())
        .asks("payment", asks())
        .asks("delivery", asks())
        .asks("mypage", asks())
}

/// What can be configured under `[service]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// A part that is not there after so long is left out, in milliseconds.
    #[serde(deserialize_with = "within::<_, _, 1, 60_000>")]
    pub part_ms: u64,
    /// So many calls to each of those who know a part may be unanswered at once.
    #[serde(deserialize_with = "within::<_, _, 1, 1_024>")]
    pub at_once: usize,
}

impl Default for Settings {
    fn default() -> Self {
        // Somebody looks at a page and waits: after a second he looks elsewhere. Of the 512 requests in work at once, four who hang
        // hold a half.
        Self { part_ms: 1_000, at_once: 64 }
    }
}
