//! Everything that is read, as functions of a connection.

use std::ops::Bound;

use bongsu_runtime::ports::store::{CommitId, Doc, DocKey, Position, Read, Scan, StoredEvent, StoredFacts};
use bytes::Bytes;
use rusqlite::{
    Connection, Error, OptionalExtension, Result, Row, ToSql, params,
    types::{ToSqlOutput, Type, ValueRef},
};

use crate::pack;

const EVENT: &str = "event.position, event.commit_id, event.stream, event.version, event.name, event.schema,
    event.data, event.meta";

/// Events, in order.
pub(crate) fn events(db: &Connection, what: &Read, limit: u32) -> Result<Vec<StoredEvent>> {
    let (from, after, name) = match what {
        Read::Stream { stream, after } => {
            ("FROM event WHERE version > ?1 AND stream = ?3 ORDER BY version", *after, Some(stream))
        }
        Read::Feed { after } => ("FROM event WHERE position > ?1 ORDER BY position", after.0, None),
    };
    let mut read = db.prepare_cached(&format!("SELECT {EVENT} {from} LIMIT ?2"))?;
    match name {
        Some(name) => read.query_map(params![int(after), limit, name], event)?.collect(),
        None => read.query_map(params![int(after), limit], event)?.collect(),
    }
}

/// Facts of events, in order.
pub(crate) fn facts(db: &Connection, after: Position, limit: u32) -> Result<Vec<StoredFacts>> {
    let mut read = db.prepare_cached(
        "SELECT position, facts, commit_id FROM fact JOIN event USING (position) WHERE position > ?1 \
         ORDER BY position LIMIT ?2",
    )?;
    let mut rows = read.query(params![int(after.0), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let facts = pack::unpack_facts(row.get_ref(1)?.as_blob()?).ok_or_else(|| damaged(1, "facts of an event"))?;
        found.push(StoredFacts { position: Position(number(row, 0)?), commit: commit_id(row, 2)?, facts });
    }
    Ok(found)
}

fn event(row: &Row<'_>) -> Result<StoredEvent> {
    Ok(StoredEvent {
        position: Some(Position(number(row, 0)?)),
        commit: commit_id(row, 1)?,
        stream: row.get(2)?,
        version: number(row, 3)?,
        name: row.get(4)?,
        schema: row.get(5)?,
        data: bytes(row, 6)?,
        meta: bytes(row, 7)?,
    })
}

/// One document.
pub(crate) fn doc(db: &Connection, key: &DocKey) -> Result<Option<Doc>> {
    let mut find = db.prepare_cached("SELECT revision, data FROM doc WHERE tbl = ?1 AND id = ?2")?;
    let found = |row: &Row<'_>| Ok(Doc { key: key.clone(), revision: commit_id(row, 0)?, data: bytes(row, 1)? });
    find.query_row([&*key.table, &*key.id], found).optional()
}

/// Documents, one snapshot for all.
pub(crate) fn docs(db: &Connection, keys: &[DocKey]) -> Result<Vec<Option<Doc>>> {
    if let [key] = keys {
        return Ok(vec![doc(db, key)?]); // One statement is one snapshot.
    }
    let snapshot = db.unchecked_transaction()?;
    keys.iter().map(|key| doc(&snapshot, key)).collect()
}

/// Documents of a table, with their cursors.
pub(crate) fn scan(db: &Connection, what: &Scan) -> Result<Vec<(Bytes, Doc)>> {
    let (by_id, key) = key_of(what);
    let from = if by_id {
        "FROM doc WHERE doc.tbl = ?1 AND ?2 IS NULL"
    } else {
        "FROM doc_index CROSS JOIN doc ON doc.number = doc_index.doc
         WHERE doc_index.tbl = ?1 AND doc_index.idx = ?2"
    };
    list(db, what, &format!("SELECT doc.id, doc.revision, doc.data, {key} {from}"), |row| {
        let id: String = row.get(0)?;
        let cursor = if by_id { Bytes::from(id.clone()) } else { bytes(row, 3)? };
        let key = DocKey::new(what.table.clone(), id);
        Ok((cursor, Doc { key, revision: commit_id(row, 1)?, data: bytes(row, 2)? }))
    })
}

/// The cursors alone, from the index alone.
pub(crate) fn keys(db: &Connection, what: &Scan) -> Result<Vec<Bytes>> {
    let (by_id, key) = key_of(what);
    let from = if by_id {
        "FROM doc WHERE doc.tbl = ?1 AND ?2 IS NULL"
    } else {
        "FROM doc_index WHERE doc_index.tbl = ?1 AND doc_index.idx = ?2"
    };
    list(db, what, &format!("SELECT {key} {from}"), |row| {
        if by_id { Ok(Bytes::from(row.get::<_, String>(0)?)) } else { bytes(row, 0) }
    })
}

/// Whether a scan goes by document id, and by which column.
fn key_of(what: &Scan) -> (bool, &'static str) {
    if what.index.is_none() { (true, "doc.id") } else { (false, "doc_index.cursor") }
}

/// The rows of a scan: `select` has table and index already.
fn list<T>(db: &Connection, what: &Scan, select: &str, row: impl FnMut(&Row<'_>) -> Result<T>) -> Result<Vec<T>> {
    let (by_id, key) = key_of(what);
    let (above, low) = match &what.from {
        Bound::Included(low) => (">=", Some(low)),
        Bound::Excluded(low) => (">", Some(low)),
        Bound::Unbounded => ("", None),
    };
    let (below, high) = match &what.to {
        Bound::Included(high) => ("<=", Some(high)),
        Bound::Excluded(high) => ("<", Some(high)),
        Bound::Unbounded => ("", None),
    };
    let low_bound = if low.is_some() { format!("AND {key} {above} ?3") } else { "AND ?3 IS NULL".to_owned() };
    let high_bound = if high.is_some() { format!("AND {key} {below} ?4") } else { "AND ?4 IS NULL".to_owned() };
    let order = if what.descending { "DESC" } else { "ASC" };
    let mut read = db.prepare_cached(&format!("{select} {low_bound} {high_bound} ORDER BY {key} {order} LIMIT ?5"))?;
    let values = params![what.table, what.index, Edge::of(low, by_id), Edge::of(high, by_id), what.limit];
    read.query_map(values, row)?.collect()
}

/// The highest position.
pub(crate) fn head(db: &Connection) -> Result<Position> {
    let mut last = db.prepare_cached("SELECT coalesce(max(position), 0) FROM event")?;
    last.query_row([], |row| Ok(Position(number(row, 0)?)))
}

/// Where an event stands.
pub(crate) fn position_of(db: &Connection, stream: &str, version: u64) -> Result<Option<Position>> {
    let mut find = db.prepare_cached("SELECT position FROM event WHERE stream = ?1 AND version = ?2")?;
    find.query_row(params![stream, int(version)], |row| Ok(Position(number(row, 0)?))).optional()
}

/// The cursor of a document in an index.
pub(crate) fn cursor(key: &[u8], id: &str) -> Vec<u8> {
    [key, b"\0", id.as_bytes()].concat()
}

/// A number as SQLite can hold it. What is stored is far below the limit; what is asked for may not be.
pub(crate) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number of this crate, which is never negative.
pub(crate) fn number(row: &Row<'_>, column: usize) -> Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(column, number))
}

pub(crate) fn commit_id(row: &Row<'_>, column: usize) -> Result<CommitId> {
    row.get(column).map(u128::from_be_bytes).map(CommitId)
}

pub(crate) fn optional_bytes(row: &Row<'_>, column: usize) -> Result<Option<Vec<u8>>> {
    row.get(column)
}

fn bytes(row: &Row<'_>, column: usize) -> Result<Bytes> {
    Ok(Bytes::copy_from_slice(row.get_ref(column)?.as_blob()?))
}

/// A value this crate would not have written.
pub(crate) fn damaged(column: usize, what: &'static str) -> Error {
    Error::FromSqlConversionFailure(column, Type::Blob, what.into())
}

/// A bound of a scan: ids are text in the file, cursors of an index are blobs; bounds are any bytes.
enum Edge<'a> {
    None,
    Id(&'a [u8]),
    Cursor(&'a [u8]),
}

impl<'a> Edge<'a> {
    fn of(bound: Option<&'a Bytes>, by_id: bool) -> Self {
        match bound {
            None => Self::None,
            Some(bytes) if by_id => Self::Id(bytes),
            Some(bytes) => Self::Cursor(bytes),
        }
    }
}

impl ToSql for Edge<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::None => ValueRef::Null,
            Self::Id(bytes) => ValueRef::Text(bytes),
            Self::Cursor(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
