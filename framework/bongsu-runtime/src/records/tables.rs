//! The names the runtime keeps for itself.

use crate::{
    ports::store::DocKey,
    records::{
        cursor::CURSOR,
        early::WAITING,
        forgotten::FORGOTTEN,
        generation::PROJECTION,
        history::{HISTORY, PARTING},
        lease::{LEASE, MEMBER},
        once::ONCE,
        queue::QUEUE,
        rebuild::REBUILD,
        republish::REFILL,
        seen::SEEN,
        snapshot::{SNAPSHOT, WALK},
        todo::TODO,
    },
};

/// The tables the runtime keeps its own documents in.
const TABLES: &[&str] = &[
    CURSOR, FORGOTTEN, HISTORY, KEY, LEASE, MEMBER, WALK, ONCE, PARTING, PROJECTION, QUEUE, REBUILD, REFILL, SEEN,
    SNAPSHOT, TODO, WAITING,
];

/// The first part of the names of the streams that say what operators did.
const OPERATOR: &str = "operator";
/// The table of the partition keys under which streams tell their facts.
pub(crate) const KEY: &str = "key";

/// Whether a script must leave this table alone: it is the runtime's, or a read model's.
pub(crate) fn is_reserved_table(table: &str) -> bool {
    TABLES.contains(&table) || table.contains('@')
}

/// Whether streams of this first part are the runtime's.
pub(crate) fn is_reserved_stream(aggregate: &str) -> bool {
    aggregate == OPERATOR
}

/// The partition key a stream tells its facts under.
pub(crate) fn key_key(stream: &str) -> DocKey {
    DocKey::of(KEY, stream)
}
