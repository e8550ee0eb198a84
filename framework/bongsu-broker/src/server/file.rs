//! The file: who may open it, what it must be, how it is laid out.

use std::{
    fs::{self, File, TryLockError},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::ServerError;

/// "Bngs": what `file` and SQLite's own tools show; tells our file from any other database.
const APPLICATION_ID: i32 = 0x426e_6773;
/// Of the layout below.
const SCHEMA: i32 = 4;
/// What the layout before it lacked: adding a column with a default rewrites nothing.
const FROM_1: &str = "
    ALTER TABLE topics ADD COLUMN retention_bytes INTEGER;
    ALTER TABLE messages ADD COLUMN refill INTEGER NOT NULL DEFAULT 0;
";
/// The same of layout 2. Positions of a refill were one higher than in the store, those of its last marks two.
const FROM_2: &str = "
    ALTER TABLE messages ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE messages ADD COLUMN era INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE producers ADD COLUMN wrote BLOB;
    UPDATE producers SET position = max(position - 2, 0) WHERE instr(service, '#') > 0;
    CREATE TABLE histories (service TEXT PRIMARY KEY, epoch INTEGER NOT NULL, history BLOB NOT NULL,
        partings BLOB NOT NULL) STRICT, WITHOUT ROWID;
";
/// The same of layout 3: every partition is weighed once, and never again.
const FROM_3: &str = "
    CREATE TABLE weights (partition INTEGER PRIMARY KEY, bytes INTEGER NOT NULL) STRICT;
    WITH RECURSIVE indexes (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM indexes WHERE i < 1023)
        INSERT INTO weights SELECT topics.id << 10 | i, (SELECT coalesce(sum(length(event)), 0) FROM messages
            WHERE messages.id >= (topics.id << 10 | i) << 40 AND messages.id < ((topics.id << 10 | i) + 1) << 40)
        FROM topics JOIN indexes ON i < partitions;
";
/// 3.51.3: earlier ones can corrupt a database when a WAL is reset while it is read.
const OLDEST_SQLITE: i32 = 3_051_003;
/// A file up to this size is checked whole at every start; that takes a fraction of a second.
const CHECKED_WHOLE: u64 = 64 << 20;

/// A message's row id is `partition << 40 | offset`, a partition's number `topic << 10 | index`: each
/// partition is one contiguous, append-only range of the one B-tree, without an index beside it.
/// `refill` says whether a message was published as it happened (0) or again. A producer of a refill is remembered
/// as `service#refill`, with the Commit that wrote its last event; `position` and `era` are what its publisher said of a
/// message. `histories` has the history of each service that names one. `expired` holds where a partition begins once something of it has been deleted, `weights` the bytes of its messages. `heard` recognises what
/// producers without positions send twice; it goes with the message.
const LAYOUT: &str = "
    CREATE TABLE broker (log BLOB NOT NULL) STRICT;
    CREATE TABLE topics (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
        retention_ms INTEGER, retention_bytes INTEGER) STRICT;
    CREATE TABLE messages (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, key TEXT NOT NULL, event BLOB NOT NULL,
        refill INTEGER NOT NULL DEFAULT 0, position INTEGER NOT NULL DEFAULT 0,
        era INTEGER NOT NULL DEFAULT 0) STRICT;
    CREATE TABLE expired (partition INTEGER PRIMARY KEY, earliest INTEGER NOT NULL) STRICT;
    CREATE TABLE weights (partition INTEGER PRIMARY KEY, bytes INTEGER NOT NULL) STRICT;
    CREATE TABLE producers (service TEXT PRIMARY KEY, epoch INTEGER NOT NULL, position INTEGER, ordinal INTEGER,
        wrote BLOB) STRICT, WITHOUT ROWID;
    CREATE TABLE histories (service TEXT PRIMARY KEY, epoch INTEGER NOT NULL, history BLOB NOT NULL,
        partings BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE heard (topic INTEGER NOT NULL, source TEXT NOT NULL, event TEXT NOT NULL, message INTEGER NOT NULL,
        PRIMARY KEY (topic, source, event)) STRICT, WITHOUT ROWID;
    CREATE INDEX heard_message ON heard (message);
    INSERT INTO broker (log) VALUES (randomblob(16));
";

/// A file that is ours alone.
pub(crate) struct Opened {
    pub(crate) path: PathBuf,
    pub(crate) connection: Connection,
    /// Held as long as the file is open; the system gives it back however the process ends.
    pub(crate) lock: File,
}

/// Opens the file and makes sure that nobody else has it and that it is what it should be.
pub(crate) fn open(path: &Path) -> Result<Opened, ServerError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(ServerError::OldSqlite { found: rusqlite::version() });
    }
    let lock = lock(path)?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    check(path, &connection)?;
    let named = |error| name(path, &error);
    connection.pragma_update(None, "journal_mode", "WAL").map_err(named)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(named)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20).map_err(named)?;
    connection.pragma_update(None, "cache_size", -8_000).map_err(named)?;
    Ok(Opened { path: path.to_owned(), connection, lock })
}

/// A connection that only reads.
pub(crate) fn open_to_read(opened: &Opened) -> Result<Connection, ServerError> {
    connect(&opened.path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// What an error of SQLite means for the file, in one line.
pub(crate) fn name(path: &Path, error: &rusqlite::Error) -> ServerError {
    let path = path.to_owned();
    let why = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => ServerError::Foreign { path, found: "not an SQLite database".into() },
        Some(ErrorCode::DatabaseCorrupt) => ServerError::Damaged { path, why },
        _ => ServerError::Unusable { path, why },
    }
}

/// Locks a file beside the database: SQLite's own locks would be lost with any other handle on it.
fn lock(path: &Path) -> Result<File, ServerError> {
    let unusable = |error: std::io::Error| ServerError::Unusable { path: path.to_owned(), why: error.to_string() };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(unusable)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    // Its owner's alone, and so is what SQLite makes beside it. If the file cannot be made, SQLite says why.
    let private = |path: &Path| File::options().create(true).truncate(false).write(true).mode(0o600).open(path);
    let lock = private(Path::new(&beside)).map_err(unusable)?;
    let _ = private(path);
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(ServerError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// An open file that is looked at and never read: closing an ordinary descriptor would give up SQLite's locks.
pub(crate) fn presence(path: &Path) -> Option<File> {
    File::options().read(true).custom_flags(libc::O_PATH).open(path).ok()
}

/// Whether no name leads to it any more: what is written into it is lost with this process.
pub(crate) fn is_removed(file: &File) -> bool {
    file.metadata().is_ok_and(|file| file.nlink() == 0)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, ServerError> {
    let named = |error| name(path, &error);
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(named)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(named)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn check(path: &Path, connection: &Connection) -> Result<(), ServerError> {
    let named = |error| name(path, &error);
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(named);
    let (application, schema) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(named)?;
    let foreign = |found: String| Err(ServerError::Foreign { path: path.to_owned(), found });
    if (application, schema, tables) == (0, 0, 0) {
        return lay_out(connection).map_err(named);
    }
    if application != APPLICATION_ID {
        return foreign("a database of another application".into());
    }
    match schema {
        1 => lift(connection, &format!("{FROM_1}{FROM_2}{FROM_3}")),
        2 => lift(connection, &format!("{FROM_2}{FROM_3}")),
        3 => lift(connection, FROM_3),
        SCHEMA => Ok(()),
        _ => return foreign(format!("layout {schema}, this version knows {SCHEMA}")),
    }
    .map_err(named)?;
    if fs::metadata(path).is_ok_and(|file| file.len() <= CHECKED_WHOLE) {
        let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(named)?;
        if found != "ok" {
            return Err(ServerError::Damaged { path: path.to_owned(), why: found.replace('\n', " ") });
        }
    }
    Ok(())
}

/// Brings an older file to today's layout, all or nothing.
fn lift(connection: &Connection, changes: &str) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {changes} PRAGMA user_version = {SCHEMA}; COMMIT;"))
}

/// All or nothing: a crash in between leaves an empty file, which is laid out again.
fn lay_out(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {LAYOUT} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA}; COMMIT;"
    ))
}
