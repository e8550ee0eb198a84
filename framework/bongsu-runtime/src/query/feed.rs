//! One reader of the feed for everybody in this process who follows a stream.
//!
//! It reads only while somebody follows, once per change of the store and not once per follower, and hands each event
//! to those who sit at its stream. Who does not take what is handed out loses the seat: nothing here grows with how
//! slow somebody is.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, mpsc};

use crate::{
    commit::core::Core,
    ports::store::{Position, Read, StoreError, StoredEvent},
};

/// Who sits where, and how far the feed was read for them.
#[derive(Default)]
pub(crate) struct Feed {
    seats: Mutex<Seats>,
    /// Rung when the first one sits down.
    rung: Notify,
}

#[derive(Default)]
struct Seats {
    /// Up to here the feed was read; `None` while nobody follows.
    at: Option<Position>,
    last: u64,
    by_stream: HashMap<String, Vec<(u64, Sender)>>,
}

type Sender = mpsc::Sender<Arc<StoredEvent>>;

/// A place at a stream: every event of it that is committed from now on, in order, until it is lost.
pub(crate) struct Seat {
    core: Arc<Core>,
    stream: String,
    id: u64,
    events: mpsc::Receiver<Arc<StoredEvent>>,
}

/// Events that wait for one follower at most.
const WAITING: usize = 256;
/// Events read at once.
const PAGE: u32 = 1_000;
/// A busy store changes many times a second; the feed is read at most once in this time.
const BREATH: Duration = Duration::from_millis(25);
/// How long until a store that does not answer is asked again.
const PAUSE: Duration = Duration::from_millis(250);

impl Feed {
    /// Up to where it was read; `None` while nobody follows.
    fn at(&self) -> Option<Position> {
        self.seats().at
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands out what was read after a position, unless everybody left meanwhile.
    fn deliver(&self, after: Position, events: Vec<StoredEvent>) {
        let mut seats = self.seats();
        if seats.at != Some(after) {
            return;
        }
        seats.at = events.iter().filter_map(|event| event.position).max().or(seats.at);
        for event in events {
            let Some(followers) = seats.by_stream.get_mut(&event.stream) else { continue };
            let event = Arc::new(event);
            followers.retain(|(_, follower)| follower.try_send(event.clone()).is_ok());
            if followers.is_empty() {
                seats.by_stream.remove(&event.stream);
            }
        }
        if seats.by_stream.is_empty() {
            seats.at = None;
        }
    }
}

impl Seat {
    /// Takes a seat at a stream. What was committed before is not handed out, so it is read afterwards.
    pub(crate) async fn take(core: &Arc<Core>, stream: &str) -> Result<Self, StoreError> {
        let (sender, events) = mpsc::channel(WAITING);
        let id = {
            let mut seats = core.feed.seats();
            seats.last += 1;
            let id = seats.last;
            seats.by_stream.entry(stream.to_owned()).or_default().push((id, sender));
            id
        };
        // From here on dropping it gives the seat back.
        let seat = Self { core: core.clone(), stream: stream.to_owned(), id, events };
        if core.feed.at().is_none() {
            let head = core.store.head().await?;
            core.feed.seats().at.get_or_insert(head);
            core.feed.rung.notify_one();
        }
        Ok(seat)
    }

    /// The next event; `None` when the seat was lost, because too many waited.
    pub(crate) async fn next(&mut self) -> Option<Arc<StoredEvent>> {
        self.events.recv().await
    }

    /// The next event if it is here already.
    pub(crate) fn try_next(&mut self) -> Option<Arc<StoredEvent>> {
        self.events.try_recv().ok()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.core.feed.seats();
        if let Some(followers) = seats.by_stream.get_mut(&self.stream) {
            followers.retain(|(id, _)| *id != self.id);
            if followers.is_empty() {
                seats.by_stream.remove(&self.stream);
            }
        }
        if seats.by_stream.is_empty() {
            seats.at = None;
        }
    }
}

/// Reads the feed for as long as somebody follows.
pub(crate) async fn run(core: Arc<Core>) {
    loop {
        let Some(at) = core.feed.at() else {
            core.feed.rung.notified().await;
            continue;
        };
        match core.store.read(Read::Feed { after: at }, PAGE).await {
            Ok(events) => {
                let more = events.len() == PAGE as usize;
                core.feed.deliver(at, events);
                if more {
                    continue;
                }
            }
            Err(error) => {
                tracing::debug!(%error, "the feed could not be read for those who follow; it will be");
                core.env.sleep(PAUSE).await;
            }
        }
        if let Some(at) = core.feed.at() {
            core.store.changed(at).await;
            core.env.sleep(BREATH).await;
        }
    }
}
