//! Publishing facts again: an operator asks, the relay does it under its lease, between what it publishes anyway.
//!
//! The bytes are those of the first time. The broker knows such messages by the number of their refill, so that it
//! takes them although it had them, and every reader can tell them from what happens now. A refill of a whole
//! context stands between two marks in every partition: whoever reads from the first mark on has everything
//! (`consume/gap.rs`). [0013](../../../../docs/decisions/0013-republication.md) says why this is safe.

use std::sync::Arc;

use bongsu_core::digest;
use serde_json::{json, value::to_raw_value};

use crate::{
    commit::{attempt::Tried, core::Core},
    ports::{
        broker::{BrokerError, Out, Place, partition_of},
        store::{Commit, CommitId, Doc, DocWrite, Guard, Position, StoreError, StoredFacts},
    },
    records::{
        cloudevent::{Envelope, rfc3339},
        lease::Resource,
        republish::{BEGAN, ENDED, Mark, Refill, Refills, decode_refills, refills_body, refills_key},
    },
    relay::{
        publish::{self, BATCH, PERSIST_EVERY, Relay},
        stop::Stop,
    },
};

/// The ordinal of a mark: behind every fact of an event, and one before the place at which a history parts, which is the
/// last there is.
const LAST: u32 = u32::MAX - 1;

/// Whether one of the whole context waits: nothing less fills a broker that is empty.
pub(crate) async fn whole_one_waits(core: &Core) -> Result<bool, Stop> {
    Ok(read(core).await?.0.waiting.iter().any(|refill| refill.subject.is_none()))
}

/// Has the one under way begin anew: the broker lost what it had of it.
pub(crate) async fn begin_anew(core: &Arc<Core>, epoch: u64) -> Result<(), Stop> {
    let (mut refills, found) = read(core).await?;
    match refills.waiting.first_mut() {
        Some(refill) if refill.until > 0 => {
            *refill = Refill { until: 0, done: 0, last: Place::default(), ..refill.clone() };
        }
        _ => return Ok(()),
    }
    if write(core, epoch, &refills, found).await? { Ok(()) } else { Err(Stop::Overtaken) }
}

/// Does everything that was asked for, while the lease is held.
///
/// Returns the last place of the last one of the whole context.
pub(crate) async fn publish_waiting(core: &Arc<Core>, by: Relay) -> Result<Option<Place>, Stop> {
    let mut ended = None;
    while core.leases.epoch(&Resource::Relay) == Some(by.epoch) {
        let (refills, found) = read(core).await?;
        let Some(refill) = refills.waiting.first().cloned() else { break };
        if refill.until == 0 {
            begin(core, by, (refills, found)).await?;
        } else {
            ended = go_on(core, by, (refills, found)).await?.or(ended);
        }
    }
    Ok(ended)
}

/// Sets the mark and notes where it will end: at least at everything published so far.
async fn begin(core: &Arc<Core>, by: Relay, found: (Refills, Option<Doc>)) -> Result<(), Stop> {
    let head = core.store.head().await?;
    let mut refills = found.0;
    let Some(refill) = refills.waiting.first_mut() else { return Ok(()) };
    tracing::info!(refill = refill.number, subject = refill.subject, until = head.0, "facts are published again");
    if refill.subject.is_none() {
        let began = marks(core, refill.number, Mark::Began, Place::default());
        refill.last = began.last().map_or(refill.last, Out::at);
        publish(core, by, refill.number, Place::default(), began).await?;
    }
    refill.until = head.0.max(1);
    refill.done = 0;
    write(core, by.epoch, &refills, found.1).await.map(drop)
}

/// Publishes from where it got to; at the end sets the mark and forgets it. Returns the place of the last mark.
async fn go_on(core: &Arc<Core>, by: Relay, found: (Refills, Option<Doc>)) -> Result<Option<Place>, Stop> {
    let mut refills = found.0;
    let Some(refill) = refills.waiting.first_mut() else { return Ok(None) };
    for _ in 0..PERSIST_EVERY {
        let after = Position(refill.done);
        let told = core.store.facts(after, BATCH).await?;
        let wanted = told.iter().filter(|told| told.position.0 <= refill.until);
        let Some(last) = wanted.clone().next_back().map(|told| told.position) else {
            let mut ended = None;
            if refill.subject.is_none() {
                let marks = marks(core, refill.number, Mark::Ended, refill.last);
                ended = marks.last().map(Out::at);
                publish(core, by, refill.number, refill.last, marks).await?;
            }
            tracing::info!(refill = refill.number, "facts were published again");
            refills.waiting.remove(0);
            return Ok(if write(core, by.epoch, &refills, found.1).await? { ended } else { None });
        };
        // The subject of a fact is its stream.
        let of_it = |told: &StoredFacts| {
            refill.subject.as_ref().is_none_or(|stream| told.facts.iter().any(|fact| fact.subject == *stream))
        };
        let batch: Vec<Out> = wanted.filter(|told| of_it(told)).flat_map(publish::out).collect();
        if let Some(reached) = batch.last().map(Out::at) {
            publish(core, by, refill.number, refill.last, batch).await?;
            refill.last = reached;
        }
        refill.done = last.0;
    }
    write(core, by.epoch, &refills, found.1).await.map(|_| None)
}

/// Publishes as a part of a refill. Facts have the places they have in the store; the marks it began with are before the
/// first, those it ends with behind the last fact's.
async fn publish(core: &Arc<Core>, by: Relay, refill: u64, after: Place, batch: Vec<Out>) -> Result<(), Stop> {
    core.env.step("refill.publish");
    let answer = by.tell(core, refill, after, batch).await;
    if matches!(answer, Err(BrokerError::Behind { .. })) {
        begin_anew(core, by.epoch).await?;
    }
    Ok(answer?)
}

/// One mark for each partition of the context's topic.
fn marks(core: &Core, number: u64, mark: Mark, behind: Place) -> Vec<Out> {
    let (kind, sequence) = match mark {
        Mark::Began => (BEGAN, 1),
        Mark::Ended => (ENDED, 2),
    };
    let data = to_raw_value(&json!({ "refill": number })).expect("a number encodes as JSON");
    let one = |index: u32| {
        let partitionkey = key_into(index, core.settings.partitions);
        let subject = format!("refill/{number}.{index}");
        let envelope = Envelope {
            specversion: "1.0".into(),
            id: format!("{}/{subject}@{sequence}", core.map.name).into(),
            source: core.map.name.into(),
            kind: kind.into(),
            subject: subject.into(),
            time: rfc3339(core.env.wall_ms()).into(),
            datacontenttype: "application/json".into(),
            dataschema: "".into(),
            sequence,
            ordinal: 0,
            partitionkey: partitionkey.as_str().into(),
            correlationid: "".into(),
            causationid: "".into(),
            traceparent: None,
            actor: None,
            data: &data,
        };
        let topic = core.map.name.to_owned();
        let cloudevent = envelope.encode();
        let Place { position, commit, .. } = behind;
        let ordinal = match mark {
            Mark::Began => index,
            Mark::Ended => LAST - core.settings.partitions + index,
        };
        Out { topic, partition_key: partitionkey, position, ordinal, commit, cloudevent }
    };
    (0..core.settings.partitions).map(one).collect()
}

/// The first of the keys `refill-0`, `refill-1`… that falls into a partition.
fn key_into(index: u32, partitions: u32) -> String {
    let keys = (0_u64..).map(|n| format!("refill-{n}"));
    let mut fitting = keys.filter(|key| partition_of(key, partitions) == index);
    fitting.next().unwrap_or_default()
}

pub(crate) async fn read(core: &Core) -> Result<(Refills, Option<Doc>), StoreError> {
    let found = core.store.docs(vec![refills_key()]).await?.pop().flatten();
    let refills = found.as_ref().map(|doc| decode_refills(&doc.data)).transpose()?;
    Ok((refills.unwrap_or_default(), found))
}

/// Notes what is left; false when somebody asked for more meanwhile: then it is to be read again.
async fn write(core: &Arc<Core>, epoch: u64, refills: &Refills, found: Option<Doc>) -> Result<bool, Stop> {
    let before = found.map(|doc| doc.revision);
    let salt = core.env.random().to_string();
    let mut commit = Commit::new(CommitId(digest(&["refill", &core.settings.slot, &epoch.to_string(), &salt])));
    // Without a fence it would be written after the lease was lost.
    commit.guards.push(core.leases.guard(&Resource::Relay).ok_or(Stop::Lost)?);
    commit.guards.push(Guard::Doc(refills_key(), before));
    commit.docs.push(DocWrite { key: refills_key(), put: Some(refills_body(refills)) });
    match core.attempt_documents(commit).await? {
        Tried::Done => Ok(true),
        Tried::Overtaken(_) => Ok(false),
        Tried::Unknown(why) => Err(StoreError::Unknown(why).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_can_be_marked() {
        for partitions in [1, 2, 8, 33] {
            let hit = |index| partition_of(&key_into(index, partitions), partitions);
            assert!((0..partitions).all(|index| hit(index) == index));
        }
    }
}
