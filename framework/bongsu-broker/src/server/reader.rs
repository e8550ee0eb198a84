//! Reading messages: a few read-only connections, each used by one request at a time.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use bongsu_runtime::ports::broker::BrokerError;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{
    answer::{FetchAnswer, Message},
    error::ServerError,
    file::{self, Opened},
    index::Indexed,
    log::first_row,
};

/// Reads at a time. SQLite reads from the page cache mostly; two keep both cores of a laptop busy.
const READERS: usize = 2;

/// The connections.
pub(crate) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    turns: Semaphore,
    path: PathBuf,
    /// Which of the wanted partitions an answer starts with, so that a long backlog in one starves no other.
    first: AtomicUsize,
}

/// A partition with something to read.
#[derive(Clone)]
pub(crate) struct Span {
    pub(crate) topic: Arc<Indexed>,
    pub(crate) index: u32,
    pub(crate) from: u64,
    pub(crate) end: u64,
}

/// How much to read.
#[derive(Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) bytes: usize,
    pub(crate) messages: usize,
}

impl Readers {
    pub(crate) fn new(opened: &Opened) -> Result<Self, ServerError> {
        let connections = (0..READERS).map(|_| file::open_to_read(opened)).collect::<Result<_, _>>()?;
        Ok(Self {
            idle: Arc::new(Mutex::new(connections)),
            turns: Semaphore::new(READERS),
            path: opened.path.clone(),
            first: AtomicUsize::new(0),
        })
    }

    /// Reads from all spans into an answer.
    pub(crate) async fn read(
        &self,
        mut spans: Vec<Span>,
        budget: Budget,
        answer: FetchAnswer,
    ) -> Result<FetchAnswer, BrokerError> {
        let first = self.first.fetch_add(1, Ordering::Relaxed) % spans.len().max(1);
        spans.rotate_left(first);
        let _turn = self.turns.acquire().await.map_err(|error| unavailable(&error))?;
        let idle = Arc::clone(&self.idle);
        let read = tokio::task::spawn_blocking(move || {
            let lent = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let db = lent.ok_or_else(|| BrokerError::Unavailable("no connection to read with".into()))?;
            let read = read_all(&db, &spans, budget, answer);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
            read
        });
        let read = read.await.map_err(|error| unavailable(&error))?;
        read.inspect_err(|error| tracing::warn!(path = %self.path.display(), reason = %error, "a read failed"))
    }
}

/// An even share of the bytes for each span; the very first message always fits.
fn read_all(
    db: &Connection,
    spans: &[Span],
    budget: Budget,
    mut answer: FetchAnswer,
) -> Result<FetchAnswer, BrokerError> {
    let share = budget.bytes / spans.len().max(1);
    for span in spans {
        let mut taken = 0;
        let mut next = span.from;
        let first = first_row(span.topic.id, span.index);
        let mut select = db
            .prepare_cached(
                "SELECT id, key, event, refill, position, era FROM messages WHERE id >= ?1 AND id < ?2 ORDER BY id",
            )
            .map_err(|error| unavailable(&error))?;
        let mut rows =
            select.query([first + span.from as i64, first + span.end as i64]).map_err(|error| unavailable(&error))?;
        answer.open(&span.topic.topic.name, span.index);
        while let Some(row) = rows.next().map_err(|error| unavailable(&error))? {
            let message = message(row, first).map_err(|error| unavailable(&error))?;
            if message.offset != next {
                // Expired between the look at the bounds and the read.
                break;
            }
            let size = message.event.len();
            let over = answer.bytes + size > budget.bytes || (taken > 0 && taken + size > share);
            if answer.messages >= budget.messages || (over && answer.messages > 0) {
                break;
            }
            answer.push(&message);
            taken += size;
            next = message.offset + 1;
        }
        answer.close();
    }
    Ok(answer)
}

fn message<'a>(row: &'a rusqlite::Row<'_>, first: i64) -> rusqlite::Result<Message<'a>> {
    Ok(Message {
        offset: (row.get::<_, i64>(0)? - first) as u64,
        key: row.get_ref(1)?.as_str()?,
        event: row.get_ref(2)?.as_blob()?,
        refill: row.get::<_, i64>(3)?.cast_unsigned(),
        position: row.get::<_, i64>(4)?.cast_unsigned(),
        era: row.get(5)?,
    })
}

fn unavailable(error: &dyn std::error::Error) -> BrokerError {
    BrokerError::Unavailable(format!("the broker cannot read: {error}"))
}
