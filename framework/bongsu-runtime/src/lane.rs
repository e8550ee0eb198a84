//! One lane per (consumer, partition): facts in offset order, each one Commit, many Commits in flight.
//!
//! Every Commit is guarded on the cursor the one before writes, so they are submitted without waiting and
//! group commit makes them one fsync. A refusal refuses everything after it in the lane; the lane then reads
//! its cursor again and plans from there.

use std::{collections::VecDeque, panic::AssertUnwindSafe, sync::Arc};

use bongsu_core::digest;
use bytes::Bytes;
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    consumer::Consumer,
    core::{Core, Queued, Settled},
    envelope::Envelope,
    moments, planted,
    ports::{
        broker::{In, LogId, Partition},
        store::{CommitId, DocBody, DocKey, Guard, StoreError},
    },
    seen::{SEEN, is_seen, seen_body, seen_key},
    todo::{MAX_QUEUED, Todo, Work},
    unit::{Fail, Message, Unit},
};

/// Where a lane stands, as kept in its cursor document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// History of the broker the offset belongs to, in hex.
    pub(crate) log: String,
    /// Next offset.
    pub(crate) offset: u64,
    /// The refill it is in the midst of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refill: Option<u64>,
}

pub(crate) struct Lane {
    consumer: Arc<dyn Consumer>,
    /// Of a read model: that the generation it fills is the one shown.
    shown: Option<Guard>,
    pub(crate) partition: Partition,
    lease: String,
    pub(crate) cursor: Option<Cursor>,
    /// Revision of the cursor document once everything submitted is applied.
    pub(crate) revision: Option<CommitId>,
    /// Facts were skipped since the cursor was last written.
    skipped: bool,
    /// History is missing: the next offset to look at for a refill.
    pub(crate) looking: Option<u64>,
}

/// Why a lane stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Another instance reads this partition now, or another generation of the read model is shown: what is
    /// still held is opened anew.
    Lost,
    /// The store does not answer; try again.
    Later(StoreError),
    /// The broker's history is not the one the cursor belongs to.
    OtherLog,
}

enum Planned {
    Skip,
    Unit(Box<Unit>),
    /// The queue of this key is full: the lane has to wait.
    Full,
}

const IN_FLIGHT: usize = 128;
pub(crate) const CURSOR: &str = "cursor";
/// Attempts before a fact is parked.
const ATTEMPTS: u32 = 5;

impl Lane {
    /// Opens a lane at its cursor.
    pub(crate) async fn open(
        core: &Core,
        consumer: Arc<dyn Consumer>,
        partition: Partition,
        lease: String,
    ) -> Result<Self, StoreError> {
        let (consumer, shown) = core.reader(consumer).await?;
        let mut lane =
            Self { consumer, shown, partition, lease, cursor: None, revision: None, skipped: false, looking: None };
        match lane.reread(core).await {
            Err(Stop::Later(error)) => Err(error),
            Err(_) => Err(StoreError::Unavailable("another generation is shown meanwhile".into())),
            Ok(()) => Ok(lane),
        }
    }

    /// The next offset to fetch.
    pub(crate) fn offset(&self) -> u64 {
        self.looking.unwrap_or_else(|| self.cursor.as_ref().map_or(0, |cursor| cursor.offset))
    }

    /// Handles what was fetched, in order, until all of it is durable.
    pub(crate) async fn handle(&mut self, core: &Arc<Core>, log: LogId, messages: &[In]) -> Result<(), Stop> {
        let log = format!("{:032x}", log.0);
        let messages = if self.is_cut() { self.find_refill(core, &log, messages).await? } else { messages };
        if self.is_cut() {
            return Ok(());
        }
        let cursor = self.cursor.get_or_insert_with(|| Cursor { log: log.clone(), offset: 0, refill: None });
        if cursor.log != log {
            return Err(Stop::OtherLog);
        }
        let mut pauses = 0;
        loop {
            match self.pass(core, messages).await {
                Ok(()) => return Ok(()),
                Err(Stop::Later(error)) if pauses < 20 => {
                    tracing::debug!(consumer = self.consumer.name(), %error, "a lane plans again");
                    if !matches!(error, StoreError::Unknown(_)) || pauses > 0 {
                        core.env.sleep(core.pause(pauses)).await;
                    }
                    pauses += 1;
                    self.reread(core).await?;
                    core.env.sometimes(moments::LANE_AGAIN);
                    // What was passed over before these messages is not durable: an end of a refill may be among it.
                    if messages.first().is_some_and(|first| self.offset() < first.offset) {
                        return Ok(());
                    }
                    if planted::highest_first(core) {
                        self.skip_to_the_last(core, messages).await?;
                    }
                }
                Err(stop) => return Err(stop),
            }
        }
    }

    /// The planted bug `highest-offset`: the cursor moves past facts whose Commits were refused.
    async fn skip_to_the_last(&mut self, core: &Arc<Core>, messages: &[In]) -> Result<(), Stop> {
        if let (Some(cursor), Some(last)) = (&mut self.cursor, messages.last()) {
            cursor.offset = cursor.offset.max(last.offset + 1);
            self.skipped = true;
        }
        self.rest(core).await
    }

    /// The planted bug `effect-before-mark`: the effect is committed alone; the unit that is left holds the mark.
    async fn effect_alone(&self, core: &Arc<Core>, mut unit: Unit) -> Result<Unit, Stop> {
        let mut mark = Unit::new(core, CommitId(digest(&["mark", &format!("{:?}", unit.id)])));
        unit.take_writes(SEEN).into_iter().for_each(|(key, body)| mark.put(key, body));
        let Ok(queued) = core.submit(unit.plan()) else {
            return Err(Stop::Later(StoreError::Unknown("stale".into())));
        };
        failure(core.settle(queued).await).map_or(Ok(mark), Err)
    }

    /// Writes the cursor down if only skipped facts moved it.
    pub(crate) async fn rest(&mut self, core: &Arc<Core>) -> Result<(), Stop> {
        if !self.skipped {
            return Ok(());
        }
        let mut unit = Unit::new(core, self.input_id("rest"));
        self.advance(core, &mut unit)?;
        let Ok(queued) = core.submit(unit.plan()) else { return Ok(()) };
        self.revision = Some(queued.id);
        self.skipped = false;
        match core.settle(queued).await {
            Settled::Done => Ok(()),
            _ => self.reread(core).await,
        }
    }

    /// One attempt: plan and submit in order, collect the verdicts in order.
    async fn pass(&mut self, core: &Arc<Core>, messages: &[In]) -> Result<(), Stop> {
        let mut flying: VecDeque<Queued> = VecDeque::new();
        let mut failed = None;
        for message in messages {
            if message.offset < self.offset() {
                continue;
            }
            if flying.len() == IN_FLIGHT {
                let oldest = flying.pop_front().expect("just counted");
                failed = failure(core.settle(oldest).await);
            }
            if failed.is_none() {
                failed = self.submit(core, message, &mut flying).await.err();
            }
            if failed.is_some() {
                break;
            }
        }
        for queued in flying {
            let verdict = failure(core.settle(queued).await);
            failed = failed.or(verdict);
        }
        if core.leases.guard(&self.lease).is_none() {
            return Err(Stop::Lost);
        }
        failed.map_or(Ok(()), Err)
    }

    /// Plans one fact until it rests on nothing stale, and queues it.
    async fn submit(&mut self, core: &Arc<Core>, message: &In, flying: &mut VecDeque<Queued>) -> Result<(), Stop> {
        let next = Cursor { offset: message.offset + 1, ..self.cursor.clone().expect("set before the first pass") };
        if let Some(passed) = self.pass_over(message) {
            self.cursor = Some(passed);
            self.skipped = true;
            return Ok(());
        }
        loop {
            let mut unit = match self.plan(core, message).await? {
                Planned::Skip => {
                    self.cursor = Some(next);
                    self.skipped = true;
                    return Ok(());
                }
                Planned::Full => return Err(Stop::Later(StoreError::Unavailable("a queue of facts is full".into()))),
                Planned::Unit(unit) => unit,
            };
            if planted::position_first(core) {
                self.cursor = Some(next.clone());
                self.skipped = true;
                self.rest(core).await?;
            }
            if planted::effect_first(core) {
                *unit = self.effect_alone(core, *unit).await?;
            }
            let before = self.cursor.replace(next.clone());
            self.advance(core, &mut unit)?;
            let id = unit.id;
            match core.submit(unit.plan()) {
                Ok(queued) => {
                    self.revision = Some(id);
                    self.skipped = false;
                    flying.push_back(queued);
                    return Ok(());
                }
                Err(_) => self.cursor = before,
            }
        }
    }

    /// What a fact changes; a fact that fails becomes a to-do, and later facts of its key queue behind it.
    async fn plan(&self, core: &Arc<Core>, message: &In) -> Result<Planned, Stop> {
        let name = self.consumer.name();
        let id = self.input_id(&message.offset.to_string());
        let Ok(envelope) = Envelope::parse(&message.cloudevent) else {
            return self.unreadable(core, id, message).await;
        };
        let Some((wire, schema)) = envelope.name() else { return Ok(Planned::Skip) };
        if !self.consumer.reads(wire) || planted::drops(core, &*self.consumer, &envelope) {
            return Ok(Planned::Skip);
        }
        let fact = Message { name: wire.to_owned(), schema, data: envelope.data.get().as_bytes().to_vec().into() };
        let queue = queue_id(name, &envelope.partitionkey);
        let mut unit = Unit::new(core, id);
        let seen = seen_key(name, &envelope);
        let fallible = async {
            if unit.doc(&seen).await?.is_some_and(|data| is_seen(core, &data, envelope.sequence)) {
                return Ok(None);
            }
            let behind = unit.doc(&Todo::key(&queue)).await?;
            Ok::<_, Fail>(Some(behind.map(|data| Todo::decode(&data))))
        };
        let behind = match fallible.await {
            Ok(None) => return Ok(known(core)),
            Ok(Some(behind)) => behind.transpose().map_err(|why| Stop::Later(StoreError::Corrupt(why)))?,
            Err(fail) => return Err(later(fail)),
        };
        let error = if behind.is_some() && !planted::overtakes(core) {
            None
        } else {
            let ctx = envelope.ctx(name, unit.now_ms);
            let applied = AssertUnwindSafe(self.consumer.apply(&mut unit, fact, &ctx)).catch_unwind().await;
            match applied {
                Ok(Ok(())) => {
                    unit.put(seen, Some(seen_body(envelope.sequence, false)));
                    return Ok(Planned::Unit(Box::new(unit)));
                }
                Ok(Err(Fail::Corrupt(_))) if planted::skips_poison(core) => return Ok(Planned::Skip),
                Ok(Err(Fail::Corrupt(why))) => Some((why, true)),
                Ok(Err(fail)) => return Err(later(fail)),
                Err(panic) => Some((panic_text(panic.as_ref()), false)),
            }
        };
        let raw = raw(&message.cloudevent);
        self.enqueue(core, id, &queue, &envelope.partitionkey, raw, Some((seen, envelope.sequence)), error).await
    }

    /// Puts a fact at the end of its key's queue, making the queue if this is the one that failed.
    #[expect(clippy::too_many_arguments, reason = "one call site and one meaning each")]
    async fn enqueue(
        &self,
        core: &Arc<Core>,
        id: CommitId,
        queue: &str,
        key: &str,
        raw: Box<RawValue>,
        seen: Option<(DocKey, u64)>,
        error: Option<(String, bool)>,
    ) -> Result<Planned, Stop> {
        let mut unit = Unit::new(core, id);
        let found = unit.doc(&Todo::key(queue)).await.map_err(later)?;
        let mut todo = match found {
            Some(data) => Todo::decode(&data).map_err(|why| Stop::Later(StoreError::Corrupt(why)))?,
            None => Todo::facts(self.consumer.name(), key, unit.now_ms),
        };
        if let Some((why, for_good)) = error {
            tracing::error!(consumer = self.consumer.name(), key, error = why, "a fact could not be handled");
            todo.failed(why, if for_good { 1 } else { ATTEMPTS }, unit.now_ms, core.settings.retry_cap_ms);
        }
        let Work::Facts { facts, .. } = &mut todo.work else {
            return Err(Stop::Later(StoreError::Corrupt(format!("to-do {queue} is not a queue of facts"))));
        };
        if facts.len() >= MAX_QUEUED {
            return Ok(Planned::Full);
        }
        facts.push(raw);
        unit.put_todo(queue, &todo);
        if let Some((seen, sequence)) = seen {
            unit.doc(&seen).await.map_err(later)?;
            unit.put(seen, Some(seen_body(sequence, true)));
        }
        Ok(Planned::Unit(Box::new(unit)))
    }

    /// Something that is not a CloudEvent: parked under its own offset, since it names no key.
    async fn unreadable(&self, core: &Arc<Core>, id: CommitId, message: &In) -> Result<Planned, Stop> {
        let key = format!("{}/{}@{}", self.partition.topic, self.partition.index, message.offset);
        let queue = queue_id(self.consumer.name(), &key);
        let why = Some(("not a CloudEvent".to_owned(), true));
        self.enqueue(core, id, &queue, &key, raw(&message.cloudevent), None, why).await
    }

    /// Guards the lease and the cursor as the Commit before leaves it, and moves the cursor.
    pub(crate) fn advance(&self, core: &Core, unit: &mut Unit) -> Result<(), Stop> {
        let key = self.cursor_key();
        let fence = core.leases.guard(&self.lease).ok_or(Stop::Lost)?;
        if !planted::unfenced(core) {
            unit.fence(fence);
        }
        unit.fence(Guard::Doc(key.clone(), self.revision));
        self.shown.iter().for_each(|shown| unit.fence(shown.clone()));
        let data = serde_json::to_vec(&self.cursor).expect("a cursor has string keys and encodes as JSON");
        unit.put(key, Some(DocBody { data: data.into(), index: Vec::new() }));
        Ok(())
    }

    async fn reread(&mut self, core: &Core) -> Result<(), Stop> {
        let mut keys = vec![self.cursor_key()];
        keys.extend(self.shown.iter().filter_map(key_of));
        let mut found = core.store.docs(keys).await.map_err(Stop::Later)?.into_iter();
        let (found, shown) = (found.next().flatten(), found.next().flatten());
        if let Some(Guard::Doc(_, revision)) = &self.shown
            && shown.map(|doc| doc.revision) != *revision
        {
            return Err(Stop::Lost);
        }
        self.revision = found.as_ref().map(|doc| doc.revision);
        self.skipped = false;
        if let Some(doc) = found {
            let cursor = serde_json::from_slice(&doc.data);
            let cursor = cursor.map_err(|error| StoreError::Corrupt(format!("{}: {error}", doc.key)));
            self.cursor = Some(cursor.map_err(Stop::Later)?);
        } else if let Some(cursor) = &mut self.cursor {
            cursor.offset = 0;
        }
        Ok(())
    }

    pub(crate) fn cursor_key(&self) -> DocKey {
        cursor_key(self.consumer.name(), &self.partition)
    }

    pub(crate) fn input_id(&self, what: &str) -> CommitId {
        let log = self.cursor.as_ref().map_or("", |cursor| cursor.log.as_str());
        let place = format!("{}/{}", self.partition.topic, self.partition.index);
        CommitId(digest(&["input", self.consumer.name(), &place, log, what]))
    }
}

/// The document a guard is about.
fn key_of(guard: &Guard) -> Option<DocKey> {
    match guard {
        Guard::Doc(key, _) => Some(key.clone()),
        _ => None,
    }
}

/// The cursor document of a consumer in a partition.
pub(crate) fn cursor_key(consumer: &str, partition: &Partition) -> DocKey {
    DocKey::new(CURSOR, format!("{consumer}/{}/{}", partition.topic, partition.index))
}

pub(crate) fn queue_id(consumer: &str, key: &str) -> String {
    format!("fact/{consumer}/{key}")
}

/// Nothing to do for a fact that was seen before.
fn known(core: &Core) -> Planned {
    core.env.sometimes(moments::FACT_AGAIN);
    Planned::Skip
}

fn failure(settled: Settled) -> Option<Stop> {
    match settled {
        Settled::Done => None,
        Settled::Refused(_) => Some(Stop::Later(StoreError::Unknown("refused".into()))),
        Settled::Failed(error) => Some(Stop::Later(error)),
    }
}

fn later(fail: Fail) -> Stop {
    Stop::Later(match fail {
        Fail::Store(error) => error,
        Fail::Corrupt(why) => StoreError::Corrupt(why),
    })
}

/// A fact as it is kept in a queue: its JSON, or a JSON string of bytes that are not JSON.
pub(crate) fn raw(cloudevent: &Bytes) -> Box<RawValue> {
    serde_json::from_slice(cloudevent).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(cloudevent);
        serde_json::value::to_raw_value(&text).expect("a string encodes as JSON")
    })
}

pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the handler panicked: {}", text.unwrap_or_default())
}
