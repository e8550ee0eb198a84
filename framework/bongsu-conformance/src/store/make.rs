//! Short words for the rules: commits, events and the two usual expectations.

use std::sync::Arc;

use bongsu_runtime::ports::{
    Fut,
    store::{
        Commit, CommitId, Doc, DocBody, DocKey, DocWrite, Fact, Guard, Mismatch, NewEvent, Position, Read, Store,
        StoreError, StoredEvent, Verdict,
    },
};
use bytes::Bytes;

/// A Commit being written down.
#[derive(Clone)]
pub(super) struct Draft(pub(super) Commit);

/// A Commit with this id.
pub(super) fn commit(id: u128) -> Draft {
    Draft(Commit::new(CommitId(id)))
}

impl Draft {
    pub(super) fn event(self, stream: &str, version: u64) -> Self {
        self.append(event(stream, version))
    }

    pub(super) fn append(mut self, event: NewEvent) -> Self {
        self.0.events.push(event);
        self
    }

    pub(super) fn put(self, table: &str, id: &str, data: &str) -> Self {
        self.put_indexed(table, id, data, &[])
    }

    pub(super) fn put_indexed(mut self, table: &str, id: &str, data: &str, index: &[(u16, &[u8])]) -> Self {
        let index = index.iter().map(|(number, key)| (*number, Bytes::copy_from_slice(key))).collect();
        let body = DocBody { data: Bytes::copy_from_slice(data.as_bytes()), index };
        self.0.docs.push(DocWrite { key: DocKey::new(table, id), put: Some(body) });
        self
    }

    pub(super) fn delete(mut self, table: &str, id: &str) -> Self {
        self.0.docs.push(DocWrite { key: DocKey::new(table, id), put: None });
        self
    }

    pub(super) fn if_stream(mut self, stream: &str, version: u64) -> Self {
        self.0.guards.push(Guard::Head(stream.to_owned(), version));
        self
    }

    /// Guards the newest event of a stream: its version and who wrote it.
    pub(super) fn if_last(mut self, stream: &str, version: u64, commit: u128) -> Self {
        self.0.guards.push(Guard::Last(stream.to_owned(), version, CommitId(commit)));
        self
    }

    /// Guards a document on absence (`None`) or on the Commit that wrote it.
    pub(super) fn if_doc(mut self, table: &str, id: &str, revision: Option<u128>) -> Self {
        self.0.guards.push(Guard::Doc(DocKey::new(table, id), revision.map(CommitId)));
        self
    }

    pub(super) fn send(&self, store: &Arc<dyn Store>) -> Fut<'static, Result<Verdict, StoreError>> {
        store.commit(self.0.clone())
    }

    pub(super) async fn done(&self, store: &Arc<dyn Store>) {
        assert_eq!(self.send(store).await, Ok(Verdict::Done), "{:?}", self.0);
    }

    pub(super) async fn refused(&self, store: &Arc<dyn Store>) -> Vec<Mismatch> {
        match self.send(store).await {
            Ok(Verdict::Refused(wrong)) => {
                assert!(!wrong.is_empty(), "a refusal without a reason: {:?}", self.0);
                wrong
            }
            other => panic!("expected a refusal of {:?}, got {other:?}", self.0),
        }
    }
}

/// An event without facts.
pub(super) fn event(stream: &str, version: u64) -> NewEvent {
    NewEvent {
        stream: stream.to_owned(),
        version,
        name: "counter.counted",
        schema: 1,
        data: Bytes::from(format!("{stream}@{version}")),
        meta: Bytes::from_static(b"{}"),
        facts: Vec::new(),
    }
}

/// An event that carries so many facts.
pub(super) fn telling(stream: &str, version: u64, facts: u64) -> NewEvent {
    NewEvent {
        facts: (0..facts).map(|ordinal| fact(stream, version * 10 + ordinal)).collect(),
        ..event(stream, version)
    }
}

pub(super) fn fact(stream: &str, sequence: u64) -> Fact {
    Fact {
        id: format!("{stream}/{sequence}"),
        topic: "counting".to_owned(),
        subject: stream.to_owned(),
        partition_key: format!("key of {stream}"),
        sequence,
        cloudevent: Bytes::from(format!("{{\"sequence\":{sequence}}}")),
    }
}

pub(super) fn head_is(stream: &str, version: u64) -> Mismatch {
    Mismatch::Head(stream.to_owned(), version)
}

pub(super) fn doc_is(table: &str, id: &str, found: Option<(u128, &str)>) -> Mismatch {
    Mismatch::Doc(DocKey::new(table, id), found.map(|(revision, data)| doc(table, id, revision, data)))
}

pub(super) fn doc(table: &str, id: &str, revision: u128, data: &str) -> Doc {
    Doc { key: DocKey::new(table, id), revision: CommitId(revision), data: Bytes::copy_from_slice(data.as_bytes()) }
}

/// One document, or none.
pub(super) async fn get(store: &Arc<dyn Store>, table: &str, id: &str) -> Option<Doc> {
    let found = store.docs(vec![DocKey::new(table, id)]).await.expect("documents can be read");
    assert_eq!(found.len(), 1, "one answer per key");
    found.into_iter().next().flatten()
}

pub(super) async fn feed(store: &Arc<dyn Store>, after: u64) -> Vec<StoredEvent> {
    read(store, Read::Feed { after: Position(after) }, 10_000).await
}

pub(super) async fn stream(store: &Arc<dyn Store>, stream: &str) -> Vec<StoredEvent> {
    read(store, Read::Stream { stream: stream.to_owned(), after: 0 }, 10_000).await
}

pub(super) async fn read(store: &Arc<dyn Store>, what: Read, limit: u32) -> Vec<StoredEvent> {
    store.read(what, limit).await.expect("events can be read")
}

/// Stream and version of each event.
pub(super) fn names(events: &[StoredEvent]) -> Vec<(String, u64)> {
    events.iter().map(|event| (event.stream.clone(), event.version)).collect()
}
