//! What one fact changes: the reaction of its consumer, or its place in a queue of facts that wait.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
};

use futures::FutureExt;

use crate::{
    commit::{core::Core, fail::Fail, map::Consumer, tasks::panic_text, unit::Unit},
    consume::lane::{InboxPlan, Lane, Stop},
    ports::{broker::In, coverage, store::DocKey},
    records::{
        cloudevent::{Envelope, Written},
        message::Message,
        queue::fact_body,
        seen::{Seen, Stand, seen_key},
        todo::{Failed, MAX_QUEUED, Todo},
        todo_id::TodoId,
    },
};

/// A message with what is written on it.
pub(crate) struct Heard<'m> {
    pub(crate) message: &'m In,
    written: Written<'m>,
    /// What its consumer hears of it: found out once, for looking ahead and for planning.
    fact: OnceLock<Option<HeardFact>>,
}

/// A fact that a consumer hears, and where it looks before it acts on it.
struct HeardFact {
    fact: Message,
    /// Its subject's mark.
    seen: DocKey,
    /// Where it waits when it fails, and the head of those who do.
    queue: TodoId,
    head: DocKey,
}

/// Why a fact goes into a queue, and where its mark is.
struct Waits<'a> {
    queue: &'a TodoId,
    key: &'a str,
    mark: Option<(DocKey, Seen)>,
    /// Why it failed, and what that means; `None`: it waits behind one that did.
    error: Option<(String, Failed)>,
}

/// Documents looked up at once: a read holds a reader only so long.
const AT_ONCE: usize = 100;

impl<'m> Heard<'m> {
    pub(crate) fn of(message: &'m In, consumer: &dyn Consumer) -> Self {
        let written = Written::on(&message.cloudevent, |name| consumer.reads(name));
        Self { message, written, fact: OnceLock::new() }
    }

    /// The envelope and the fact in it, if its consumer hears it.
    fn fact(&self, core: &Core, consumer: &dyn Consumer) -> Option<(&Envelope<'m>, &HeardFact)> {
        let Written::Fact(envelope) = &self.written else { return None };
        let fact = self.fact.get_or_init(|| {
            let stand = Stand::of(envelope.sequence, self.message);
            let (name, schema) = core.hears(envelope, stand, |name| consumer.reads(name))?;
            let data = self.message.cloudevent.slice_ref(envelope.data.get().as_bytes());
            let queue = TodoId::queue(consumer.name(), &envelope.partitionkey);
            let seen = seen_key(consumer.name(), envelope);
            let head = Todo::key(&queue);
            Some(HeardFact { fact: Message::new(name, schema, data), seen, queue, head })
        });
        Some((envelope, fact.as_ref()?))
    }
}

impl Lane {
    /// Has the marks, queues and rows of a batch in the cache, by one read where there would be three for each fact.
    pub(crate) async fn look_ahead(&self, core: &Core, heard: &[Heard<'_>]) -> Result<(), Stop> {
        let mut missing = Vec::new();
        for it in heard.iter().filter(|it| it.message.offset >= self.offset()) {
            let Some((_, HeardFact { fact, seen, head, .. })) = it.fact(core, self.consumer.as_ref()) else { continue };
            // A panic is met again, and handled, when the fact is planned.
            let rows = catch_unwind(AssertUnwindSafe(|| self.consumer.rows(fact))).unwrap_or_default();
            let mut cache = core.cache();
            missing.extend([seen, head].into_iter().filter(|key| cache.doc(key).is_none()).cloned());
            missing.extend(rows.into_iter().filter(|key| cache.doc(key).is_none()));
        }
        missing.sort_unstable();
        missing.dedup();
        for keys in missing.chunks(AT_ONCE) {
            let found = core.store.docs(keys.to_vec()).await?;
            let mut cache = core.cache();
            for (key, doc) in keys.iter().zip(found) {
                // What was believed meanwhile is newer.
                if cache.doc(key).is_none() {
                    cache.put_doc(key.clone(), doc.into());
                }
            }
        }
        Ok(())
    }

    /// What a fact changes; a fact that fails becomes a to-do, and later facts of its key queue behind it.
    pub(crate) async fn plan(&self, core: &Arc<Core>, heard: &Heard<'_>) -> Result<InboxPlan, Stop> {
        let message = heard.message;
        let unfit = self.unfit.get(&message.offset);
        if matches!(heard.written, Written::Garbage) || unfit.is_some_and(|unfit| unfit.times > 1) {
            let why = unfit.map_or("not a CloudEvent", |unfit| &unfit.why);
            return self.put_alone(core, message, why).await;
        }
        let Some((envelope, fact)) = heard.fact(core, self.consumer.as_ref()) else { return Ok(InboxPlan::Skip) };
        let HeardFact { fact, seen, queue, head } = fact;
        let mut unit = Unit::new(core);
        let mark = unit.doc(seen).await?.and_then(|data| Seen::read(&data));
        let stand = Stand::of(envelope.sequence, message);
        let partings = core.partings.of(&envelope.source).unwrap_or_default();
        if mark.as_ref().is_some_and(|mark| mark.stand().covers(stand, &partings)) {
            core.env.sometimes(coverage::FACT_AGAIN);
            return Ok(InboxPlan::Skip);
        }
        let waiting = mark.as_ref().is_some_and(|mark| mark.queued);
        let next = Seen::after(&partings, mark, stand);
        let behind = waits_in(&mut unit, (queue, head), waiting).await?;
        let error = if behind.is_some() {
            None
        } else if let Some(unfit) = unfit {
            Some((unfit.why.clone(), Failed::ForGood))
        } else {
            match self.react(core, unit, fact.clone(), envelope, (seen, &next)).await? {
                Ok(planned) => return Ok(planned),
                Err(error) => Some(error),
            }
        };
        let queue = behind.as_ref().unwrap_or(queue);
        let mark = Some((seen.clone(), Seen { queued: true, ..next }));
        self.enqueue(core, message, Waits { queue, key: &envelope.partitionkey, mark, error }).await
    }

    /// What the consumer does with a fact; why it cannot, and what that means.
    async fn react(
        &self,
        core: &Arc<Core>,
        mut unit: Unit,
        fact: Message,
        envelope: &Envelope<'_>,
        (seen, mark): (&DocKey, &Seen),
    ) -> Result<Result<InboxPlan, (String, Failed)>, Stop> {
        let ctx = envelope.ctx(self.consumer.name(), unit.now_ms);
        let applied = AssertUnwindSafe(self.consumer.apply(&mut unit, fact, envelope, &ctx)).catch_unwind().await;
        let error = match applied {
            Ok(Ok(())) => {
                unit.put(seen.clone(), Some(mark.body()));
                return Ok(Ok(InboxPlan::Unit(Box::new(unit))));
            }
            Ok(Err(fail)) => fail.of_an_input()?,
            Err(panic) => (panic_text(panic.as_ref()), Failed::Counts),
        };
        // Believed only when it rests on nothing stale: what is in the cache may never have been.
        match core.still_holds(unit).await {
            Ok(true) => Ok(Err(error)),
            Ok(false) => Err(Stop::Refused),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts a fact at the end of a queue, making the queue if this is the first in it.
    async fn enqueue(
        &self,
        core: &Arc<Core>,
        message: &In,
        Waits { queue, key, mark, error }: Waits<'_>,
    ) -> Result<InboxPlan, Stop> {
        let mut unit = Unit::new(core);
        let mut todo = match unit.doc(&Todo::key(queue)).await? {
            Some(data) => match Todo::decode(&data) {
                Ok(todo) => todo,
                Err(why) => return Ok(InboxPlan::Unfit(why.to_string())),
            },
            None => Todo::facts(self.consumer.name(), key, unit.now_ms),
        };
        if let Some((why, how)) = error {
            tracing::error!(consumer = self.consumer.name(), key, error = why, "a fact could not be handled");
            todo.note(&why, how, unit.now_ms, core.settings.retry_cap_ms);
        }
        let Some(head) = todo.queue_mut() else {
            return Ok(InboxPlan::Unfit(format!("to-do {queue} is not a queue of facts")));
        };
        if head.len() >= MAX_QUEUED {
            return Ok(InboxPlan::Full(format!(
                "{MAX_QUEUED} facts wait behind one that failed: {queue} (bongsu parked)"
            )));
        }
        unit.put(head.push(queue), Some(fact_body(&message.cloudevent)));
        unit.put_todo(queue, &todo);
        if let Some((seen, mark)) = mark {
            unit.doc(&seen).await?;
            unit.put(seen, Some(mark.body()));
        }
        Ok(InboxPlan::Unit(Box::new(unit)))
    }

    /// Something that is not a CloudEvent, or that cannot even wait under its key: parked under its own offset.
    async fn put_alone(&self, core: &Arc<Core>, message: &In, why: &str) -> Result<InboxPlan, Stop> {
        let key = format!("{}/{}@{}", self.partition.topic, self.partition.index, message.offset);
        let queue = TodoId::queue(self.consumer.name(), &key);
        let error = Some((why.to_owned(), Failed::ForGood));
        self.enqueue(core, message, Waits { queue: &queue, key: &key, mark: None, error }).await
    }
}

/// The queue that a fact has to join instead of being handled. A head that this build cannot read (a newer build's) stops
/// its key and nothing else: its facts wait beside it, and so does whatever comes for a subject of which some wait there.
async fn waits_in(unit: &mut Unit, (queue, head): (&TodoId, &DocKey), marked: bool) -> Result<Option<TodoId>, Fail> {
    let head = unit.doc(head).await?;
    let readable = head.as_ref().is_some_and(|data| Todo::decode(data).is_ok_and(|todo| todo.queue().is_some()));
    if readable || head.is_none() && !marked {
        return Ok(readable.then(|| queue.clone()));
    }
    let beside = queue.beside();
    let exists = unit.doc(&Todo::key(&beside)).await?.is_some();
    Ok((head.is_some() || exists).then_some(beside))
}
