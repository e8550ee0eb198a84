//! Facts that wait behind one that failed: taking the oldest out in a unit, and the mark it leaves.

use bytes::Bytes;

use crate::{
    commit::{fail::Fail, unit::Unit},
    records::{
        cloudevent::Envelope,
        queue::Queue,
        seen::{Seen, Stand, seen_body, seen_key},
        todo_id::TodoId,
    },
};

/// After `done` left its queue: its subject waits no longer, unless a later fact of it was heard. That one came to the
/// same queue, and the mark is its own. A mark is never set back.
pub(crate) async fn settle_mark(unit: &mut Unit, consumer: &str, done: &Envelope<'_>) -> Result<(), Fail> {
    let key = seen_key(consumer, done);
    let mark = unit.doc(&key).await?.and_then(|data| Seen::read(&data));
    // Where its history has parted, a fact of a higher sequence may be an orphan's: the mark is what came in its place.
    let parted = unit.core.partings.of(&done.source).is_some();
    let body = match mark {
        None => seen_body(Stand { sequence: done.sequence, ..Stand::default() }, false),
        Some(mark) if mark.sequence > done.sequence || parted && mark.sequence < done.sequence => return Ok(()),
        Some(mark) => Seen { sequence: done.sequence, queued: false, ..mark }.body(),
    };
    unit.put(key, Some(body));
    Ok(())
}

/// The oldest fact of a queue; `None` when nothing waits.
pub(crate) async fn front_of(queue: &Queue, unit: &mut Unit, id: &TodoId) -> Result<Option<Bytes>, Fail> {
    let Some(key) = queue.front_key(id) else { return Ok(queue.front_within()) };
    let found = unit.doc(&key).await?;
    found.map(Some).ok_or_else(|| Fail::Corrupt(format!("{key}, a fact that waits, is missing")))
}

/// Takes the oldest fact out of a queue.
pub(crate) fn take_front(queue: &mut Queue, unit: &mut Unit, id: &TodoId) {
    if let Some(key) = queue.pop(id) {
        unit.put(key, None);
    }
}
