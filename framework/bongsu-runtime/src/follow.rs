//! Following one aggregate: its events as they are committed, each with the state after it.

use std::{sync::Arc, time::Duration};

use bongsu_core::{Aggregate, StreamRef, Wire};

use crate::{
    command::{CommandError, failed},
    core::Core,
    ports::store::{Position, Read, StoredEvent},
};

/// Reads one aggregate's events from the first one, and then waits for more.
pub struct Follower<A: Aggregate> {
    core: Arc<Core>,
    stream: String,
    version: u64,
    state: A::State,
    /// Everything up to here was looked at.
    looked: Option<Position>,
}

/// One event of an aggregate.
#[derive(Clone, Debug, PartialEq)]
pub struct Followed<E, S> {
    /// The version it made.
    pub version: u64,
    /// What happened.
    pub event: E,
    /// The state after it.
    pub state: S,
}

/// Events read at once.
const PAGE: u32 = 100;
/// A busy store wakes everybody many times a second; a follower looks at most once in this time.
const BREATH: Duration = Duration::from_millis(25);

impl<A: Aggregate> Follower<A>
where
    A::State: Clone + Send + Sync + 'static,
{
    pub(crate) fn new(core: &Arc<Core>, id: &str) -> Self {
        let stream = StreamRef::of::<A>(id).stream;
        Self { core: core.clone(), stream, version: 0, state: A::State::default(), looked: None }
    }

    /// The next events, at least one; resolves when there is one. Never skips and never repeats.
    ///
    /// # Errors
    /// See [`CommandError`]; the follower may be asked again.
    pub async fn next(&mut self) -> Result<Vec<Followed<A::Event, A::State>>, CommandError> {
        loop {
            // The head first: what is committed while the stream is read is found by the next look.
            let head = self.core.store.head().await.map_err(failed)?;
            if self.looked != Some(head) {
                let what = Read::Stream { stream: self.stream.clone(), after: self.version };
                let events = self.core.store.read(what, PAGE).await.map_err(failed)?;
                if !events.is_empty() {
                    return events.iter().map(|event| self.fold(event)).collect();
                }
                self.looked = Some(head);
            }
            self.core.store.changed(head).await;
            self.core.env.sleep(BREATH).await;
        }
    }

    fn fold(&mut self, stored: &StoredEvent) -> Result<Followed<A::Event, A::State>, CommandError> {
        let at = || format!("{}@{}", stored.stream, stored.version);
        let event = A::Event::decode(&stored.name, stored.schema, &stored.data)
            .map_err(|error| CommandError::Corrupt(format!("{}: {error}", at())))?
            .ok_or_else(|| CommandError::Corrupt(format!("{}: {} is no event of it", at(), stored.name)))?;
        A::evolve(&mut self.state, &event);
        self.version = stored.version;
        Ok(Followed { version: stored.version, event, state: self.state.clone() })
    }
}
