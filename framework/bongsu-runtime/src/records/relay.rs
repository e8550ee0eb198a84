//! How far the relay is.

use serde::{Deserialize, Serialize};

use crate::{
    ports::{
        broker::{Place, hex},
        store::{CommitId, DocBody, DocKey},
    },
    records::cursor::CURSOR,
};

/// How far the relay is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct At {
    /// Everything up to here was looked at.
    pub(crate) position: u64,
    /// The last position that had something to tell.
    #[serde(default)]
    pub(crate) told: u64,
    /// The last there of its facts, and the Commit that wrote it.
    #[serde(default)]
    pub(crate) ordinal: u32,
    #[serde(default, with = "hex", skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<CommitId>,
}

impl At {
    pub(crate) fn body(self) -> DocBody {
        let data = serde_json::to_vec(&self).expect("a position has string keys and encodes as JSON");
        DocBody { data: data.into(), index: Vec::new() }
    }

    pub(crate) fn told(self) -> Place {
        Place { position: self.told, ordinal: self.ordinal, commit: self.commit }
    }

    /// With a place that the broker has, if that is later.
    pub(crate) fn upto(self, has: Place) -> Self {
        if has.order() < self.told().order() {
            return self;
        }
        let Place { position: told, ordinal, commit } = has;
        Self { told, ordinal, commit, ..self }
    }
}

/// Where it is kept how far the relay is.
pub(crate) fn relay_key() -> DocKey {
    DocKey::of(CURSOR, "relay")
}
