//! One reader of the feed for everybody in this process who follows a stream.
//!
//! It reads only while somebody follows, once per change of the store and not once per follower, and hands each event
//! to those who sit at its stream. Who does not take what is handed out loses the seat: nothing here grows with how
//! slow somebody is.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use crate::{
    commit::core::Core,
    ports::store::{Read, StoreError, StoredEvent},
};

/// A place at a stream: every event of it that is committed from now on, in order, until it is lost.
pub(crate) struct Seat {
    core: Arc<Core>,
    stream: String,
    id: u64,
    events: mpsc::Receiver<Arc<StoredEvent>>,
}

/// Events that wait for one follower at most: more than a stream has in a moment. Who reads more slowly loses the seat, so
/// that no Commit waits for a reader.
const WAITING: usize = 256;
/// Events read at once: a page of the store.
const PAGE: u32 = 1_000;
/// A busy store changes many times a second; the feed is read at most once in this time.
const BREATH: Duration = Duration::from_millis(25);
/// How long until a store that does not answer is asked again: it costs it nothing, and a follower notices no pause.
const PAUSE: Duration = Duration::from_millis(250);

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
