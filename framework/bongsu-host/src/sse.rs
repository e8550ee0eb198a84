//! Server-sent events: one aggregate, followed by whoever holds the connection.
//!
//! The id of an event is the version it made, so a client that comes back with `Last-Event-ID` goes on behind it,
//! at whatever process. A stream outlives the request timeout; it ends with the thing it follows, when the process
//! drains, or when the client hangs up, and `EventSource` comes back by itself.

use std::{
    collections::VecDeque, convert::Infallible, future::pending, marker::PhantomData, sync::Arc, time::Duration,
};

use axum::{
    extract::FromRequestParts,
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use bongsu_core::{Aggregate, Projection};
use bongsu_runtime::{Followed, Follower, Handle, ports::store::CommitId};
use futures::stream;
use http::{StatusCode, request::Parts};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{problem::Problem, query::once, server::Draining};

/// What a client heard last: a header, or in the address, because a page that is loaded anew gives `EventSource` no header.
pub const LAST_EVENT_ID: &str = "last-event-id";
/// A quiet stream says so this often: it keeps proxies from hanging up, and shows us who has gone.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// A client whose stream broke comes back after this time.
const COME_BACK: Duration = Duration::from_secs(1);

/// A request to follow something: its place among the streams of this process, and what the client has heard (`Last-Event-ID`, or
/// `?last-event-id=`; the header counts, which `EventSource` gives when it comes back by itself).
///
/// 400 when that is no version, 503 when there are as many streams as `limits.streams` allows.
pub struct EventStream {
    heard: u64,
    place: OwnedSemaphorePermit,
    draining: Option<Draining>,
}

/// What is sent of one change.
#[derive(Clone, Debug)]
pub struct SseItem<T> {
    /// Its kind, for `addEventListener`.
    pub event: &'static str,
    /// Its body, sent as JSON.
    pub data: T,
    /// Nothing can follow: the stream ends behind it.
    pub last: bool,
}

/// The places for streams, as an extension of every request.
#[derive(Clone)]
pub(crate) struct Places(pub(crate) Arc<Semaphore>);

/// A stream under way.
struct Flow<A: Aggregate, F> {
    follower: Follower<A>,
    tell: F,
    heard: u64,
    waiting: VecDeque<Event>,
    over: bool,
    draining: Option<Draining>,
    _place: OwnedSemaphorePermit,
}

impl EventStream {
    /// The version of the last event the client heard; 0 at first.
    pub fn heard(&self) -> u64 {
        self.heard
    }

    /// Begins behind that version for a client that has heard nothing, who is not told what was long ago.
    #[must_use]
    pub fn begin_behind(self, version: u64) -> Self {
        let heard = if self.heard == 0 { version } else { self.heard };
        Self { heard, ..self }
    }

    /// Sends every change of the follower's aggregate behind what was heard. `tell` is asked about those and about the one
    /// that was heard last, which may have been the end; what it has to know of earlier ones is in the state that comes
    /// with each.
    ///
    /// `version` is the aggregate's now: 400 when the client has heard more than that. `ended`: nothing more will
    /// happen; a client that has heard everything gets 204, which tells `EventSource` not to come back.
    ///
    /// # Errors
    /// 400 as above.
    pub fn follow<A, T, F>(self, follower: Follower<A>, version: u64, ended: bool, tell: F) -> Result<Response, Problem>
    where
        A: Aggregate + 'static,
        A::State: Clone + Send + Sync + 'static,
        A::Event: Send,
        T: Serialize,
        F: FnMut(&Followed<A::Event, A::State>) -> SseItem<T> + Send + 'static,
    {
        if self.heard > version {
            return Err(not_an_id());
        }
        if ended && self.heard == version {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        let waiting = VecDeque::from([Event::default().retry(COME_BACK)]);
        let Self { heard, place, draining } = self;
        let follower = follower.again_from(heard);
        let flow = Flow { follower, tell, heard, waiting, over: false, draining, _place: place };
        let events = stream::unfold(flow, |mut flow| async move {
            let event = flow.next().await?;
            Some((Ok::<_, Infallible>(event), flow))
        });
        Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("heartbeat")).into_response())
    }
}

/// A row that is shown under way.
struct Showing<P, F> {
    handle: Handle,
    key: String,
    known: Option<CommitId>,
    tell: F,
    over: bool,
    begun: bool,
    draining: Option<Draining>,
    row: PhantomData<fn() -> P>,
    _place: OwnedSemaphorePermit,
}

impl EventStream {
    /// Sends a row of a read model as it is, and again whenever it changed. What it was in between is not told, so that there is
    /// nothing to go on behind: a client that comes back is sent the row as it is then. `tell` says with what is sent how far the
    /// row is: the id of the event, by which the handler knows a client that has heard the end. The stream ends with the row, or
    /// when `tell` says that nothing can follow.
    pub fn show<P, T, F>(self, handle: Handle, key: &str, tell: F) -> Response
    where
        P: Projection + 'static,
        P::Row: Send,
        T: Serialize,
        F: FnMut(P::Row) -> (u64, SseItem<T>) + Send + 'static,
    {
        let Self { place, draining, .. } = self;
        let key = key.to_owned();
        let row = PhantomData::<fn() -> P>;
        let showing =
            Showing { handle, key, known: None, tell, over: false, begun: false, draining, row, _place: place };
        let events = stream::unfold(showing, |mut showing| async move {
            let event = showing.next().await?;
            Some((Ok::<_, Infallible>(event), showing))
        });
        Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("heartbeat")).into_response()
    }
}

impl<P, T, F> Showing<P, F>
where
    P: Projection,
    T: Serialize,
    F: FnMut(P::Row) -> (u64, SseItem<T>),
{
    /// The next event; `None` when it is over.
    async fn next(&mut self) -> Option<Event> {
        if !std::mem::replace(&mut self.begun, true) {
            return Some(Event::default().retry(COME_BACK));
        }
        if self.over {
            return None;
        }
        let found = tokio::select! { biased;
            () = drained(self.draining.as_mut()) => return None,
            found = self.handle.changed_row::<P>(&self.key, self.known) => found,
        };
        let (row, revision) = match found {
            Ok(found) => found?,
            Err(error) => {
                tracing::warn!(reason = %error, "a stream of a row broke off; its client will come back");
                return None;
            }
        };
        self.known = Some(revision);
        let (far, SseItem { event, data, last }) = (self.tell)(row);
        self.over = last;
        let told = Event::default().id(far.to_string()).event(event).json_data(data);
        told.inspect_err(|error| tracing::error!(reason = %error, "a row does not encode as JSON")).ok()
    }
}

impl<A, T, F> Flow<A, F>
where
    A: Aggregate,
    A::State: Clone + Send + Sync + 'static,
    T: Serialize,
    F: FnMut(&Followed<A::Event, A::State>) -> SseItem<T>,
{
    /// The next event; `None` when it is over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            let found = tokio::select! { biased;
                () = drained(self.draining.as_mut()) => return None,
                found = self.follower.next() => found,
            };
            match found {
                Ok(changes) => changes.iter().for_each(|change| self.take(change)),
                Err(error) => {
                    tracing::warn!(reason = %error, "a stream of events broke off; its client will come back");
                    return None;
                }
            }
        }
    }

    fn take(&mut self, change: &Followed<A::Event, A::State>) {
        let SseItem { event, data, last } = (self.tell)(change);
        self.over |= last;
        if change.version <= self.heard {
            return;
        }
        match Event::default().id(change.version.to_string()).event(event).json_data(data) {
            Ok(event) => self.waiting.push_back(event),
            Err(error) => {
                tracing::error!(reason = %error, "an event does not encode as JSON");
                self.over = true;
            }
        }
    }
}

impl<S: Sync> FromRequestParts<S> for EventStream {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut ids = parts.headers.get_all(LAST_EVENT_ID).iter();
        let asked =
            once(&parts.uri, LAST_EVENT_ID)?.map(|id| version(id.as_bytes()).ok_or_else(not_an_id)).transpose()?;
        let heard = match (ids.next(), ids.next()) {
            (None, _) => asked.unwrap_or(0),
            (Some(id), None) => version(id.as_bytes()).ok_or_else(not_an_id)?,
            (Some(_), Some(_)) => return Err(not_an_id()),
        };
        let Some(Places(places)) = parts.extensions.get() else {
            tracing::error!("a route that streams is not served by the host");
            return Err(Problem::internal());
        };
        let full = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too busy").retry_after(5);
        let place = Arc::clone(places).try_acquire_owned().map_err(|_| full().detail("Too many open streams."))?;
        Ok(Self { heard, place, draining: parts.extensions.get().cloned() })
    }
}

/// Digits alone: `+1` and ` 1` are no version.
fn version(id: &[u8]) -> Option<u64> {
    let digits = id.iter().all(u8::is_ascii_digit).then_some(id)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn not_an_id() -> Problem {
    Problem::bad_request("Last-Event-ID is not the id of an event of this stream.")
}

/// Resolves when the process drains; never where nobody drains it.
async fn drained(draining: Option<&mut Draining>) {
    match draining {
        Some(draining) => draining.begun().await,
        None => pending().await,
    }
}
