//! Threads that read, each with its own connection, so that no async caller ever waits inside SQLite.

use std::{io, sync::Arc, thread, thread::JoinHandle};

use bongsu_runtime::ports::store::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{
    options::Tally,
    queue::{Queue, Refused},
    store::Shared,
    trouble,
};

/// A read that waits for a thread.
pub(crate) type Job = Box<dyn FnOnce(&Shared, &Connection) + Send>;

/// Reads that may wait.
pub(crate) const QUEUE: usize = 4_096;

/// Starts a reading thread.
pub(crate) fn start(shared: Arc<Shared>, db: Connection) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("store-read".to_owned()).spawn(move || {
        while let Some(job) = shared.reads.next() {
            job(&shared, &db);
        }
    })
}

/// Queues a read; the answer comes from a reading thread.
pub(crate) fn submit<T: Send + 'static>(
    shared: &Shared,
    read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> impl Future<Output = Result<T, StoreError>> + Send + 'static {
    let (reply, answer) = oneshot::channel();
    let queued = match shared.damaged.get() {
        Some(why) => Err(StoreError::Corrupt(why.clone())),
        None => push(&shared.reads, Box::new(move |shared, db| answer_read(shared, db, read, reply))),
    };
    async move {
        queued?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the store is closed".to_owned())))
    }
}

fn push(queue: &Queue<Job>, job: Job) -> Result<(), StoreError> {
    queue.push(job, 0).map_err(|refused| {
        StoreError::Unavailable(match refused {
            Refused::Full => format!("{QUEUE} reads are waiting"),
            Refused::Closed => "the store is closed".to_owned(),
        })
    })
}

fn answer_read<T>(
    shared: &Shared,
    db: &Connection,
    read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
) {
    if reply.is_closed() {
        return; // Nobody waits for it any more.
    }
    let answer = read(db).map_err(|error| trouble::of_read(&error));
    if let Err(StoreError::Corrupt(why)) = &answer {
        shared.damage(why);
    }
    Tally::add(&shared.tally.reads, 1);
    // A caller that went away meanwhile misses nothing.
    let _ = reply.send(answer);
}
