//! What was answered under a once-key, and that a Commit without one was applied.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::ports::store::{CommitId, DocBody, DocKey};

/// Names a request so that its repetition gets the same answer, for 24 hours after the first. Then the key is
/// forgotten, and the command is decided anew: its ids are the same, so what would make the same aggregate twice is
/// refused by its rules, and what changes an aggregate changes it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// Hash of principal, route and idempotency key.
    pub key: String,
    /// Hash of the body: the same key with another body is refused.
    pub body: String,
}

/// An answer as it is kept with the once-key: a repetition gets it byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Bytes,
}

/// A reply with the body it answers.
#[derive(Serialize, Deserialize)]
pub(crate) struct RecordedReply {
    pub(crate) body: String,
    pub(crate) reply: Reply,
}

/// The table of once-keys; never cached, since only a stored reply may be answered.
pub(crate) const ONCE: &str = "once";
/// The number of the index on when a key was first used; it is stored, and never changes.
pub(crate) const BY_TIME: u16 = 0;

/// A reply as it is kept.
pub(crate) fn keep(once: &Once, reply: &Reply, now_ms: i64) -> DocBody {
    let kept = RecordedReply { body: once.body.clone(), reply: reply.clone() };
    let data = serde_json::to_vec(&kept).expect("a reply has string keys and encodes as JSON");
    DocBody { data: data.into(), index: vec![(BY_TIME, time_key(now_ms))] }
}

/// That a Commit was applied.
pub(crate) fn done_key(id: CommitId) -> DocKey {
    DocKey::of(ONCE, format!("commit/{:032x}", id.0))
}

/// The same without an answer: that it was applied is all there is to say.
pub(crate) fn done(now_ms: i64) -> DocBody {
    DocBody { data: Bytes::new(), index: vec![(BY_TIME, time_key(now_ms))] }
}

/// The key of the index on time.
pub(crate) fn time_key(ms: i64) -> Bytes {
    Bytes::copy_from_slice(&(ms.max(0) as u64).to_be_bytes())
}

pub(crate) fn once_key(once: &Once) -> DocKey {
    DocKey::of(ONCE, &once.key)
}
