//! The file: how it is made, and how a file that is not ours, or not whole, is told apart.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use crate::{file_lock::FileLock, options::Options};

/// Why a file cannot be opened. Each prints as one line that names the file.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The SQLite this was linked with can lose committed pages (WAL-reset bug).
    #[error("SQLite {found} is too old: at least 3.51.3 is needed")]
    OldSqlite {
        /// The version linked.
        found: &'static str,
    },
    /// The folder is missing and cannot be made, or it or a file in it cannot be written.
    #[error("{path} cannot be opened for writing: {why}")]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The file is a database of another program.
    #[error("{path} is not a store of Bongsu (application id {found:#010x}): name another file")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The application id found.
        found: u32,
    },
    /// The file was written by a newer release.
    #[error("{path} has schema {found}, this program knows up to {known}: start the newer program")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema found.
        found: i64,
        /// The newest schema known.
        known: i64,
    },
    /// The file is damaged, or not a database at all.
    #[error("{path} is damaged, restore it from a copy: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// Another process keeps the file locked, or there is no room or memory at the moment.
    #[error("{path} cannot be opened now: {why}")]
    Busy {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
}

/// What a file must carry to be ours: "Bong" in its header.
const APPLICATION: u32 = 0x426f_6e67;
/// The schema below.
const SCHEMA: i64 = 1;
/// Files are their owner's alone: they hold everything a service knows.
const PRIVATE: u32 = 0o600;
/// A file up to this size is checked whole at every start; a larger one would delay it.
const CHECK_WHOLE: u64 = 64 << 20;

/// There is no table of heads: the version of a stream is the last entry of an index that reads need anyway, and one
/// write less per event. `event.tags` and `tag` are of an earlier release: nothing is written there, what is there is not
/// read, and a later layout drops them (decision 0026).
const TABLES: &str = "
    CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE event (
        position INTEGER PRIMARY KEY,
        stream TEXT NOT NULL,
        version INTEGER NOT NULL,
        commit_id BLOB NOT NULL,
        name TEXT NOT NULL,
        schema INTEGER NOT NULL,
        data BLOB NOT NULL,
        meta BLOB NOT NULL,
        tags TEXT,                      -- unused, NULL
        UNIQUE (stream, version)
    ) STRICT;
    CREATE TABLE tag (
        tag TEXT NOT NULL,
        position INTEGER NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (tag, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE fact (position INTEGER PRIMARY KEY, facts BLOB NOT NULL) STRICT;
    CREATE TABLE doc (
        number INTEGER PRIMARY KEY,
        tbl TEXT NOT NULL,
        id TEXT NOT NULL,
        revision BLOB NOT NULL,
        data BLOB NOT NULL,
        entries BLOB,                   -- its entries in doc_index, NULL without any
        UNIQUE (tbl, id)
    ) STRICT;
    CREATE TABLE doc_index (
        tbl TEXT NOT NULL,
        idx INTEGER NOT NULL,
        cursor BLOB NOT NULL,           -- index key, zero byte, document id
        doc INTEGER NOT NULL,
        PRIMARY KEY (tbl, idx, cursor)
    ) STRICT, WITHOUT ROWID;
    -- Always empty: earlier releases listed here who is to be rung, and went on doing so in every copy of the file.
    CREATE TABLE doorbell (port INTEGER PRIMARY KEY) STRICT;
";

/// An opened file: the writer's connection and lock, and what the file says about itself.
pub(crate) struct Opened {
    pub(crate) writer: Connection,
    pub(crate) lock: FileLock,
    pub(crate) head: u64,
}

/// Opens or makes the file under its lock.
pub(crate) fn open(path: &Path, options: &Options) -> Result<Opened, OpenError> {
    if rusqlite::version_number() < 3_051_003 {
        return Err(OpenError::OldSqlite { found: rusqlite::version() });
    }
    let lock = lock_files(path).map_err(|error| not_writable(path, &error))?;
    match lock.acquire(options.patience) {
        Ok(true) => {}
        Ok(false) => return Err(busy(path, "another process keeps it locked".to_owned())),
        Err(error) => return Err(not_writable(path, &error)),
    }
    let opened = prepare(path, options);
    lock.release();
    let (writer, head) = opened?;
    Ok(Opened { writer, lock, head })
}

fn lock_files(path: &Path) -> io::Result<FileLock> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let file = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        OpenOptions::new().create(true).truncate(false).write(true).mode(PRIVATE).open(name)
    };
    let lock = FileLock::new(file(".lock")?, file(".next")?)?;
    // What SQLite makes beside it gets the same rights. If it cannot be made, SQLite says why.
    let _ = file("");
    Ok(lock)
}

fn prepare(path: &Path, options: &Options) -> Result<(Connection, u64), OpenError> {
    check_magic(path)?;
    let db = connect(path)?;
    let failed = |error: rusqlite::Error| sort(path, &error);
    // Before anything is changed: the file may not be ours.
    let empty = identify(path, &db)?;
    let journal: String = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(failed)?;
    if journal != "wal" {
        return Err(OpenError::NotWritable { path: path.to_owned(), why: format!("journal mode {journal}") });
    }
    db.pragma_update(None, "journal_size_limit", options.log_bytes.cast_signed()).map_err(failed)?;
    if empty {
        create(&db).map_err(failed)?;
    }
    if let Some(bytes) = options.max_bytes {
        let page: u32 = db.query_row("PRAGMA page_size", [], |row| row.get(0)).map_err(failed)?;
        let pages = (bytes / u64::from(page)).clamp(1, u64::from(u32::MAX)) as u32;
        db.pragma_update(None, "max_page_count", pages).map_err(failed)?;
    }
    check_pages(path, &db)?;
    // Nothing in a store names a process, a port or a path. Looked at first: a full disk can still be read.
    let listed: bool = db.query_row("SELECT EXISTS (SELECT 1 FROM doorbell)", [], |row| row.get(0)).map_err(failed)?;
    if listed {
        db.execute("DELETE FROM doorbell", []).map_err(failed)?;
    }
    let head: i64 =
        db.query_row("SELECT coalesce(max(position), 0) FROM event", [], |row| row.get(0)).map_err(failed)?;
    Ok((db, head.cast_unsigned()))
}

/// A connection as every thread uses it.
pub(crate) fn connect(path: &Path) -> Result<Connection, OpenError> {
    // Not SQLITE_OPEN_URI: a path is a path, also one that starts with `file:`.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let db = Connection::open_with_flags(path, flags)?;
        // Only for recovery after a crash and for strangers such as a backup: instances use the lock file.
        db.busy_timeout(Duration::from_secs(1))?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "cell_size_check", true)?;
        db.pragma_update(None, "trusted_schema", false)?;
        db.pragma_update(None, "temp_store", "MEMORY")?;
        // Plans must not depend on bound values: otherwise SQLite prepares statements anew each time one is bound.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        db.set_prepared_statement_cache_capacity(128);
        Ok(db)
    };
    open().map_err(|error| sort(path, &error))
}

/// A connection of a reading thread.
pub(crate) fn connect_reader(path: &Path) -> Result<Connection, OpenError> {
    let db = connect(path)?;
    // Opened for writing all the same, because a reader may have to rebuild the shared memory after a crash.
    db.pragma_update(None, "query_only", true).map_err(|error| sort(path, &error))?;
    Ok(db)
}

/// SQLite would take an empty or very short file for a new one, and read some overwritten ones from the WAL.
fn check_magic(path: &Path) -> Result<(), OpenError> {
    let mut start = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(16).read_to_end(&mut start).map_err(|error| not_writable(path, &error))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(not_writable(path, &error)),
    };
    if start.is_empty() || start == b"SQLite format 3\0" {
        return Ok(());
    }
    Err(OpenError::Damaged { path: path.to_owned(), why: "it does not start like a SQLite database".to_owned() })
}

/// Whether the database is empty; otherwise it must be ours, in a schema we know.
fn identify(path: &Path, db: &Connection) -> Result<bool, OpenError> {
    let failed = |error: rusqlite::Error| sort(path, &error);
    let application: i32 = db.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(failed)?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if application == 0 && tables == 0 {
        return Ok(true);
    }
    if application.cast_unsigned() != APPLICATION {
        return Err(OpenError::Foreign { path: path.to_owned(), found: application.cast_unsigned() });
    }
    let found = db.query_row("SELECT value FROM meta WHERE key = 'schema'", [], |row| row.get(0)).map_err(failed)?;
    if found > SCHEMA {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: SCHEMA });
    }
    Ok(false)
}

fn create(db: &Connection) -> rusqlite::Result<()> {
    let make = format!(
        "BEGIN IMMEDIATE; {TABLES}
         INSERT INTO meta VALUES ('schema', {SCHEMA}), ('bell', randomblob(16)); -- read by earlier releases
         PRAGMA application_id = {APPLICATION};
         COMMIT;"
    );
    let made = db.execute_batch(&make);
    if made.is_err() && !db.is_autocommit() {
        db.execute_batch("ROLLBACK")?;
    }
    made
}

/// Looks at every page of a small file, and at both ends of every table of a large one.
fn check_pages(path: &Path, db: &Connection) -> Result<(), OpenError> {
    let damaged = |why: String| OpenError::Damaged { path: path.to_owned(), why };
    let failed = |error: rusqlite::Error| sort(path, &error);
    let size = std::fs::metadata(path).map_err(|error| not_writable(path, &error))?.len();
    if size <= CHECK_WHOLE {
        let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
        return if found == "ok" { Ok(()) } else { Err(damaged(found.replace('\n', " "))) };
    }
    for (table, key) in
        [("event", "position"), ("tag", "tag"), ("fact", "position"), ("doc", "number"), ("doc_index", "tbl")]
    {
        for direction in ["ASC", "DESC"] {
            let ends = format!("SELECT 1 FROM {table} ORDER BY {key} {direction} LIMIT 1");
            db.execute_batch(&ends).map_err(failed)?;
        }
    }
    Ok(())
}

fn busy(path: &Path, why: String) -> OpenError {
    OpenError::Busy { path: path.to_owned(), why }
}

fn not_writable(path: &Path, error: &io::Error) -> OpenError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => busy(path, error.to_string()),
        _ => OpenError::NotWritable { path: path.to_owned(), why: error.to_string() },
    }
}

fn sort(path: &Path, error: &rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    let why = error.to_string().replace('\n', " ");
    match error.sqlite_error_code() {
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            OpenError::NotWritable { path, why }
        }
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::OutOfMemory
            | ErrorCode::SystemIoFailure,
        ) => OpenError::Busy { path, why },
        _ => OpenError::Damaged { path, why },
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::{OptionalExtension as _, StatementStatus};

    use super::*;

    #[test]
    fn a_statement_is_not_prepared_anew_for_each_value() {
        let folder = tempfile::tempdir().unwrap();
        let db = open(&folder.path().join("store.db"), &Options::default()).unwrap().writer;
        let ordered = [
            "SELECT version FROM event WHERE stream = ?1 ORDER BY version DESC LIMIT 1",
            "SELECT facts FROM fact WHERE position > ?1 ORDER BY position LIMIT 1",
        ];
        for sql in ordered {
            for value in ["a", "b", "c"] {
                db.prepare_cached(sql).unwrap().query_row([value], |_| Ok(())).optional().unwrap();
            }
            assert_eq!(db.prepare_cached(sql).unwrap().get_status(StatementStatus::RePrepare), 0, "{sql}");
        }
    }
}
