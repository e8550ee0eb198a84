//! Following one aggregate: its events as they are committed, each with the state after it.
//!
//! What is there already is read from the store, what comes from then on is handed out by the one reader of the feed
//! that this process has ([`crate::query::feed`]): a follower that waits reads nothing.

use std::sync::Arc;

use bongsu_core::{Aggregate, DecodeError, StreamRef, Wire};

use crate::{
    commit::{
        core::Core,
        fail::{CommandError, Fail, failed, refused},
    },
    ports::store::{Read, StoredEvent},
    query::feed::Seat,
};

/// Reads one aggregate's events from the first one, or from a version on, and then waits for more.
pub struct Follower<A: Aggregate> {
    core: Arc<Core>,
    target: StreamRef,
    version: u64,
    /// The state at that version; `None` until it is known.
    state: Option<A::State>,
    seat: Option<Seat>,
    /// Whether everything that was committed before it sat down was read.
    caught_up: bool,
    /// Whether the event it begins behind is told once more.
    again: bool,
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

/// Events read at once: a person reads along, and the first of them are shown soon.
const PAGE: u32 = 100;

impl<A: Aggregate> Follower<A>
where
    A::State: Clone + Send + Sync + 'static,
{
    pub(crate) fn new(core: &Arc<Core>, id: &str) -> Self {
        let target = StreamRef::of::<A>(id);
        let state = Some(A::State::default());
        Self { core: core.clone(), target, version: 0, state, seat: None, caught_up: false, again: false }
    }

    /// Begins behind a version instead: what happened up to it is not told.
    #[must_use]
    pub fn behind(self, version: u64) -> Self {
        let state = (version == 0).then(A::State::default);
        Self { version, state, seat: None, caught_up: false, again: false, ..self }
    }

    /// The same, but the event of that version is told once more, so that it can be seen what it was.
    #[must_use]
    pub fn again_from(self, version: u64) -> Self {
        Self { again: version > 0, ..self.behind(version) }
    }

    /// The next events, at least one; resolves when there is one. Never skips and never repeats.
    ///
    /// # Errors
    /// See [`CommandError`]; the follower may be asked again. [`CommandError::Unavailable`] also when more happened than
    /// waits for a follower: it has lost its seat, and reads what it missed when it is asked again.
    pub async fn next(&mut self) -> Result<Vec<Followed<A::Event, A::State>>, CommandError> {
        loop {
            if self.seat.is_none() {
                self.seat = Some(Seat::take(&self.core, &self.target.stream).await.map_err(failed)?);
                self.caught_up = false;
            }
            if !self.caught_up {
                let events = self.read().await?;
                if !events.is_empty() {
                    return Ok(events);
                }
                continue;
            }
            let events = self.wait().await?;
            if !events.is_empty() {
                return Ok(events);
            }
        }
    }

    /// A page of what is in the store. The seat was taken before: what is committed meanwhile is handed out as well.
    async fn read(&mut self) -> Result<Vec<Followed<A::Event, A::State>>, CommandError> {
        if self.state.is_none() {
            let folded = self.core.past_of(&self.target, self.version).await.map_err(refused)?;
            let state = folded.state.downcast().ok().filter(|_| folded.version == self.version);
            let missing =
                || CommandError::Unavailable(format!("{} has no version {}", self.target.stream, self.version));
            self.state = Some(*state.ok_or_else(missing)?);
        }
        let after = self.version - u64::from(self.again);
        let what = Read::Stream { stream: self.target.stream.clone(), after };
        let events = self.core.store.read(what, PAGE).await.map_err(failed)?;
        self.caught_up = events.len() < PAGE as usize;
        events.iter().map(|event| self.fold(event)).collect()
    }

    /// What was handed out, at least one event that is new; nothing when some are missing in between.
    async fn wait(&mut self) -> Result<Vec<Followed<A::Event, A::State>>, CommandError> {
        let mut told = Vec::new();
        while told.is_empty() {
            let seat = self.seat.as_mut().expect("taken before anything is waited for");
            let Some(first) = seat.next().await else {
                self.seat = None;
                return Err(CommandError::Unavailable("too much happened while nobody listened".into()));
            };
            let mut next = Some(first);
            while let Some(event) = next {
                if event.version > self.version + 1 {
                    self.caught_up = false;
                    return Ok(told);
                }
                if event.version > self.version {
                    told.push(self.fold(&event)?);
                }
                next = self.seat.as_mut().and_then(Seat::try_next);
            }
        }
        Ok(told)
    }

    fn fold(&mut self, stored: &StoredEvent) -> Result<Followed<A::Event, A::State>, CommandError> {
        let at = || format!("{}@{}", stored.stream, stored.version);
        let unknown = || DecodeError::Unknown { name: stored.name.clone(), schema: stored.schema };
        let event = A::Event::decode(&stored.name, stored.schema, &stored.data)
            .and_then(|event| event.ok_or_else(unknown))
            .map_err(|error| refused(Fail::unread(&at(), &error)))?;
        let state = self.state.get_or_insert_default();
        // The state the follower began with has this one in it already.
        if !std::mem::take(&mut self.again) {
            A::evolve(state, &event);
        }
        self.version = stored.version;
        Ok(Followed { version: stored.version, event, state: state.clone() })
    }
}
