//! What a store that lies writes instead of a Commit.
//!
//! The tables are known here by name, as they are by the rules: whoever judges does not ask the runtime what its
//! documents mean.

use std::time::Duration;

use bongsu_runtime::ports::{
    env::Env,
    store::{Commit, DocBody, DocKey, DocWrite, Guard, Verdict},
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::store::{Below, Outcome};

const CURSOR: &str = "cursor";
const LEASE: &str = "lease";
const ONCE: &str = "once";
const PROJECTION: &str = "projection";
const REBUILD: &str = "rebuild";
const SEEN: &str = "seen";
const SNAPSHOT: &str = "snapshot";
const TODO: &str = "todo";

/// So much later the row of a timer follows its state.
const APART: Duration = Duration::from_millis(20);
/// So much before its time a timer is due, in milliseconds.
const EARLY_MS: i64 = 400;
/// So much after its time a timer is looked for, in milliseconds.
const LATE_MS: i64 = 3_000;
/// The index of to-dos on (shard, due): a byte, then the time.
const BY_DUE: u16 = 0;

/// The mark that says up to where a consumer has heard a subject.
pub(super) fn is_mark(key: &DocKey) -> bool {
    key.table == SEEN
}

/// The queue of facts that wait behind one that failed.
pub(super) fn is_queue(key: &DocKey) -> bool {
    key.table == TODO && (key.id.starts_with("fact/") || key.id.starts_with("beside/"))
}

pub(super) fn is_snapshot(key: &DocKey) -> bool {
    key.table == SNAPSHOT
}

fn is_cursor(key: &DocKey) -> bool {
    key.table == CURSOR
}

fn is_lease(key: &DocKey) -> bool {
    key.table == LEASE
}

fn is_timer(key: &DocKey) -> bool {
    key.table == TODO && key.id.starts_with("timer/")
}

/// The kept answer of a request with a once-key.
fn is_reply(key: &DocKey) -> bool {
    key.table == ONCE && !key.id.starts_with("commit/")
}

/// Whether a Commit puts such a document.
fn puts(commit: &Commit, which: fn(&DocKey) -> bool) -> bool {
    commit.docs.iter().any(|write| write.put.is_some() && which(&write.key))
}

/// Takes the writes of such documents out of a Commit.
fn taken(commit: &mut Commit, which: impl Fn(&DocKey) -> bool) -> Vec<DocWrite> {
    commit.docs.extract_if(.., |write| which(&write.key)).collect()
}

/// The guards on such documents.
fn guards_on(commit: &Commit, which: impl Fn(&DocKey) -> bool) -> Vec<Guard> {
    let on = |guard: &&Guard| matches!(guard, Guard::Doc(key, _) if which(key));
    commit.guards.iter().filter(on).cloned().collect()
}

/// One Commit and, once it is durable and if its caller still waits, another one, whose verdict nobody hears.
fn then(below: &Below, first: Commit, after: Commit) -> Outcome {
    let first = below.store.commit(first);
    let store = below.store.clone();
    Box::pin(async move {
        let verdict = first.await;
        if verdict == Ok(Verdict::Done) {
            drop(store.commit(after).await);
        }
        verdict
    })
}

/// `position-before-effect`: the cursor is committed on its own before the effect.
pub(super) fn position_first(below: &Below, mut commit: Commit) -> Outcome {
    if !puts(&commit, is_cursor) || commit.docs.len() + commit.events.len() == 1 {
        return below.store.commit(commit);
    }
    let guards = guards_on(&commit, |key| is_cursor(key) || is_lease(key) || key.table == PROJECTION);
    let position = Commit { guards, docs: taken(&mut commit, is_cursor), ..Commit::new(commit.id) };
    commit.guards.retain(|guard| !matches!(guard, Guard::Doc(key, _) if is_cursor(key)));
    then(below, position, commit)
}

/// `highest-offset`: the cursor moves to the highest fact handled, past those whose Commits were refused.
pub(super) fn moves_past_refusals(below: &Below, commit: Commit) -> Outcome {
    if !puts(&commit, is_cursor) {
        return below.store.commit(commit);
    }
    let guards = guards_on(&commit, is_lease);
    let docs = commit.docs.iter().filter(|write| is_cursor(&write.key)).cloned().collect();
    let position = Commit { guards, docs, ..Commit::new(commit.id) };
    let answer = below.store.commit(commit);
    let store = below.store.clone();
    Box::pin(async move {
        let verdict = answer.await;
        if matches!(verdict, Ok(Verdict::Refused(_))) {
            drop(store.commit(position).await);
        }
        verdict
    })
}

/// `effect-before-mark`: the mark that a fact was seen is written after its effect, in a Commit of its own.
pub(super) fn effect_first(below: &Below, mut commit: Commit) -> Outcome {
    let apart = |key: &DocKey| is_mark(key) || is_cursor(key);
    if !puts(&commit, is_mark) || commit.docs.iter().all(|write| apart(&write.key)) && commit.events.is_empty() {
        return below.store.commit(commit);
    }
    let guards = guards_on(&commit, |key| apart(key) || is_lease(key));
    let mark = Commit { guards, docs: taken(&mut commit, apart), ..Commit::new(commit.id) };
    commit.guards.retain(|guard| !matches!(guard, Guard::Doc(key, _) if is_cursor(key)));
    then(below, commit, mark)
}

/// `once-key-after-handler`: the kept reply is written after what it answers.
pub(super) fn reply_last(below: &Below, mut commit: Commit) -> Outcome {
    let replies = taken(&mut commit, is_reply);
    if replies.is_empty() {
        return below.store.commit(commit);
    }
    let after = Commit { docs: replies, ..Commit::new(commit.id) };
    then(below, commit, after)
}

/// `cancelled-between-writes`: what a command sets off is written after what it decides, by the same caller: whoever
/// hangs up between the two leaves a half.
pub(super) fn first_stream_first(below: &Below, mut commit: Commit) -> Outcome {
    let Some(first) = commit.events.first().map(|event| event.stream.clone()) else {
        return below.store.commit(commit);
    };
    if !puts(&commit, |key| key.table == ONCE) {
        return below.store.commit(commit);
    }
    let events = commit.events.extract_if(.., |event| event.stream != first).collect();
    let docs = taken(&mut commit, |key| key.table != ONCE);
    let half = Commit { events, docs, ..Commit::new(commit.id) };
    then(below, commit, half)
}

/// `no-fence-after-pause`: what is done under a lease goes unguarded, so that an owner that stood still while another
/// took over writes on.
pub(super) fn unfenced(below: &Below, mut commit: Commit) -> Outcome {
    if !commit.docs.iter().any(|write| is_lease(&write.key)) {
        commit.guards.retain(|guard| !matches!(guard, Guard::Doc(key, _) if is_lease(key)));
    }
    below.store.commit(commit)
}

/// `lost-timer`: the row of a timer is never written.
pub(super) fn without_timers(below: &Below, mut commit: Commit) -> Outcome {
    commit.docs.retain(|write| write.put.is_none() || !is_timer(&write.key));
    below.store.commit(commit)
}

/// `timer-after-state`: it follows later, on its own.
pub(super) fn timers_apart(below: &Below, commit: Commit) -> Outcome {
    timers_later(below, commit, |_, _| APART)
}

/// `timer-in-memory`: it is only written when it is due.
pub(super) fn timers_when_due(below: &Below, commit: Commit) -> Outcome {
    timers_later(below, commit, |body, now_ms| {
        let due_ms = read(body).and_then(|todo| todo["due_ms"].as_i64()).unwrap_or(now_ms);
        Duration::from_millis(u64::try_from(due_ms - now_ms).unwrap_or(0))
    })
}

fn timers_later(below: &Below, mut commit: Commit, wait: impl Fn(&DocBody, i64) -> Duration) -> Outcome {
    let set = |write: &mut DocWrite| write.put.is_some() && is_timer(&write.key);
    for write in commit.docs.extract_if(.., set).collect::<Vec<_>>() {
        let wait = write.put.as_ref().map_or(APART, |body| wait(body, below.env.wall_ms()));
        let Below { store, env } = below.clone();
        let id = commit.id;
        below.env.run("timer", async move {
            env.sleep(wait).await;
            drop(store.commit(Commit { docs: vec![write], ..Commit::new(id) }).await);
        });
    }
    below.store.commit(commit)
}

/// `timer-early`: a timer is due before its time.
pub(super) fn timers_early(below: &Below, mut commit: Commit) -> Outcome {
    for write in commit.docs.iter_mut().filter(|write| is_timer(&write.key)) {
        let Some(body) = &mut write.put else { continue };
        let Some(mut todo) = read(body).filter(|todo| todo["attempts"] == 0) else { continue };
        let due_ms = todo["due_ms"].as_i64().unwrap_or_default() - EARLY_MS;
        todo["due_ms"] = json!(due_ms);
        body.data = todo.to_string().into();
        looked_for_at(body, due_ms);
    }
    below.store.commit(commit)
}

/// `timer-late`: a timer is looked for after its time.
pub(super) fn timers_late(below: &Below, mut commit: Commit) -> Outcome {
    for write in commit.docs.iter_mut().filter(|write| is_timer(&write.key)) {
        let Some(body) = &mut write.put else { continue };
        let Some(due_ms) = read(body).and_then(|todo| todo["due_ms"].as_i64()) else { continue };
        looked_for_at(body, due_ms + LATE_MS);
    }
    below.store.commit(commit)
}

/// Moves a to-do in the index by due times.
fn looked_for_at(body: &mut DocBody, due_ms: i64) {
    for (_, key) in body.index.iter_mut().filter(|(index, key)| *index == BY_DUE && !key.is_empty()) {
        *key = [&key[..1], &due_ms.max(0).to_be_bytes()].concat().into();
    }
}

/// `poison-skipped`: a fact whose handler fails for good is passed over instead of parked.
pub(super) fn parks_nothing(below: &Below, commit: Commit) -> Outcome {
    passes_over(below, commit, |_| true)
}

/// `unknown-event-dropped`: the same of a fact in a schema this build does not know.
pub(super) fn parks_nothing_newer(below: &Below, commit: Commit) -> Outcome {
    passes_over(below, commit, |todo| todo["newer"] == true)
}

fn passes_over(below: &Below, mut commit: Commit, which: fn(&Value) -> bool) -> Outcome {
    let parks =
        |write: &DocWrite| is_queue(&write.key) && write.put.as_ref().and_then(read).is_some_and(|it| which(&it));
    if puts(&commit, is_cursor) && commit.docs.iter().any(parks) {
        commit.docs.retain(|write| is_cursor(&write.key));
        commit.guards = guards_on(&commit, |key| is_cursor(key) || is_lease(key) || key.table == PROJECTION);
    }
    below.store.commit(commit)
}

/// `rebuild-swap-before-catch-up`: a generation is shown as soon as it is asked for.
pub(super) fn shows_at_once(below: &Below, mut commit: Commit) -> Outcome {
    let begins = |write: &DocWrite| {
        let state = (write.key.table == REBUILD).then(|| write.put.as_ref().and_then(read)).flatten()?;
        let filling = &state["filling"];
        let generation = filling["generation"].as_u64().filter(|_| filling["noted"].is_null())?;
        let data = Bytes::from(json!({ "generation": generation }).to_string());
        let key = DocKey::new(PROJECTION, write.key.id.clone());
        Some(DocWrite { key, put: Some(DocBody { data, index: Vec::new() }) })
    };
    let shown: Vec<DocWrite> = commit.docs.iter().filter_map(begins).collect();
    commit.docs.extend(shown);
    below.store.commit(commit)
}

/// A document of the runtime's.
fn read(body: &DocBody) -> Option<Value> {
    serde_json::from_slice(&body.data).ok()
}
