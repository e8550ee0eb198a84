//! A file to try things on, short words for Commits, and this binary as another process.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use bongsu_runtime::ports::store::{
    Commit, CommitId, Doc, DocBody, DocKey, DocWrite, NewEvent, Position, Read, Store, StoreError, StoredEvent, Verdict,
};
use bongsu_sqlite::{Options, SqliteStore};
use bytes::Bytes;
use futures::executor::block_on;

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a store's file in it, deleted at the end.
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.path().join("store.db")
    }

    pub(crate) fn open(&self) -> SqliteStore {
        self.open_with(Options::default())
    }

    pub(crate) fn open_with(&self, options: Options) -> SqliteStore {
        SqliteStore::open(self.file(), options).unwrap()
    }

    /// The file as any other program sees it.
    pub(crate) fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file()).unwrap()
    }

    /// The sockets of the instances that have it open.
    pub(crate) fn bells(&self) -> Vec<PathBuf> {
        let folder = self.0.path().join("store.bells");
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    /// Keeps the file locked as another process that is writing does, until it is dropped.
    pub(crate) fn keep_locked(&self) -> std::fs::File {
        let lock = std::fs::File::create(self.0.path().join("store.db.lock")).unwrap();
        lock.lock().unwrap();
        lock
    }
}

/// The folder's name for a path given as an argument.
pub(crate) fn open_at(path: &Path) -> SqliteStore {
    SqliteStore::open(path, Options::default()).unwrap()
}

pub(crate) fn put(id: u128, key: &str, data: impl Into<Bytes>) -> Commit {
    let mut commit = Commit::new(CommitId(id));
    let put = Some(DocBody { data: data.into(), index: Vec::new() });
    commit.docs.push(DocWrite { key: DocKey::new("t", key), put });
    commit
}

pub(crate) fn event(stream: &str, version: u64) -> NewEvent {
    NewEvent {
        stream: stream.to_owned(),
        version,
        name: "counter.counted",
        schema: 1,
        data: Bytes::from(vec![b'x'; 300]),
        meta: Bytes::new(),
        facts: Vec::new(),
    }
}

pub(crate) fn done(store: &SqliteStore, commit: Commit) {
    assert_eq!(block_on(store.commit(commit)), Ok(Verdict::Done));
}

pub(crate) fn get(store: &SqliteStore, key: &str) -> Result<Option<Doc>, StoreError> {
    block_on(store.docs(vec![DocKey::new("t", key)])).map(|mut found| found.remove(0))
}

pub(crate) fn stream(store: &SqliteStore, stream: &str) -> Vec<StoredEvent> {
    block_on(store.read(Read::Stream { stream: stream.to_owned(), after: 0 }, u32::MAX)).unwrap()
}

pub(crate) fn feed(store: &SqliteStore) -> Vec<StoredEvent> {
    block_on(store.read(Read::Feed { after: Position(0) }, u32::MAX)).unwrap()
}

/// How long something took.
#[expect(clippy::disallowed_methods, reason = "tests of a real adapter run in real time")]
pub(crate) fn timed<T>(what: impl FnOnce() -> T) -> (T, Duration) {
    let since = Instant::now();
    let made = what();
    (made, since.elapsed())
}

/// Asks until it is so.
#[expect(clippy::disallowed_methods, reason = "tests of a real adapter run in real time")]
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !so() {
        assert!(since.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// This binary again, running the ignored test of that name with an argument.
pub(crate) fn this_binary(role: &str, argument: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([role, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(ARGUMENT, argument).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a role started by [`this_binary`] was given.
pub(crate) fn argument() -> PathBuf {
    PathBuf::from(std::env::var_os(ARGUMENT).expect("started by another test"))
}

const ARGUMENT: &str = "BONGSU_SQLITE_TEST_FILE";
