//! Trying the oldest fact of a queue again.

use std::sync::Arc;

use crate::{
    commit::{core::Core, map::Consumer, unit::Unit},
    consume::queue::{front_of, settle_mark, take_front},
    ports::store::Guard,
    records::{
        cloudevent::Envelope,
        generation::split,
        message::Message,
        todo::{Failed, Todo},
        todo_id::TodoId,
    },
    todo::attempt::{Undone, undone},
};

/// What has to wait for another build or another fact is looked at again after so long: it costs a read, and nothing is
/// late by more than a second.
const PAUSE_MS: i64 = 1_000;
/// Facts that nobody reads any more are deleted so many at a time: it holds the file for no longer than a few commands
/// do.
const DROPPED_AT_ONCE: usize = 200;

/// Handles the oldest fact of a queue; what is left of the queue is due at once.
pub(crate) async fn retry_fact(core: &Arc<Core>, unit: &mut Unit, id: &TodoId, mut todo: Todo) -> Result<(), Undone> {
    if let Some(before) = id.waits_for()
        && unit.doc(&Todo::key(&before)).await.map_err(undone)?.is_some()
    {
        return postpone(unit, id, todo);
    }
    let Some(queue) = todo.queue_mut() else { return Err(Undone::NotMine) };
    if queue.len() == 0 {
        return Ok(());
    }
    let consumer = queue.consumer.clone();
    let reader = match reader_of(core, &consumer).await? {
        Reader::Now(reader, shown) => {
            shown.into_iter().for_each(|shown| unit.fence(shown));
            reader
        }
        Reader::Never => {
            (0..queue.len().min(DROPPED_AT_ONCE)).for_each(|_| take_front(queue, unit, id));
            go_on(unit, id, todo);
            return Ok(());
        }
        Reader::Later => return postpone(unit, id, todo),
        Reader::Unknown => {
            return Err(Undone::Failed { why: format!("nothing is called {consumer}"), how: Failed::Newer });
        }
    };
    let corrupt = |why: String| Undone::Failed { why, how: Failed::ForGood };
    let Some(raw) = front_of(queue, unit, id).await.map_err(undone)? else { return Ok(()) };
    let envelope = Envelope::parse(&raw).map_err(|_| corrupt("not a CloudEvent".into()))?;
    let (name, schema) = envelope.name().ok_or_else(|| corrupt("a type without version".into()))?;
    let fact = Message::new(name, schema, raw.slice_ref(envelope.data.get().as_bytes()));
    let ctx = envelope.ctx(&consumer, unit.now_ms);
    reader.apply(unit, fact, &envelope, &ctx).await.map_err(undone)?;
    settle_mark(unit, &consumer, &envelope).await.map_err(undone)?;
    take_front(queue, unit, id);
    go_on(unit, id, todo);
    Ok(())
}

/// Who reads a queued fact.
enum Reader {
    /// This one; of a read model while its generation is the one shown.
    Now(Arc<dyn Consumer>, Option<Guard>),
    /// Another version of this service that runs beside this one, or a rebuild once it is shown.
    Later,
    /// Nobody any more: its generation was replaced, and with it the rows the fact is missing in.
    Never,
    /// Nobody known to this build.
    Unknown,
}

async fn reader_of(core: &Arc<Core>, name: &str) -> Result<Reader, Undone> {
    let find = |name: &str| core.map.consumers.iter().find(|reader| reader.name() == name).cloned();
    let Some((root, wanted)) = split(name) else {
        return Ok(find(name).map_or(Reader::Unknown, |reader| Reader::Now(reader, None)));
    };
    let Some(reader) = find(root) else { return Ok(Reader::Later) };
    let (shown, guard) = core.shown(root).await.map_err(Undone::Store)?;
    Ok(match reader.generation(wanted) {
        Some(reader) if wanted == shown => Reader::Now(reader, Some(guard)),
        _ if wanted < shown => Reader::Never,
        _ => Reader::Later,
    })
}

/// Leaves what is left of a queue, if anything is, to be tried at once.
fn go_on(unit: &mut Unit, id: &TodoId, mut todo: Todo) {
    if todo.queue().is_some_and(|queue| queue.len() > 0) {
        todo.begin_anew();
        todo.due_ms = unit.now_ms;
        unit.put_todo(id, &todo);
    }
}

/// Puts a queue of facts back as it was, to be looked at again in a second.
fn postpone(unit: &mut Unit, id: &TodoId, mut todo: Todo) -> Result<(), Undone> {
    todo.due_ms = unit.now_ms + PAUSE_MS;
    unit.put_todo(id, &todo);
    Ok(())
}
