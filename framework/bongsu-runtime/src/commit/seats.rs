//! Who follows which stream, and how far the feed was read for them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, mpsc};

use crate::ports::store::{Position, StoredEvent};

/// Who sits where, and how far the feed was read for them.
#[derive(Default)]
pub(crate) struct Feed {
    seats: Mutex<Seats>,
    /// Rung when the first one sits down.
    pub(crate) rung: Notify,
}

#[derive(Default)]
pub(crate) struct Seats {
    /// Up to here the feed was read; `None` while nobody follows.
    pub(crate) at: Option<Position>,
    pub(crate) last: u64,
    pub(crate) by_stream: HashMap<String, Vec<(u64, Sender)>>,
}

pub(crate) type Sender = mpsc::Sender<Arc<StoredEvent>>;

impl Feed {
    /// Up to where it was read; `None` while nobody follows.
    pub(crate) fn at(&self) -> Option<Position> {
        self.seats().at
    }

    pub(crate) fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands out what was read after a position, unless everybody left meanwhile.
    pub(crate) fn deliver(&self, after: Position, events: Vec<StoredEvent>) {
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
