//! Republications that were asked for, and the marks a whole one stands between.

use serde::{Deserialize, Serialize};

use crate::{
    ports::{
        broker::{Attributes, In, Place},
        store::{DocBody, DocKey},
    },
    records::unreadable::{Unreadable, read},
};

/// A republication that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refill {
    /// Its number; rises, also when the store was restored from a copy: it is the second it was asked for in, at least.
    pub number: u64,
    /// The one stream it is about; all when `None`.
    pub subject: Option<String>,
    /// The position it ends at; 0 before it began.
    pub until: u64,
    /// The position it has reached.
    pub done: u64,
    /// The last of it that is in the broker.
    #[serde(default)]
    pub(crate) last: Place,
}

/// All that wait, the one under way first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Refills {
    pub(crate) last: u64,
    pub(crate) waiting: Vec<Refill>,
}

/// What a refill of a whole context stands between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Began,
    Ended,
}

/// The table of the document that keeps them.
pub(crate) const REFILL: &str = "refill";
pub(crate) const BEGAN: &str = "bongsu.refill-began.v1";
pub(crate) const ENDED: &str = "bongsu.refill-ended.v1";

/// The mark a message is, if it is one.
pub(crate) fn mark_of(message: &In) -> Option<Mark> {
    if message.refill == 0 {
        return None;
    }
    match &*Attributes::read(&message.cloudevent).ok()?.kind {
        BEGAN => Some(Mark::Began),
        ENDED => Some(Mark::Ended),
        _ => None,
    }
}

pub(crate) fn refills_key() -> DocKey {
    DocKey::of(REFILL, "all")
}

pub(crate) fn decode_refills(data: &[u8]) -> Result<Refills, Unreadable> {
    read("what is to be published again", data)
}

pub(crate) fn refills_body(refills: &Refills) -> DocBody {
    let data = serde_json::to_vec(refills).expect("refills have string keys and encode as JSON");
    DocBody { data: data.into(), index: Vec::new() }
}
