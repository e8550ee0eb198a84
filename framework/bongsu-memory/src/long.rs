//! Streams as long as years make them, written in seconds: bulk Commits straight into a store.
//!
//! What is slow only at a length (a fold from the first event, a queue written anew for each entry) is not felt on
//! streams of some thousands. A million events by way of commands would take minutes, so they are written past the
//! runtime, in the form in which it writes them.

use std::collections::VecDeque;

use bongsu_core::{Aggregate, CommandId, Wire, digest, stream_of};
use bongsu_runtime::ports::{
    Fut,
    store::{Commit, CommitId, MAX_ITEMS, NewEvent, Store, StoreError, Verdict},
};
use serde_json::json;

/// Commits on their way at a time: a store that writes groups has the next one while it syncs this one.
const IN_FLIGHT: usize = 4;
/// When all of it happened, in RFC 3339.
const WHEN: &str = "2025-01-01T00:00:00.000Z";

/// Appends events to the stream of one instance of an aggregate that has `after` events, a thousand to a Commit, without
/// facts; the version of the last one. Commits that are on their way when one fails may count.
///
/// ```
/// use bongsu_core::{Aggregate, message};
/// use bongsu_memory::{MemoryStore, long};
///
/// #[message("counter.counted", version = 1)]
/// struct Counted {}
/// struct Counter;
/// impl Aggregate for Counter {
///     const NAME: &'static str = "counter";
///     type Event = Counted;
///     type State = u64;
///     fn evolve(state: &mut u64, _: &Counted) { *state += 1; }
/// }
///
/// let store = MemoryStore::new();
/// let visitors = (0..2_500).map(|_| Counted {});
/// let version = futures::executor::block_on(long::grow::<Counter>(&store, "door", 0, visitors));
/// assert_eq!((version, store.len()), (Ok(2_500), 2_500));
/// ```
///
/// # Errors
/// What the store says, and that the stream does not have `after` events.
pub async fn grow<A: Aggregate>(
    store: &dyn Store,
    id: &str,
    after: u64,
    events: impl IntoIterator<Item = A::Event>,
) -> Result<u64, StoreError> {
    let stream = stream_of(A::NAME, id);
    let mut version = after;
    let mut events = events.into_iter().fuse();
    let mut flying: VecDeque<Fut<'static, Result<Verdict, StoreError>>> = VecDeque::new();
    loop {
        let commit = next(&stream, version, events.by_ref().take(MAX_ITEMS));
        let count = commit.events.len() as u64;
        if count == 0 || flying.len() == IN_FLIGHT {
            let Some(oldest) = flying.pop_front() else { return Ok(version) };
            done(oldest.await?, &stream)?;
        }
        if count > 0 {
            flying.push_back(store.commit(commit));
            version += count;
        }
    }
}

/// One Commit of these events.
fn next<E: Wire>(stream: &str, after: u64, events: impl Iterator<Item = E>) -> Commit {
    let mut commit = Commit::new(CommitId(digest(&["long", stream, &after.to_string()])));
    for (event, version) in events.zip(after + 1..) {
        let id = CommandId(digest(&["long", stream, &version.to_string()])).to_string();
        // As the runtime has it: the first of its cause, which is a request.
        let meta = json!({ "id": id, "time": WHEN, "actor": "years", "correlation": id, "causation": id });
        let (name, schema) = event.name();
        let data = event.encode().into();
        let meta = meta.to_string().into();
        let stream = stream.to_owned();
        commit.events.push(NewEvent { stream, version, name, schema, data, meta, facts: Vec::new() });
    }
    commit
}

fn done(verdict: Verdict, stream: &str) -> Result<(), StoreError> {
    match verdict {
        Verdict::Done => Ok(()),
        Verdict::Refused(found) => Err(StoreError::Invalid(format!("{stream} is not as long as was said: {found:?}"))),
    }
}
