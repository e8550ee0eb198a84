//! The marks of what a consumer has heard: one document per (consumer, source, subject).

use std::borrow::Cow;

use bongsu_core::digest;
use serde::{Deserialize, Serialize};

use crate::{
    core::Core,
    envelope::Envelope,
    planted,
    ports::store::{DocBody, DocKey},
};

/// The table of seen marks.
pub(crate) const SEEN: &str = "seen";

/// What was last seen of one subject.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) sequence: u64,
    /// It waits in the queue of a failed fact: seen, but without effect yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) queued: bool,
}

/// The seen mark of a fact's subject.
pub(crate) fn seen_key(consumer: &str, envelope: &Envelope<'_>) -> DocKey {
    let (source, subject) = (storable(&envelope.source), storable(&envelope.subject));
    match envelope.ordinal {
        0 => DocKey::new(SEEN, format!("{consumer}/{source}/{subject}")),
        // Each fact of an event but the first has marks of its own.
        ordinal => DocKey::new(SEEN, format!("{consumer}/{source}#{ordinal}/{subject}")),
    }
}

/// A name as part of a document's name, where no NUL can be; brokers that check their messages have none.
pub(crate) fn storable(name: &str) -> Cow<'_, str> {
    if name.contains('\0') { format!("~{:032x}", digest(&["name", name])).into() } else { name.into() }
}

/// A mark as it is stored.
pub(crate) fn seen_body(sequence: u64, queued: bool) -> DocBody {
    let data = serde_json::to_vec(&Seen { sequence, queued }).expect("a seen mark encodes as JSON");
    DocBody { data: data.into(), index: Vec::new() }
}

/// Whether a mark says that a fact was heard before.
pub(crate) fn is_seen(core: &Core, data: &[u8], sequence: u64) -> bool {
    let known = |seen: Seen| sequence <= seen.sequence && !planted::forgets(core, seen.sequence - sequence);
    serde_json::from_slice(data).is_ok_and(known)
}

/// Whether a mark says that a fact of its subject waits.
pub(crate) fn is_queued(data: &[u8]) -> bool {
    serde_json::from_slice(data).is_ok_and(|seen: Seen| seen.queued)
}
