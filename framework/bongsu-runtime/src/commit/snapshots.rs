//! Reading snapshots: a state kept beside its stream, so that only the events after it are read.
//!
//! A snapshot is a hint: whatever is wrong with it, it is discarded and the stream is folded from its events
//! ([0011](../../../../docs/decisions/0011-snapshots.md)).

use std::any::Any;

use bongsu_core::digest;

use crate::{
    commit::{core::Core, wanted::Rule},
    ports::store::{Commit, CommitId, DocWrite, Guard, StoreError, StoredEvent},
    records::snapshot::{RecordedState, SNAPSHOT, hex, snapshot_key},
};

/// A usable snapshot with the state in it.
pub(crate) struct Loaded {
    pub(crate) version: u64,
    pub(crate) state: Box<dyn Any + Send + Sync>,
    /// Its size as stored.
    pub(crate) bytes: usize,
    pub(crate) commit: String,
    pub(crate) revision: CommitId,
}

/// A stream shorter than this is read whole rather than looking for a snapshot that nobody asked for.
pub(crate) const SHORT: u32 = 64;

impl Loaded {
    /// Whether the stream's event of this snapshot's version is the one it was taken after.
    pub(crate) fn fits(&self, event: Option<&StoredEvent>) -> bool {
        event.is_some_and(|event| event.version == self.version && hex(event.commit) == self.commit)
    }
}

impl Core {
    /// How this aggregate is snapshot, if it is.
    pub(crate) fn rule_of(&self, stream: &str) -> Option<&Rule> {
        self.map.snapshots.get(stream.split_once('/')?.0)
    }

    /// Whether a change from one version to another passes a version at which a snapshot is due.
    pub(crate) fn snapshot_is_due(&self, stream: &str, from: u64, to: u64) -> bool {
        self.rule_of(stream).is_some_and(|rule| rule.every > 0 && to / rule.every > from / rule.every)
    }

    /// The snapshot of a stream, if there is one that this build can use.
    pub(crate) async fn snapshot(&self, rule: &Rule, stream: &str) -> Result<Option<Loaded>, StoreError> {
        let found = self.store.docs(vec![snapshot_key(stream)]).await?.pop().flatten();
        let Some(doc) = found else { return Ok(None) };
        let revision = doc.revision;
        let kept = match RecordedState::read(&doc) {
            Ok(kept) => kept,
            Err(error) => return self.discard(stream, revision, &format!("it cannot be read: {error}")).await,
        };
        if !kept.is_of(rule.shape, &self.settings.build) {
            // Not deleted: another build that runs beside this one may be able to use it.
            tracing::info!(stream, found = kept.schema, known = ?rule.shape, "a snapshot is another build's");
            return Ok(None);
        }
        match (rule.decode)(&kept.state) {
            Ok(state) => {
                let version = kept.version;
                let bytes = doc.data.len();
                let commit = kept.commit;
                Ok(Some(Loaded { version, state, bytes, commit, revision }))
            }
            Err(error) => self.discard(stream, revision, &format!("its state cannot be read: {error}")).await,
        }
    }

    /// Discards a snapshot that its stream does not bear out: ahead of it, or of another history.
    pub(crate) async fn contradicted(&self, stream: &str, snapshot: &Loaded) -> Result<(), StoreError> {
        let why = format!("the stream has no such version {}", snapshot.version);
        self.discard(stream, snapshot.revision, &why).await.map(|_| ())
    }

    /// Deletes a snapshot that nobody can use, unless it was replaced meanwhile; there is none, then.
    pub(crate) async fn discard(
        &self,
        stream: &str,
        revision: CommitId,
        why: &str,
    ) -> Result<Option<Loaded>, StoreError> {
        tracing::warn!(code = "snapshot-discarded", stream, why, "a snapshot is discarded; its stream is folded anew");
        let mut commit = Commit::new(self.snapshot_commit(stream));
        commit.guards.push(Guard::Doc(snapshot_key(stream), Some(revision)));
        commit.docs.push(DocWrite { key: snapshot_key(stream), put: None });
        if let Err(error) = self.store.commit(commit).await {
            tracing::debug!(stream, %error, "it stays for now");
        }
        Ok(None)
    }

    pub(crate) fn snapshot_commit(&self, stream: &str) -> CommitId {
        let chance = self.env.random().to_string();
        CommitId(digest(&[SNAPSHOT, stream, &self.settings.slot, &chance]))
    }
}
