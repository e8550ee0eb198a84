//! The one writer: a thread that commits what many ask for in one transaction, then answers all of them.

use std::{fs::File, path::PathBuf, sync::Arc, thread};

use bongsu_runtime::ports::broker::{BrokerError, History, Topic};
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::{
    error::ServerError,
    file::{self, Opened},
    index::Index,
    log::{Batch, Failed, Known, Touched},
};
use crate::wire::Taken;

/// Jobs waiting for the writer.
const QUEUE: usize = 1_024;
/// Jobs in one transaction.
const GROUP: usize = 256;
/// SQLite's extended code for a WAL index that could not grow (`SQLITE_IOERR_SHMSIZE`): a full disk, too.
const SHM_SIZE: i32 = 4_874;

/// Something to do and who wants to know.
pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) tell: oneshot::Sender<Outcome>,
    /// For the memory the job takes, until it is done.
    pub(crate) _memory: Option<OwnedSemaphorePermit>,
}

/// What the writer can do.
pub(crate) enum Work {
    Ensure(Topic),
    Append(Batch),
    TakeUp {
        service: String,
        epoch: u64,
        history: History,
    },
    Expire,
    /// To know that what was asked for before is done.
    Nothing,
}

/// What a job comes to; durable when told.
pub(crate) type Outcome = Result<Taken, BrokerError>;

/// The writer as its owner sees it.
pub(crate) struct Writer {
    failure: oneshot::Receiver<ServerError>,
    thread: thread::JoinHandle<()>,
}

/// The writer as its thread sees it.
struct Scribe {
    db: Connection,
    known: Known,
    index: Arc<Index>,
    again: mpsc::WeakSender<Job>,
    /// `None`: nobody can tell whether the file is still there.
    presence: Option<File>,
    /// Given back after the connection is closed.
    _lock: File,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(opened: Opened) -> Result<(Self, mpsc::Sender<Job>, Arc<Index>), ServerError> {
        let Opened { path, connection: db, lock } = opened;
        let mut known = Known::load(&db).map_err(|error| file::name(&path, &error))?;
        let index = Arc::new(Index::new(known.log));
        index.learn(known.producers.take_changed());
        known.topics.values().for_each(|topic| index.add(topic.show()));
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (fail, failure) = oneshot::channel();
        let presence = file::presence(&path);
        let again = jobs.downgrade();
        let scribe = Scribe { db, known, index: Arc::clone(&index), again, presence, _lock: lock };
        let thread = spawn(path, move || {
            if let Err(error) = scribe.work(queue) {
                // Nobody listens only when the server is gone already.
                let _ = fail.send(error);
            }
        })?;
        Ok((Self { failure, thread }, jobs, index))
    }

    /// Resolves when the writer had to give up.
    pub(crate) async fn ended(&mut self) -> ServerError {
        (&mut self.failure).await.unwrap_or_else(|_| ServerError::Writing("the writer is gone".into()))
    }

    /// Waits until everything queued is written and the file is closed; all senders of jobs must be gone.
    pub(crate) async fn finished(self) -> Result<(), ServerError> {
        let Self { failure, thread } = self;
        let outcome = failure.await.map_or(Ok(()), Err);
        // The thread dropped its end of the channel as the last thing it did: this does not block.
        let _ = thread.join();
        outcome
    }
}

impl Scribe {
    fn work(mut self, mut queue: mpsc::Receiver<Job>) -> Result<(), ServerError> {
        let mut group = Vec::with_capacity(GROUP);
        while let Some(first) = queue.blocking_recv() {
            group.push(first);
            while group.len() < GROUP
                && let Ok(next) = queue.try_recv()
            {
                group.push(next);
            }
            self.commit(&mut group)?;
        }
        // Best effort: without it the next start reads the WAL.
        let _ = self.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        Ok(())
    }

    /// One transaction for all. A refused job wrote nothing, so it stays in the group without harm.
    fn commit(&mut self, group: &mut Vec<Job>) -> Result<(), ServerError> {
        if self.presence.as_ref().is_some_and(file::is_removed) {
            return Err(ServerError::Writing("the file was removed while it was open".to_owned()));
        }
        let mut touched = Touched::new();
        let answers = match self.apply(group, &mut touched) {
            Ok(answers) => answers,
            Err(error) => {
                self.undo(&error)?;
                let full = BrokerError::Unavailable(format!("nothing can be written: {error}"));
                group.iter().map(|_| Err(full.clone())).collect()
            }
        };
        self.show(&touched);
        for (job, answer) in group.drain(..).zip(answers) {
            // Whoever asked may be gone.
            let _ = job.tell.send(answer);
        }
        Ok(())
    }

    fn apply(&mut self, group: &[Job], touched: &mut Touched) -> rusqlite::Result<Vec<Outcome>> {
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        // SQLite's clock, read where it is used: the machine's wall clock.
        let now_ms = self.db.query_row("SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)", [], |row| row.get(0))?;
        let mut answers = Vec::with_capacity(group.len());
        for job in group {
            answers.push(match self.one(&job.work, now_ms, touched) {
                Ok(taken) => Ok(taken),
                Err(Failed::Refused(why)) => Err(why),
                Err(Failed::Broken(error)) => return Err(error),
            });
        }
        self.known.weigh(&self.db, touched)?;
        self.db.execute_batch("COMMIT")?;
        Ok(answers)
    }

    fn one(&mut self, work: &Work, now_ms: i64, touched: &mut Touched) -> Result<Taken, Failed> {
        match work {
            Work::Ensure(topic) => self.known.ensure(&self.db, topic),
            Work::Nothing => Ok(Taken::default()),
            Work::Append(batch) => self.known.append(&self.db, batch, now_ms, touched),
            Work::TakeUp { service, epoch, history } => {
                self.known.producers.take_up(&self.db, service, *epoch, history)?;
                Ok(Taken::default())
            }
            Work::Expire => {
                if self.known.expire(&self.db, now_ms, touched)?
                    && let Some(again) = self.again.upgrade()
                {
                    let (tell, _) = oneshot::channel();
                    // A full queue is no loss: the next tick asks again.
                    let _ = again.try_send(Job { work: Work::Expire, tell, _memory: None });
                }
                Ok(Taken::default())
            }
        }
    }

    /// Goes back to what is durable. A full disk may pass; after any other failure nothing is certain (a
    /// failed fsync must not be tried again), so the process ends and a new one reads what is there.
    fn undo(&mut self, error: &rusqlite::Error) -> Result<(), ServerError> {
        let passes = match error {
            rusqlite::Error::SqliteFailure(error, _) => {
                matches!(error.code, ErrorCode::DiskFull | ErrorCode::DatabaseBusy) || error.extended_code == SHM_SIZE
            }
            _ => false,
        };
        if !passes {
            return Err(ServerError::Writing(error.to_string()));
        }
        tracing::error!(reason = %error, "a group of writes was undone");
        if !self.db.is_autocommit() {
            self.db.execute_batch("ROLLBACK").map_err(|error| ServerError::Writing(error.to_string()))?;
        }
        self.known = Known::load(&self.db).map_err(|error| ServerError::Writing(error.to_string()))?;
        Ok(())
    }

    /// Lets readers see what is durable, and wakes those who wait.
    fn show(&mut self, touched: &Touched) {
        self.index.learn(self.known.producers.take_changed());
        for topic in self.known.topics.values() {
            let Ok(shown) = self.index.topic(&topic.topic.name) else {
                self.index.add(topic.show());
                continue;
            };
            shown.set_retention((topic.topic.retention_ms, topic.topic.retention_bytes));
            let bounds = (0..).zip(topic.bounds.iter().zip(&shown.bounds));
            for (_, ((earliest, end), bound)) in bounds.filter(|(index, _)| touched.contains(&(topic.id, *index))) {
                bound.set_end(*end);
                bound.set_earliest(*earliest);
            }
        }
        if !touched.is_empty() {
            self.index.ring();
        }
    }
}

fn spawn(path: PathBuf, work: impl FnOnce() + Send + 'static) -> Result<thread::JoinHandle<()>, ServerError> {
    let thread = thread::Builder::new().name("broker-writer".into()).spawn(work);
    thread.map_err(|error| ServerError::Unusable { path, why: error.to_string() })
}
