//! The model itself: plain maps, and the rules of the port as short functions over them.

use std::{collections::BTreeMap, ops::Bound};

use bongsu_runtime::ports::{
    name::Name,
    store::{
        Commit, CommitId, Doc, DocBody, DocKey, DocWrite, Guard, Mismatch, NewEvent, Position, Read, Scan, StoredEvent,
        StoredFacts, Verdict,
    },
};
use bytes::Bytes;
use hashbrown::HashMap;

/// Everything a store holds. Indexes hold offsets into `events`; a head's version is the length of its index. What is
/// only looked up is hashed, what is also walked through is in order.
#[derive(Clone, Default)]
pub(super) struct State {
    /// By position - 1.
    events: Vec<StoredEvent>,
    /// Of the events that carry some, by position.
    facts: Vec<StoredFacts>,
    streams: HashMap<String, Vec<usize>>,
    tables: HashMap<Name, Table>,
}

#[derive(Clone, Default)]
struct Table {
    docs: HashMap<Name, Row>,
    /// The ids of all documents, by themselves as bytes, because cursors are.
    ids: BTreeMap<Bytes, Name>,
    /// By index number: cursor → document id.
    index: BTreeMap<u16, BTreeMap<Bytes, Name>>,
}

#[derive(Clone)]
pub(super) struct Row {
    id: Name,
    pub(super) revision: CommitId,
    pub(super) body: DocBody,
}

impl State {
    /// Judges a Commit that passed [`Commit::check`], and writes all of it or nothing.
    pub(super) fn apply(&mut self, commit: Commit) -> Verdict {
        let wrong = self.judge(&commit);
        if !wrong.is_empty() {
            return Verdict::Refused(wrong);
        }
        for event in commit.events {
            self.append(commit.id, event);
        }
        for write in commit.docs {
            self.write(commit.id, write);
        }
        Verdict::Done
    }

    fn judge(&self, commit: &Commit) -> Vec<Mismatch> {
        let mut wrong = Vec::new();
        for guard in &commit.guards {
            let found = match guard {
                Guard::Head(head, version) => {
                    let found = self.version(head);
                    (found != *version).then(|| Mismatch::Head(head.clone(), found))
                }
                Guard::Last(stream, version, commit) => {
                    let found = self.last(stream);
                    let head = || Mismatch::Head(stream.clone(), found.map_or(0, |(version, _)| version));
                    (found != Some((*version, *commit))).then(head)
                }
                Guard::Doc(key, revision) => {
                    let found = self.row(&key.table, &key.id).map(|row| row.revision);
                    (found != *revision).then(|| Mismatch::Doc(key.clone(), self.doc(key.clone())))
                }
            };
            wrong.extend(found.filter(|mismatch| !wrong.contains(mismatch)));
        }
        let mut heads = BTreeMap::new();
        for event in &commit.events {
            let head = heads.entry(&event.stream).or_insert_with(|| self.version(&event.stream));
            if event.version != *head + 1 {
                let mismatch = Mismatch::Head(event.stream.clone(), *head);
                wrong.extend(Some(mismatch).filter(|mismatch| !wrong.contains(mismatch)));
            } else {
                *head += 1;
            }
        }
        wrong
    }

    fn append(&mut self, commit: CommitId, event: NewEvent) {
        let at = self.events.len();
        let position = Position(at as u64 + 1);
        if !event.facts.is_empty() {
            self.facts.push(StoredFacts { position, commit, facts: event.facts });
        }
        self.streams.entry(event.stream.clone()).or_default().push(at);
        self.events.push(StoredEvent {
            position: Some(position),
            commit,
            stream: event.stream,
            version: event.version,
            name: event.name.to_owned(),
            schema: event.schema,
            data: event.data,
            meta: event.meta,
        });
    }

    fn write(&mut self, revision: CommitId, write: DocWrite) {
        let DocKey { table, id } = write.key;
        self.tables.entry(table).or_default().write(id, revision, write.put);
    }

    pub(super) fn drop_table(&mut self, table: &str) {
        self.tables.remove(table);
    }

    fn version(&self, stream: &str) -> u64 {
        self.streams.get(stream).map_or(0, |events| events.len() as u64)
    }

    /// Version and writer of the newest event of a stream.
    fn last(&self, stream: &str) -> Option<(u64, CommitId)> {
        let events = self.streams.get(stream)?;
        Some((events.len() as u64, self.events[*events.last()?].commit))
    }

    pub(super) fn row(&self, table: &str, id: &str) -> Option<&Row> {
        self.tables.get(table)?.docs.get(id)
    }

    pub(super) fn doc(&self, key: DocKey) -> Option<Doc> {
        let row = self.row(&key.table, &key.id)?;
        Some(Doc { revision: row.revision, data: row.body.data.clone(), key })
    }

    pub(super) fn end(&self) -> Position {
        Position(self.events.len() as u64)
    }

    pub(super) fn position_of(&self, stream: &str, version: u64) -> Option<Position> {
        let at = usize::try_from(version.checked_sub(1)?).ok()?;
        self.streams.get(stream)?.get(at).and_then(|at| self.events[*at].position)
    }

    pub(super) fn read(&self, what: &Read, limit: usize) -> Vec<StoredEvent> {
        let none = Vec::new();
        match what {
            Read::Stream { stream, after } => {
                let all = self.streams.get(stream).unwrap_or(&none);
                let from = usize::try_from(*after).unwrap_or(usize::MAX).min(all.len());
                self.collect(all[from..].iter().copied(), limit)
            }
            Read::Feed { after } => {
                let from = usize::try_from(after.0).unwrap_or(usize::MAX).min(self.events.len());
                self.collect(from..self.events.len(), limit)
            }
        }
    }

    pub(super) fn facts(&self, after: Position, limit: usize) -> Vec<StoredFacts> {
        let from = self.facts.partition_point(|facts| facts.position <= after);
        self.facts[from..].iter().take(limit).cloned().collect()
    }

    fn collect(&self, at: impl Iterator<Item = usize>, limit: usize) -> Vec<StoredEvent> {
        at.take(limit).map(|at| self.events[at].clone()).collect()
    }

    pub(super) fn scan(&self, what: &Scan) -> Vec<(Bytes, Doc)> {
        let Some((name, table)) = self.tables.get_key_value(what.table.as_str()) else { return Vec::new() };
        let entries = what.index.map_or(Some(&table.ids), |number| table.index.get(&number));
        let found = entries.map_or_else(Vec::new, |entries| between(entries, what)).into_iter();
        found.map(|(cursor, id)| (cursor.clone(), table.docs[id].doc(name))).collect()
    }

    /// The cursors of a scan.
    pub(super) fn keys(&self, what: &Scan) -> Vec<Bytes> {
        let Some(table) = self.tables.get(what.table.as_str()) else { return Vec::new() };
        let entries = what.index.map_or(Some(&table.ids), |number| table.index.get(&number));
        let found = entries.map_or_else(Vec::new, |entries| between(entries, what)).into_iter();
        found.map(|(cursor, _)| cursor.clone()).collect()
    }

    pub(super) fn events(&self) -> &[StoredEvent] {
        &self.events
    }

    pub(super) fn all_facts(&self) -> &[StoredFacts] {
        &self.facts
    }

    pub(super) fn all_docs(&self) -> Vec<Doc> {
        let mut tables: Vec<&Name> = self.tables.keys().collect();
        tables.sort_unstable();
        tables.into_iter().flat_map(|table| self.docs_of(table)).collect()
    }

    pub(super) fn each_doc(
        &self,
        table: &str,
        mut at: impl FnMut(&str, CommitId, &Bytes) -> Result<(), String>,
    ) -> Result<(), String> {
        let Some(rows) = self.tables.get(table) else { return Ok(()) };
        rows.ids.values().map(|id| &rows.docs[id]).try_for_each(|row| at(&row.id, row.revision, &row.body.data))
    }

    pub(super) fn docs_of(&self, table: &str) -> Vec<Doc> {
        let Some((name, rows)) = self.tables.get_key_value(table) else { return Vec::new() };
        rows.ids.values().map(|id| rows.docs[id].doc(name)).collect()
    }
}

impl Table {
    fn write(&mut self, id: Name, revision: CommitId, put: Option<DocBody>) {
        let Some(body) = put else {
            if let Some(old) = self.docs.remove(&id) {
                self.ids.remove(id.as_bytes());
                self.unlink(&old.body.index, &id);
            }
            return;
        };
        let Some(row) = self.docs.get_mut(&id) else {
            self.link(&body.index, &id);
            self.ids.insert(Bytes::copy_from_slice(id.as_bytes()), id.clone());
            self.docs.insert(id.clone(), Row { id, revision, body });
            return;
        };
        row.revision = revision;
        let old = std::mem::replace(&mut row.body, body);
        if row.body.index != old.index {
            let new = row.body.index.clone();
            self.unlink(&old.index, &id);
            self.link(&new, &id);
        }
    }

    fn link(&mut self, keys: &[(u16, Bytes)], id: &Name) {
        for (number, key) in keys {
            self.index.entry(*number).or_default().insert(cursor(key, id.as_bytes()), id.clone());
        }
    }

    fn unlink(&mut self, keys: &[(u16, Bytes)], id: &Name) {
        for (number, key) in keys {
            if let Some(entries) = self.index.get_mut(number) {
                entries.remove(&cursor(key, id.as_bytes()));
            }
        }
    }
}

impl Row {
    fn doc(&self, table: &Name) -> Doc {
        Doc { key: DocKey::new(table, self.id.clone()), revision: self.revision, data: self.body.data.clone() }
    }
}

/// Index key, zero byte, document id: unique, because ids hold no zero byte.
fn cursor(key: &[u8], id: &[u8]) -> Bytes {
    [key, b"\0", id].concat().into()
}

/// The entries between the bounds of a scan; empty, not a panic, when they are inverted.
fn between<'a, V>(all: &'a BTreeMap<Bytes, V>, what: &Scan) -> Vec<(&'a Bytes, &'a V)> {
    let empty = match (&what.from, &what.to) {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
    };
    if empty {
        return Vec::new();
    }
    let found = all.range((what.from.clone(), what.to.clone()));
    let limit = what.limit as usize;
    if what.descending { found.rev().take(limit).collect() } else { found.take(limit).collect() }
}
