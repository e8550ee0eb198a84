//! Whole files: what a copy of a database needs, whoever wrote it and whether or not somebody still writes.
//!
//! A database in WAL mode is two files, and a copy of one of them is an older database that opens without a word. So a
//! stopped system is left with everything in the one file ([`make_whole`]), and a running one is copied from a
//! [`Snapshot`], which is one moment of it however long the copying takes.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};

/// How long to wait for another program that has the file for itself.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pages copied at a time.
const PAGES: i32 = 1_024;

/// Why a file cannot be made whole or copied; one line that names it.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct FileError {
    path: PathBuf,
    why: String,
}

/// One moment of a database, kept as long as this lives. Writers go on meanwhile; their log grows until it is dropped.
pub struct Snapshot {
    path: PathBuf,
    db: Connection,
}

/// Writes what is in the log back into the file and empties the log. Does nothing to a file that is no database.
///
/// # Errors
/// [`FileError`], also while somebody reads or writes the file.
pub fn make_whole(path: &Path) -> Result<(), FileError> {
    let failed = |error: rusqlite::Error| FileError::of(path, error);
    if !is_database(path).map_err(|error| FileError::of(path, error))? {
        return Ok(());
    }
    let db = connect(path)?;
    let busy: i64 = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(failed)?;
    if busy != 0 {
        return Err(FileError::of(path, "somebody still uses it"));
    }
    // The last connection that is closed takes the empty log away.
    db.close().map_err(|(_, error)| failed(error))
}

impl Snapshot {
    /// Opens the moment that is now.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let failed = |error: rusqlite::Error| FileError::of(path, error);
        if !is_database(path).map_err(|error| FileError::of(path, error))? {
            return Err(FileError::of(path, "is no SQLite database"));
        }
        let db = connect(path)?;
        // BEGIN alone begins nothing; the first read does.
        db.execute_batch("BEGIN").map_err(failed)?;
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(failed)?;
        Ok(Self { path: path.to_owned(), db })
    }

    /// The position of the last event, when it is a store.
    pub fn head(&self) -> Option<u64> {
        let head = self.db.query_row("SELECT coalesce(max(position), 0) FROM event", [], |row| row.get::<_, i64>(0));
        head.ok().and_then(|head| u64::try_from(head).ok())
    }

    /// Copies that moment to a new file, checks every page of the copy and has it on the disk when it returns.
    ///
    /// # Errors
    /// [`FileError`]; then the new file is of no use.
    pub fn copy_to(&self, path: &Path) -> Result<(), FileError> {
        let failed = |error: rusqlite::Error| FileError::of(path, error);
        let io_failed = |error: io::Error| FileError::of(path, error);
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(io_failed)?;
        let mut copy = connect(path)?;
        let backup = Backup::new(&self.db, &mut copy).map_err(|error| FileError::of(&self.path, error))?;
        loop {
            match backup.step(PAGES).map_err(failed)? {
                StepResult::Done => break,
                StepResult::More => {}
                _ => std::thread::park_timeout(Duration::from_millis(10)),
            }
        }
        drop(backup);
        let found: String = copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
        if found != "ok" {
            return Err(FileError::of(path, format!("the copy is damaged: {}", found.replace('\n', " "))));
        }
        copy.close().map_err(|(_, error)| failed(error))?;
        make_whole(path)?;
        File::open(path).and_then(|file| file.sync_all()).map_err(io_failed)
    }
}

impl FileError {
    fn of(path: &Path, why: impl ToString) -> Self {
        Self { path: path.to_owned(), why: why.to_string() }
    }
}

fn connect(path: &Path) -> Result<Connection, FileError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let db = Connection::open_with_flags(path, flags)?;
        db.busy_timeout(PATIENCE)?;
        db.pragma_update(None, "synchronous", "FULL")?;
        Ok(db)
    };
    open().map_err(|error: rusqlite::Error| FileError::of(path, error))
}

/// SQLite would take any empty file for a database, and make one of it.
fn is_database(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(File::open(path)?, 16), &mut start)?;
    Ok(start == b"SQLite format 3\0")
}
