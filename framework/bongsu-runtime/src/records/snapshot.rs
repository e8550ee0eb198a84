//! A state at a version of its stream, and how far the feed was walked to take some.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::ports::store::{CommitId, Doc, DocKey};

/// Which snapshots hold a state that this build can go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Those of this number: the author says when it changes.
    Schema(u32),
    /// Those this build wrote. Nobody said anything, and whether a state is folded as before cannot be seen from
    /// outside; so another build folds anew, once.
    Build,
}

/// A snapshot as it is stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct RecordedState {
    pub(crate) version: u64,
    /// 0 where the build counts.
    pub(crate) schema: u32,
    /// The build that wrote it, where no schema was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) build: Option<String>,
    pub(crate) commit: String,
    pub(crate) taken_ms: i64,
    pub(crate) state: Box<RawValue>,
}

/// How far the feed was walked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Walked {
    pub(crate) position: u64,
    /// The schemas the snapshots were written under: a new one begins the walk again.
    pub(crate) schemas: BTreeMap<String, u32>,
}

/// The table of snapshots, by stream.
pub(crate) const SNAPSHOT: &str = "snapshot";
/// The table of the document that says how far a walk is.
pub(crate) const WALK: &str = "midnight";

impl RecordedState {
    pub(crate) fn read(doc: &Doc) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(&doc.data)
    }

    /// Whether a build can go on with its state.
    pub(crate) fn is_of(&self, shape: Shape, build: &str) -> bool {
        match shape {
            Shape::Schema(schema) => self.build.is_none() && self.schema == schema,
            Shape::Build => self.build.as_deref() == Some(build),
        }
    }

    /// Whether it may be replaced: never by a lower version, and of the same version only by a newer schema or by
    /// another build.
    pub(crate) fn gives_way_to(&self, version: u64, shape: Shape, build: &str) -> bool {
        let other = match shape {
            Shape::Schema(schema) => self.build.is_some() || self.schema < schema,
            Shape::Build => self.build.as_deref() != Some(build),
        };
        self.version < version || self.version == version && other
    }
}

pub(crate) fn snapshot_key(stream: &str) -> DocKey {
    DocKey::of(SNAPSHOT, stream)
}

pub(crate) fn hex(commit: CommitId) -> String {
    format!("{:032x}", commit.0)
}

/// Where it is kept how far a walk is.
pub(crate) fn walk_key() -> DocKey {
    DocKey::of(WALK, "walk")
}
