//! Who holds what, and who lives: lease and heartbeat, and how the things held are named.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ports::store::DocBody;

/// A lease document.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Lease {
    /// Empty when given back.
    pub(crate) slot: String,
    pub(crate) incarnation: u64,
    pub(crate) epoch: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Beat {
    pub(crate) incarnation: u64,
    pub(crate) beat: u64,
    /// The consumers this build has: while two versions run side by side, each is given only what it can read.
    #[serde(default)]
    pub(crate) consumers: BTreeSet<String>,
}

/// The lease of the walk at midnight.
pub(crate) const MIDNIGHT: &str = "midnight/0";
pub(crate) const LEASE: &str = "lease";
pub(crate) const MEMBER: &str = "member";
pub(crate) const RELAY: &str = "relay/0";
/// What the leases of lanes start with.
pub(crate) const LANE: &str = "lane/";

pub(crate) fn lease_body(value: &impl Serialize) -> DocBody {
    let data = serde_json::to_vec(value).expect("a lease document has string keys and encodes as JSON");
    DocBody { data: data.into(), index: Vec::new() }
}

/// The lease of a read model's rebuild.
pub(crate) fn lease_of(root: &str) -> String {
    format!("rebuild/{root}/0")
}
