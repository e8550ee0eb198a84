//! The store as a service sees it: opens the file, starts the threads, and passes work to them.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use bongsu_runtime::{
    Metric,
    ports::{
        Fut,
        store::{Commit, Doc, DocKey, Position, Read, Scan, Store, StoreError, StoredEvent, StoredFacts, Verdict},
    },
};
use bytes::Bytes;
use tokio::sync::{Notify, oneshot};

use crate::{
    doorbell::{self, Doorbell},
    options::{Counters, Options, Tally},
    query,
    queue::{Queue, Refused},
    reader,
    schema::{self, OpenError},
    writer::{self, Job, Reply, Writer},
};

/// A Store in one SQLite file. Open it as often as there are instances; they share the file.
///
/// ```
/// use bongsu_runtime::ports::store::{Commit, CommitId, DocBody, DocKey, DocWrite, Store, Verdict};
/// use bongsu_sqlite::{Options, SqliteStore};
///
/// let folder = tempfile::tempdir()?;
/// let store = SqliteStore::open(folder.path().join("doors.db"), Options::default())?;
/// let mut commit = Commit::new(CommitId(1));
/// commit.docs.push(DocWrite { key: DocKey::new("doors", "front"), put: Some(DocBody::default()) });
/// assert_eq!(futures::executor::block_on(store.commit(commit)), Ok(Verdict::Done));
/// store.close();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SqliteStore {
    shared: Arc<Shared>,
    threads: Mutex<Threads>,
}

#[derive(Default)]
struct Threads {
    writer: Option<JoinHandle<rusqlite::Connection>>,
    others: Vec<JoinHandle<()>>,
}

/// What the threads share.
pub(crate) struct Shared {
    pub(crate) path: PathBuf,
    pub(crate) jobs: Queue<Job>,
    pub(crate) reads: Queue<reader::Job>,
    pub(crate) news: Arc<Notify>,
    pub(crate) tally: Tally,
    /// Why the file must not be touched any more.
    pub(crate) damaged: OnceLock<String>,
    /// The highest position known to be durable: a hint for [`Store::changed`].
    head: AtomicU64,
    closing: AtomicBool,
}

impl SqliteStore {
    /// Opens a file, or makes it, with its folder. Blocks for a few milliseconds: call it at start.
    ///
    /// # Errors
    /// See [`OpenError`]; each prints as one line that names the file.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let opened = schema::open(path, &options)?;
        let readers =
            (0..options.readers.max(1)).map(|_| schema::connect_reader(path)).collect::<Result<Vec<_>, _>>()?;
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            jobs: Queue::new(options.queue, options.queue_bytes),
            reads: Queue::new(reader::QUEUE, usize::MAX),
            news: Arc::new(Notify::new()),
            tally: Tally::default(),
            damaged: OnceLock::new(),
            head: AtomicU64::new(opened.head),
            closing: AtomicBool::new(false),
        });
        let store = Self { shared, threads: Mutex::default() };
        // From here on a failure drops `store`, which ends the threads that have started.
        store.start(opened, readers, options).map_err(|error| OpenError::Busy {
            path: path.to_owned(),
            why: format!("a thread or socket was refused: {error}"),
        })?;
        Ok(store)
    }

    fn start(&self, opened: schema::Opened, readers: Vec<rusqlite::Connection>, options: Options) -> io::Result<()> {
        let bell = if options.doorbell { Doorbell::bind(&self.shared.path) } else { None };
        let (bell, socket) = bell.unzip();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.others.push(doorbell::listen(Arc::clone(&self.shared), socket)?);
        for db in readers {
            threads.others.push(reader::start(Arc::clone(&self.shared), db)?);
        }
        let writer = Writer::new(Arc::clone(&self.shared), opened.writer, opened.lock, bell, options);
        threads.writer = Some(writer::start(writer)?);
        Ok(())
    }

    /// What the store has done since it was opened.
    pub fn counters(&self) -> Counters {
        self.shared.tally.counters()
    }

    /// Applies what is queued, then ends the threads and waits for them. The last one that closes a file leaves it
    /// whole: a copy of it alone is complete. Dropping the store does the same without waiting. Blocks: not for async
    /// code, which has [`Store::shut_down`].
    pub fn close(self) {
        self.shared.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        threads.join();
    }

    fn submit<T: Send + 'static>(
        &self,
        weight: usize,
        job: impl FnOnce(Reply<T>) -> Job,
    ) -> Fut<'static, Result<T, StoreError>> {
        let (reply, answer) = oneshot::channel();
        let queued = match self.shared.damaged.get() {
            Some(why) => Err(StoreError::Corrupt(why.clone())),
            None => self.shared.jobs.push(job(reply), weight).map_err(|refused| {
                StoreError::Unavailable(match refused {
                    Refused::Full => "too many commits are waiting".to_owned(),
                    Refused::Closed => "the store is closed".to_owned(),
                })
            }),
        };
        Box::pin(async move {
            queued?;
            answer.await.unwrap_or_else(|_| Err(StoreError::Unknown("the writer ended".to_owned())))
        })
    }
}

impl Threads {
    /// Waits for them. The writer's connection is closed last: only then does SQLite tidy the log away.
    fn join(self) {
        // A thread that panicked has already answered its callers.
        self.others.into_iter().for_each(|thread| drop(thread.join()));
        drop(self.writer.map(JoinHandle::join));
    }
}

impl Store for SqliteStore {
    fn commit(&self, commit: Commit) -> Fut<'static, Result<Verdict, StoreError>> {
        if let Err(invalid) = commit.check() {
            return Box::pin(std::future::ready(Err(invalid)));
        }
        self.submit(weight(&commit), |reply| Job::Commit(commit, reply))
    }

    fn read(&self, what: Read, limit: u32) -> Fut<'_, Result<Vec<StoredEvent>, StoreError>> {
        Box::pin(reader::submit(&self.shared, move |db| query::events(db, &what, limit)))
    }

    fn facts(&self, after: Position, limit: u32) -> Fut<'_, Result<Vec<StoredFacts>, StoreError>> {
        Box::pin(reader::submit(&self.shared, move |db| query::facts(db, after, limit)))
    }

    fn docs(&self, keys: Vec<DocKey>) -> Fut<'_, Result<Vec<Option<Doc>>, StoreError>> {
        Box::pin(reader::submit(&self.shared, move |db| query::docs(db, &keys)))
    }

    fn scan(&self, what: Scan) -> Fut<'_, Result<Vec<(Bytes, Doc)>, StoreError>> {
        Box::pin(reader::submit(&self.shared, move |db| query::scan(db, &what)))
    }

    fn keys(&self, what: Scan) -> Fut<'_, Result<Vec<Bytes>, StoreError>> {
        Box::pin(reader::submit(&self.shared, move |db| query::keys(db, &what)))
    }

    fn head(&self) -> Fut<'_, Result<Position, StoreError>> {
        Box::pin(reader::submit(&self.shared, query::head))
    }

    fn position_of<'a>(&'a self, stream: &'a str, version: u64) -> Fut<'a, Result<Option<Position>, StoreError>> {
        let stream = stream.to_owned();
        Box::pin(reader::submit(&self.shared, move |db| query::position_of(db, &stream, version)))
    }

    fn changed(&self, after: Position) -> Fut<'_, ()> {
        // Registered before looking, so that nothing in between is missed.
        let news = Arc::clone(&self.shared.news).notified_owned();
        if self.shared.head.load(Ordering::Acquire) > after.0 {
            return Box::pin(std::future::ready(()));
        }
        Box::pin(news)
    }

    fn metrics(&self) -> Vec<Metric> {
        self.shared.tally.metrics(self.shared.jobs.len(), self.shared.reads.len())
    }

    fn drop_table<'a>(&'a self, table: &'a str) -> Fut<'a, Result<(), StoreError>> {
        let table = table.to_owned();
        self.submit(0, |reply| Job::Drop(table, reply))
    }

    fn scrub(&self) -> Fut<'_, Result<(), StoreError>> {
        self.submit(0, Job::Scrub)
    }

    fn shut_down(&self) -> Fut<'_, ()> {
        self.shared.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let (done, ended) = oneshot::channel();
        let join = std::thread::Builder::new().name("store-end".to_owned()).spawn(move || {
            threads.join();
            // Whoever waited may have given up.
            let _ = done.send(());
        });
        Box::pin(async move {
            // Without a thread to wait in they end all the same.
            if join.is_ok() {
                let _ = ended.await;
            }
        })
    }
}

impl Shared {
    /// Notes a position that is durable.
    pub(crate) fn reached(&self, head: Position) {
        self.head.fetch_max(head.0, Ordering::Release);
    }

    /// Stops everything: a damaged file is touched no more.
    pub(crate) fn damage(&self, why: &str) {
        if self.damaged.set(why.to_owned()).is_ok() {
            tracing::error!(store = %self.path.display(), why, "the store is damaged");
        }
    }

    pub(crate) fn closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.jobs.close();
        self.reads.close();
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // Does not wait: this may be an async task.
        self.shared.close();
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqliteStore({})", self.shared.path.display())
    }
}

/// Bytes a Commit keeps in memory while it waits.
fn weight(commit: &Commit) -> usize {
    let events = commit.events.iter().map(|event| {
        event.data.len() + event.meta.len() + event.facts.iter().map(|fact| fact.cloudevent.len()).sum::<usize>()
    });
    let docs = commit.docs.iter().filter_map(|write| write.put.as_ref()).map(|body| body.data.len());
    events.sum::<usize>() + docs.sum::<usize>()
}
