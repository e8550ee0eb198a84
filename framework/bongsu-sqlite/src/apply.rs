//! One Commit inside the writer's transaction: judged by point reads, then written.

use std::collections::BTreeMap;

use bongsu_runtime::ports::store::{Commit, CommitId, DocBody, DocKey, DocWrite, Guard, Mismatch, NewEvent, Verdict};
use rusqlite::{Connection, OptionalExtension, Result, params};

use crate::{pack, query};

/// Judges a Commit that passed `Commit::check`, and writes all of it or nothing.
pub(crate) fn apply(db: &Connection, commit: &Commit) -> Result<Verdict> {
    let wrong = judge(db, commit)?;
    if !wrong.is_empty() {
        return Ok(Verdict::Refused(wrong));
    }
    for event in &commit.events {
        append(db, commit.id, event)?;
    }
    for write in &commit.docs {
        write_doc(db, commit.id, write)?;
    }
    Ok(Verdict::Done)
}

/// Deletes a table's documents.
pub(crate) fn drop_table(db: &Connection, table: &str) -> Result<()> {
    db.prepare_cached("DELETE FROM doc_index WHERE tbl = ?1")?.execute([table])?;
    db.prepare_cached("DELETE FROM doc WHERE tbl = ?1")?.execute([table])?;
    Ok(())
}

fn judge(db: &Connection, commit: &Commit) -> Result<Vec<Mismatch>> {
    let mut wrong = Vec::new();
    for guard in &commit.guards {
        let mismatch = match guard {
            Guard::Head(head, version) => {
                let found = stream_version(db, head)?;
                (found != *version).then(|| Mismatch::Head(head.clone(), found))
            }
            Guard::Last(stream, version, commit) => {
                let found = last_of(db, stream)?;
                let head = stream.clone();
                let wanted = Some((*version, *commit));
                (found != wanted).then(|| Mismatch::Head(head, found.map_or(0, |(version, _)| version)))
            }
            Guard::Doc(key, revision) if revision_of(db, key)? == *revision => None,
            Guard::Doc(key, _) => Some(Mismatch::Doc(key.clone(), query::doc(db, key)?)),
        };
        wrong.extend(mismatch.filter(|mismatch| !wrong.contains(mismatch)));
    }
    let mut heads = BTreeMap::new();
    for event in &commit.events {
        let head = match heads.get_mut(event.stream.as_str()) {
            Some(head) => head,
            None => {
                let found = stream_version(db, &event.stream)?;
                heads.entry(event.stream.as_str()).or_insert(found)
            }
        };
        if event.version == *head + 1 {
            *head += 1;
            continue;
        }
        let mismatch = Mismatch::Head(event.stream.clone(), *head);
        wrong.extend(Some(mismatch).filter(|mismatch| !wrong.contains(mismatch)));
    }
    Ok(wrong)
}

fn stream_version(db: &Connection, stream: &str) -> Result<u64> {
    let mut last = db.prepare_cached("SELECT version FROM event WHERE stream = ?1 ORDER BY version DESC LIMIT 1")?;
    last.query_row([stream], |row| query::number(row, 0)).optional().map(Option::unwrap_or_default)
}

fn last_of(db: &Connection, stream: &str) -> Result<Option<(u64, CommitId)>> {
    let mut last =
        db.prepare_cached("SELECT version, commit_id FROM event WHERE stream = ?1 ORDER BY version DESC LIMIT 1")?;
    last.query_row([stream], |row| Ok((query::number(row, 0)?, query::commit_id(row, 1)?))).optional()
}

fn revision_of(db: &Connection, key: &DocKey) -> Result<Option<CommitId>> {
    let mut find = db.prepare_cached("SELECT revision FROM doc WHERE tbl = ?1 AND id = ?2")?;
    find.query_row([&*key.table, &*key.id], |row| query::commit_id(row, 0)).optional()
}

fn append(db: &Connection, commit: CommitId, event: &NewEvent) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO event (stream, version, commit_id, name, schema, data, meta)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        event.stream,
        query::int(event.version),
        commit.0.to_be_bytes(),
        event.name,
        event.schema,
        &event.data[..],
        &event.meta[..],
    ])?;
    let position = db.last_insert_rowid();
    if !event.facts.is_empty() {
        db.prepare_cached("INSERT INTO fact (position, facts) VALUES (?1, ?2)")?
            .execute(params![position, pack::facts(&event.facts)])?;
    }
    Ok(())
}

fn write_doc(db: &Connection, revision: CommitId, write: &DocWrite) -> Result<()> {
    let mut find = db.prepare_cached("SELECT number, entries FROM doc WHERE tbl = ?1 AND id = ?2")?;
    let old = find
        .query_row([&*write.key.table, &*write.key.id], |row| {
            Ok((row.get::<_, i64>(0)?, query::optional_bytes(row, 1)?))
        })
        .optional()?;
    match (old, &write.put) {
        (None, None) => Ok(()),
        (None, Some(body)) => insert(db, revision, &write.key, body),
        (Some((number, entries)), Some(body)) => update(db, revision, &write.key, number, entries, body),
        (Some((number, entries)), None) => {
            unindex(db, &write.key, entries)?;
            db.prepare_cached("DELETE FROM doc WHERE number = ?1")?.execute([number])?;
            Ok(())
        }
    }
}

fn insert(db: &Connection, revision: CommitId, key: &DocKey, body: &DocBody) -> Result<()> {
    let entries = pack::entries(&body.index);
    db.prepare_cached("INSERT INTO doc (tbl, id, revision, data, entries) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![&*key.table, &*key.id, revision.0.to_be_bytes(), &body.data[..], entries])?;
    index(db, key, db.last_insert_rowid(), body)
}

fn update(
    db: &Connection,
    revision: CommitId,
    key: &DocKey,
    number: i64,
    old: Option<Vec<u8>>,
    body: &DocBody,
) -> Result<()> {
    let entries = pack::entries(&body.index);
    let moved = entries != old;
    if moved {
        unindex(db, key, old)?;
    }
    db.prepare_cached("UPDATE doc SET revision = ?2, data = ?3, entries = ?4 WHERE number = ?1")?.execute(params![
        number,
        revision.0.to_be_bytes(),
        &body.data[..],
        entries
    ])?;
    if moved { index(db, key, number, body) } else { Ok(()) }
}

fn index(db: &Connection, key: &DocKey, number: i64, body: &DocBody) -> Result<()> {
    for (idx, entry) in &body.index {
        // An entry given twice is one entry.
        db.prepare_cached("INSERT OR IGNORE INTO doc_index (tbl, idx, cursor, doc) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![&*key.table, idx, query::cursor(entry, &key.id), number])?;
    }
    Ok(())
}

fn unindex(db: &Connection, key: &DocKey, entries: Option<Vec<u8>>) -> Result<()> {
    let entries = entries.unwrap_or_default();
    for (idx, entry) in pack::unpack_entries(&entries).ok_or_else(|| query::damaged(1, "entries of a document"))? {
        db.prepare_cached("DELETE FROM doc_index WHERE tbl = ?1 AND idx = ?2 AND cursor = ?3")?.execute(params![
            &*key.table,
            idx,
            query::cursor(&entry, &key.id)
        ])?;
    }
    Ok(())
}
