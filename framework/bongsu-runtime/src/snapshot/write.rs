//! Writing snapshots down: after the Commit they show, outside of it, and never over one of a higher version
//! ([0011](../../../../docs/decisions/0011-snapshots.md)).

use std::sync::Arc;

use crate::{
    commit::{
        attempt::Planned,
        core::Core,
        wanted::{Rule, Taken},
    },
    ports::store::{Commit, DocBody, DocWrite, Guard, MAX_BODY, StoreError},
    records::snapshot::{RecordedState, Shape, hex, snapshot_key},
};

/// How often a snapshot is compared again because another instance wrote one: a stream has one owner nearly always, and the
/// snapshot that is due next makes up for this one.
const ATTEMPTS: u32 = 4;

impl Core {
    /// Writes a snapshot down unless there is one as good; whether it was written.
    pub(crate) async fn keep(&self, stream: &str, taken: &Taken, fence: Option<&Guard>) -> Result<bool, StoreError> {
        let Some(rule) = self.rule_of(stream) else { return Ok(false) };
        let Some(body) = self.body(rule, stream, taken) else { return Ok(false) };
        let kept = self.until_durable(ATTEMPTS, || async {
            let found = self.store.docs(vec![snapshot_key(stream)]).await?.pop().flatten();
            let before = found.as_ref().and_then(|doc| RecordedState::read(doc).ok());
            if before.is_some_and(|before| !before.gives_way_to(taken.version, rule.shape, &self.settings.build)) {
                return Ok(Planned::Nothing(false));
            }
            let mut commit = Commit::new(self.snapshot_commit(stream));
            commit.guards.extend(fence.cloned());
            commit.guards.push(Guard::Doc(snapshot_key(stream), found.map(|doc| doc.revision)));
            commit.docs.push(DocWrite { key: snapshot_key(stream), put: Some(body.clone()) });
            self.env.step("snapshot.write");
            Ok::<_, StoreError>(Planned::Write(commit, true))
        });
        Ok(kept.await?.unwrap_or(false))
    }

    fn body(&self, rule: &Rule, stream: &str, taken: &Taken) -> Option<DocBody> {
        let encoded = (rule.encode)(taken.state.as_ref()).and_then(|state| {
            let (schema, build) = match rule.shape {
                Shape::Schema(schema) => (schema, None),
                Shape::Build => (0, Some(self.settings.build.clone())),
            };
            let version = taken.version;
            let commit = hex(taken.commit);
            serde_json::to_vec(&RecordedState { version, schema, build, commit, taken_ms: self.env.wall_ms(), state })
        });
        let why = match encoded {
            Ok(data) if data.len() <= MAX_BODY => return Some(DocBody { data: data.into(), index: Vec::new() }),
            Ok(data) => format!("{} bytes are over {MAX_BODY}", data.len()),
            Err(error) => error.to_string(),
        };
        tracing::warn!(code = "snapshot-failed", stream, why, "a state cannot be kept as a snapshot");
        None
    }
}

/// Writes what was asked for, one after the other, outside of anybody's request.
pub(crate) async fn run(core: Arc<Core>) {
    loop {
        while let Some((stream, taken)) = core.wanted.next() {
            if let Err(error) = core.keep(&stream, &taken, None).await {
                // Not tried again: the next one that is due makes up for it.
                tracing::debug!(stream, %error, "a snapshot was not written");
            }
        }
        core.wanted.rung.notified().await;
    }
}
