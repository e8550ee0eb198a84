//! The writer: one thread that turns whatever is queued into one durable transaction after another.

use std::{io, path::PathBuf, sync::Arc, thread, thread::JoinHandle, time::Instant};

use bongsu_runtime::ports::store::{Commit, StoreError, Verdict};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{
    apply, doorbell::Doorbell, file_lock::FileLock, options::Options, options::Tally, presence::Presence, query,
    store::Shared, trouble::Trouble,
};

/// Work for the writer, with where the answer goes.
pub(crate) enum Job {
    Commit(Commit, Reply<Verdict>),
    Drop(String, Reply<()>),
    /// Writes the file anew and empties its log, after the transaction it is in.
    Scrub(Reply<()>),
}

pub(crate) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the transaction made of a job.
enum Outcome {
    Judged(Verdict),
    Dropped,
    /// Whether the log was emptied is known after the transaction.
    Scrubbed(bool),
}

/// What the writing thread owns.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    db: Connection,
    lock: FileLock,
    bell: Option<Doorbell>,
    options: Options,
    /// `None`: nobody can tell whether the file is still there.
    presence: Option<Presence>,
    /// The write-ahead log, and the size at which to empty it.
    log: PathBuf,
    log_bound: u64,
    /// Whether the last group failed, so that each trouble is reported once.
    troubled: bool,
}

/// Starts the writing thread.
///
/// The thread gives its connection back, so that it can be closed last: only the last one to close tidies the
/// log away.
pub(crate) fn start(mut writer: Writer) -> io::Result<JoinHandle<Connection>> {
    thread::Builder::new().name("store-write".to_owned()).spawn(move || {
        let _end = EndOfWriting(Arc::clone(&writer.shared));
        while let Some(job) = writer.shared.jobs.next() {
            if let Err(line) = writer.group(vec![job]) {
                (writer.options.fatal)(&line);
                return writer.db;
            }
        }
        // Only a courtesy: who rings a closed door notices.
        writer.bell.iter().for_each(Doorbell::leave);
        writer.db
    })
}

/// Answers what is left when the thread ends, also by a panic: no caller waits for ever.
struct EndOfWriting(Arc<Shared>);

impl Drop for EndOfWriting {
    fn drop(&mut self) {
        self.0.jobs.close();
        for job in self.0.jobs.take(usize::MAX) {
            job.fail(StoreError::Unavailable("the store is closed".to_owned()));
        }
    }
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        db: Connection,
        lock: FileLock,
        bell: Option<Doorbell>,
        options: Options,
    ) -> Self {
        let mut log = shared.path.clone().into_os_string();
        log.push("-wal");
        let log_bound = options.log_bytes;
        let presence = Presence::of(&shared.path).ok();
        Self { shared, db, lock, bell, options, presence, log: log.into(), log_bound, troubled: false }
    }

    /// One turn at the file. Err: the outcome of a COMMIT is unknown and the process must end.
    fn group(&mut self, mut jobs: Vec<Job>) -> Result<(), String> {
        if self.presence.as_ref().is_some_and(Presence::is_removed) {
            self.shared.damage("its file was removed while it was open");
        }
        if let Some(why) = self.shared.damaged.get() {
            jobs.into_iter().for_each(|job| job.fail(StoreError::Corrupt(why.clone())));
            return Ok(());
        }
        if let Err(why) = self.acquire() {
            // All that wait by now, so that nobody waits for a second turn of patience.
            jobs.extend(self.shared.jobs.take(usize::MAX));
            self.unavailable(jobs, &why);
            return Ok(());
        }
        let outcome = self.transaction(&mut jobs, true);
        let settled = match outcome {
            Err(Trouble::Content(_)) if jobs.len() > 1 => self.one_by_one(jobs),
            outcome => {
                let outcome = outcome.map(|answers| self.scrubbed(answers));
                self.bound_log();
                self.lock.release();
                return self.settle(jobs, outcome);
            }
        };
        self.lock.release();
        settled
    }

    /// A transaction for each, so that only the one that cannot be stored is refused.
    fn one_by_one(&mut self, jobs: Vec<Job>) -> Result<(), String> {
        Tally::add(&self.shared.tally.replays, 1);
        let mut jobs = jobs.into_iter();
        for job in &mut jobs {
            let mut alone = vec![job];
            let outcome = self.transaction(&mut alone, false).map(|answers| self.scrubbed(answers));
            if let Err(line) = self.settle(alone, outcome) {
                let why = || StoreError::Unavailable("the store has stopped".to_owned());
                jobs.for_each(|job| job.fail(why()));
                return Err(line);
            }
        }
        Ok(())
    }

    /// Rids the file of what was deleted if that was asked for, and notes whether it could be.
    fn scrubbed(&self, mut answers: Vec<Outcome>) -> Vec<Outcome> {
        if answers.iter().any(|answer| matches!(answer, Outcome::Scrubbed(_))) {
            let is_clean = self.compact() && self.empty_log();
            for answer in answers.iter_mut().filter(|answer| matches!(answer, Outcome::Scrubbed(_))) {
                *answer = Outcome::Scrubbed(is_clean);
            }
        }
        answers
    }

    /// Writes the file anew, from what is in it. Not `secure_delete`: that overwrites a row where it was deleted, but not the
    /// copies of it that were left behind where pages were split before, and every write would pay for it.
    fn compact(&self) -> bool {
        // On disk: the copy is as large as the file.
        let done = self.db.execute_batch("PRAGMA temp_store = FILE; VACUUM");
        let back = self.db.execute_batch("PRAGMA temp_store = MEMORY");
        if let Err(why) = &done {
            tracing::warn!(store = %self.shared.path.display(), %why, "what was deleted is still in the file");
        }
        done.is_ok() && back.is_ok()
    }

    /// Waits for the readers of old pages; those that begin now read the file itself. `false` when one of them took too long.
    fn empty_log(&self) -> bool {
        let busy: rusqlite::Result<i64> = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        busy.is_ok_and(|busy| busy == 0)
    }

    /// Empties the log when it has grown too long, which happens only while readers never pause.
    fn bound_log(&mut self) {
        let log = std::fs::metadata(&self.log).map_or(0, |log| log.len());
        if log <= self.log_bound {
            return;
        }
        // A reader that is stopped would be waited for in vain each time, so the next attempt comes after as much again.
        self.log_bound = if self.empty_log() { self.options.log_bytes } else { log + self.options.log_bytes };
    }

    #[expect(clippy::disallowed_methods, reason = "measures a real lock; nothing is decided on it")]
    fn acquire(&self) -> Result<(), String> {
        let since = Instant::now();
        let got = self.lock.acquire(self.options.patience);
        self.shared.tally.waited(since.elapsed());
        match got {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("another process kept {} locked", self.shared.path.display())),
            Err(error) => Err(format!("the lock of {} failed: {error}", self.shared.path.display())),
        }
    }

    /// Applies the jobs, and whatever is queued meanwhile when it may grow, in one transaction.
    fn transaction(&mut self, jobs: &mut Vec<Job>, grow: bool) -> Result<Vec<Outcome>, Trouble> {
        let applied = self.apply_all(jobs, grow).map_err(|error| Trouble::before_commit(&error));
        let outcome = applied.and_then(|answers| match self.execute("COMMIT") {
            Ok(()) => Ok(answers),
            Err(error) => Err(Trouble::of_commit(&error)),
        });
        if outcome.is_err() && !self.db.is_autocommit() {
            // A rollback cannot fail on what it undoes; what is left of it ends with the connection.
            let _ = self.execute("ROLLBACK");
        }
        outcome
    }

    fn apply_all(&mut self, jobs: &mut Vec<Job>, grow: bool) -> rusqlite::Result<Vec<Outcome>> {
        self.execute("BEGIN IMMEDIATE")?;
        let mut answers = Vec::with_capacity(jobs.len());
        loop {
            for job in &jobs[answers.len()..] {
                answers.push(job.apply(&self.db)?);
            }
            if !grow || jobs.len() >= self.options.group {
                break;
            }
            let more = self.shared.jobs.take(self.options.group - jobs.len());
            if more.is_empty() {
                break;
            }
            jobs.extend(more);
        }
        Ok(answers)
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.db.prepare_cached(sql)?.execute([]).map(|_| ())
    }

    /// Answers everyone in the group, then wakes who waits for a change.
    fn settle(&mut self, jobs: Vec<Job>, outcome: Result<Vec<Outcome>, Trouble>) -> Result<(), String> {
        match outcome {
            Ok(answers) => {
                self.acknowledge(jobs, answers);
                Ok(())
            }
            Err(Trouble::Content(why)) => {
                tracing::error!(store = %self.shared.path.display(), why, "a commit cannot be stored");
                jobs.into_iter().for_each(|job| job.fail(StoreError::Invalid(why.clone())));
                Ok(())
            }
            Err(Trouble::Unavailable(why)) => {
                self.unavailable(jobs, &why);
                Ok(())
            }
            Err(Trouble::Corrupt(why)) => {
                self.shared.damage(&why);
                jobs.into_iter().for_each(|job| job.fail(StoreError::Corrupt(why.clone())));
                Ok(())
            }
            Err(Trouble::Unknown(why)) => {
                jobs.into_iter().for_each(|job| job.fail(StoreError::Unknown(why.clone())));
                Err(format!("{}: the outcome of a commit is unknown, stopping: {why}", self.shared.path.display()))
            }
        }
    }

    fn acknowledge(&mut self, jobs: Vec<Job>, answers: Vec<Outcome>) {
        let tally = &self.shared.tally;
        Tally::add(&tally.groups, 1);
        Tally::add(&tally.commits, jobs.len() as u64);
        let refused = answers.iter().filter(|answer| matches!(answer, Outcome::Judged(Verdict::Refused(_)))).count();
        Tally::add(&tally.refused, refused as u64);
        if std::mem::take(&mut self.troubled) {
            tracing::info!(store = %self.shared.path.display(), "the store is available again");
        }
        // Before anyone is told, so that what is awaited next does not wait.
        let head = query::head(&self.db).unwrap_or_default();
        self.shared.reached(head);
        let changed = jobs.iter().any(Job::writes) && refused < jobs.len();
        for (job, answer) in jobs.into_iter().zip(answers) {
            job.answer(answer);
        }
        if changed {
            self.shared.news.notify_waiters();
            if let Some(bell) = &self.bell {
                bell.ring(head.0);
            }
        }
    }

    fn unavailable(&mut self, jobs: Vec<Job>, why: &str) {
        if !std::mem::replace(&mut self.troubled, true) {
            tracing::error!(store = %self.shared.path.display(), why, "the store is unavailable");
        }
        Tally::add(&self.shared.tally.unavailable, jobs.len() as u64);
        jobs.into_iter().for_each(|job| job.fail(StoreError::Unavailable(why.to_owned())));
    }
}

impl Job {
    fn apply(&self, db: &Connection) -> rusqlite::Result<Outcome> {
        match self {
            Self::Commit(commit, _) => apply::apply(db, commit).map(Outcome::Judged),
            Self::Drop(table, _) => apply::drop_table(db, table).map(|()| Outcome::Dropped),
            Self::Scrub(_) => Ok(Outcome::Scrubbed(false)),
        }
    }

    fn writes(&self) -> bool {
        match self {
            Self::Commit(commit, _) => !commit.events.is_empty() || !commit.docs.is_empty(),
            Self::Drop(..) => true,
            Self::Scrub(_) => false,
        }
    }

    fn answer(self, answer: Outcome) {
        // Callers that went away are not cancelled and not missed.
        match (self, answer) {
            (Self::Commit(_, reply), Outcome::Judged(verdict)) => drop(reply.send(Ok(verdict))),
            (Self::Drop(_, reply), Outcome::Dropped) => drop(reply.send(Ok(()))),
            (Self::Scrub(reply), Outcome::Scrubbed(true)) => drop(reply.send(Ok(()))),
            (job, Outcome::Scrubbed(_)) => {
                job.fail(StoreError::Unavailable("the files still hold what was deleted".to_owned()))
            }
            (job, _) => job.fail(StoreError::Unknown("answers were mixed up".to_owned())),
        }
    }

    fn fail(self, error: StoreError) {
        match self {
            Self::Commit(_, reply) => drop(reply.send(Err(error))),
            Self::Drop(_, reply) | Self::Scrub(reply) => drop(reply.send(Err(error))),
        }
    }
}
