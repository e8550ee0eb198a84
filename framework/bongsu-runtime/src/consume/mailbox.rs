//! What was fetched for a lane and is not handled yet: bounded in bytes, and always what comes next.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures::{FutureExt, pin_mut, select_biased};
use tokio::sync::Notify;

use crate::ports::{
    Fut,
    broker::{FETCH_BYTES, In, LogId},
};

/// Between the task that fetches and that of the lane.
#[derive(Default)]
pub(crate) struct Mailbox {
    inside: Mutex<Inside>,
    /// Rung when something was put in.
    news: Notify,
}

#[derive(Default)]
struct Inside {
    /// The next offset to fetch; `None` while its lane does not know.
    next: Option<u64>,
    batches: VecDeque<(LogId, Vec<In>)>,
    bytes: usize,
    /// What comes next is gone from the broker, which has this offset and later.
    gone: Option<u64>,
    /// Whose history its lane was told to read.
    told: Option<LogId>,
}

/// What a lane finds.
pub(crate) enum Mail {
    /// Messages of a history of the broker; none when it is another history than before, which may end just where the lane
    /// stands.
    Messages(LogId, Vec<In>),
    /// What it has to read next is gone; this is the earliest left.
    Gone(u64),
    /// Nothing came.
    Nothing,
}

/// From so many bytes on nothing more is fetched: as much as a fetch of all partitions brings at most.
const FULL: usize = FETCH_BYTES as usize;

impl Mailbox {
    /// Where to fetch on, if there is room.
    pub(crate) fn wants(&self) -> Option<u64> {
        let inside = self.lock();
        inside.next.filter(|_| inside.bytes < FULL)
    }

    /// Puts in what was fetched from an offset on, unless its lane wants something else meanwhile.
    pub(crate) fn put(&self, asked: u64, log: LogId, mut messages: Vec<In>) {
        let mut inside = self.lock();
        messages.retain(|message| message.offset >= asked);
        if inside.next != Some(asked) || messages.is_empty() && inside.told == Some(log) {
            return;
        }
        inside.told = Some(log);
        inside.next = Some(messages.last().map_or(asked, |last| last.offset + 1));
        inside.bytes += weight(&messages);
        inside.batches.push_back((log, messages));
        self.news.notify_one();
    }

    /// Says that what was asked for is gone.
    pub(crate) fn gone(&self, asked: u64, earliest: u64) {
        let mut inside = self.lock();
        if inside.next == Some(asked) {
            inside.next = None;
            inside.gone = Some(earliest);
            self.news.notify_one();
        }
    }

    /// Begins anew at an offset; what is still inside is forgotten.
    pub(crate) fn begin_at(&self, offset: u64) {
        *self.lock() = Inside { next: Some(offset), ..Inside::default() };
    }

    /// Waits for the next mail, at most as long as `patience`. Rings `room` when there is room again.
    pub(crate) async fn next(&self, patience: Fut<'static, ()>, room: &Notify) -> Mail {
        let patience = patience.fuse();
        pin_mut!(patience);
        loop {
            let news = self.news.notified().fuse();
            pin_mut!(news);
            if let Some(mail) = self.take(room) {
                return mail;
            }
            select_biased! { () = news => {}, () = patience => return Mail::Nothing }
        }
    }

    fn take(&self, room: &Notify) -> Option<Mail> {
        let mut inside = self.lock();
        if let Some((log, messages)) = inside.batches.pop_front() {
            let was_full = inside.bytes >= FULL;
            inside.bytes -= weight(&messages);
            if was_full && inside.bytes < FULL {
                room.notify_one();
            }
            return Some(Mail::Messages(log, messages));
        }
        inside.gone.take().map(Mail::Gone)
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// About what messages take in memory.
fn weight(messages: &[In]) -> usize {
    /// The struct itself and its two allocations, rounded up: many small messages must fill a box, too.
    const OVERHEAD: usize = 128;
    messages.iter().map(|message| message.cloudevent.len() + message.partition_key.len() + OVERHEAD).sum()
}
