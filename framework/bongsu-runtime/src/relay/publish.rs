//! Publishes what was committed, in commit order: the store is the outbox.

use std::{sync::Arc, time::Duration};

use bongsu_core::digest;

use crate::{
    commit::{attempt::Tried, core::Core},
    lease::outbid::outbid,
    ports::{
        broker::{BrokerError, HistoryId, Out, Place, Producer},
        store::{Commit, CommitId, DocBody, DocKey, DocWrite, Position, StoreError, StoredFacts},
    },
    records::{
        lease::Resource,
        relay::{At, relay_key},
    },
    relay::{
        agree::{self, Agreement},
        republish,
        stop::Stop,
        topics,
    },
};

/// Who relays: what the broker knows it by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Relay {
    pub(crate) epoch: u64,
    pub(crate) history: HistoryId,
}

/// Before a batch that was refused is told again: what is refused for good is said once a second and not more often.
const REFUSED: Duration = Duration::from_secs(1);
/// How often it looks whether somebody asked for a refill: an operator waits, and half a second is no wait.
const QUIET: Duration = Duration::from_millis(500);
/// Facts of so many events are read at once: of usual size about what one request to the broker carries.
pub(crate) const BATCH: u32 = 256;
/// The cursor is written every so many batches, so that it costs little beside them, and when nothing is left: what is
/// published again after a crash the broker drops.
pub(crate) const PERSIST_EVERY: u32 = 16;

/// Relays while this instance holds the lease.
pub(crate) async fn run(core: Arc<Core>) {
    let mut pauses = 0_u32;
    loop {
        let changed = core.leases.changed.notified();
        let Some(epoch) = core.leases.epoch(&Resource::Relay) else {
            changed.await;
            continue;
        };
        drop(changed);
        match relay(&core, epoch).await {
            Ok(()) => pauses = 0,
            Err(why) => {
                if pauses == 0 {
                    tracing::warn!(%why, "facts cannot be published; they wait in the store");
                }
                core.env.sleep(core.pause(pauses)).await;
                pauses = pauses.saturating_add(1);
            }
        }
    }
}

/// Agrees with the broker on what is there, then publishes what comes after it until the lease is lost or something fails.
async fn relay(core: &Arc<Core>, epoch: u64) -> Result<(), Stop> {
    let key = relay_key();
    let found = core.store.docs(vec![key.clone()]).await?.pop().flatten();
    let mut written = found.and_then(|doc| serde_json::from_slice::<At>(&doc.data).ok()).unwrap_or_default();
    let Some((by, mut at)) = agree(core, epoch, written).await? else { return Ok(()) };
    let mut asked = None;
    let mut batches = 0;
    while core.leases.epoch(&Resource::Relay) == Some(epoch) {
        let now = core.env.mono();
        if asked.is_none_or(|asked| now.saturating_sub(asked) >= QUIET) {
            asked = Some(now);
            if let Some(ended) = republish::publish_waiting(core, by).await? {
                at = at.upto(ended);
            }
            if core.leases.epoch(&Resource::Relay) != Some(epoch) {
                // Learnt in the midst of a refill: what is told now would come between its marks.
                break;
            }
        }
        // The head is read first: what is up to it and carries no facts need not be looked at again.
        let head = core.store.head().await?;
        let after = Position(at.position);
        let told = if head > after { core.store.facts(after, BATCH).await? } else { Vec::new() };
        let Some(last) = told.last() else {
            at.position = at.position.max(head.0);
            if written != at {
                persist(core, &key, epoch, at).await?;
                written = at;
            }
            core.store.changed(Position(at.position)).await;
            continue;
        };
        publish(core, by, at.told(), &told).await?;
        at = At { position: last.position.0, ..at.upto(last_of(last)) };
        batches += 1;
        if batches % PERSIST_EVERY == 0 {
            persist(core, &key, epoch, at).await?;
            written = at;
        }
    }
    Ok(())
}

/// Where to go on, once store and broker agree on it; `None` when there is to be asked anew.
async fn agree(core: &Arc<Core>, epoch: u64, written: At) -> Result<Option<(Relay, At)>, Stop> {
    let service = core.map.name;
    let standing = core.broker.standing(service).await?;
    let (mine, agreement) = agree::ask(core, &standing, written.told()).await?;
    core.history_is(&agreement);
    if !matches!(agreement, Agreement::Parted(_)) && standing.epoch > epoch {
        // Whoever was it is not: this store's lease says who relays, and it is this instance's.
        tracing::info!(epoch, known = standing.epoch, "the broker knows a later epoch of the relay: it is raised");
        return match outbid(core, &Resource::Relay, standing.epoch).await {
            Ok(true) => Ok(None),
            Ok(false) => Err(Stop::Lost),
            Err(error) => Err(error.into()),
        };
    }
    let by = Relay { epoch, history: mine.id };
    match agreement {
        // What has several facts may be there in part.
        Agreement::Upto(has) => {
            let position = if has.position == 0 { 0 } else { has.position - 1 };
            Ok(Some((by, At { position, ..At::default() }.upto(has))))
        }
        Agreement::Unnamed => {
            core.env.step("relay.take-up");
            core.broker.take_up(service, epoch, &mine).await?;
            Ok(None)
        }
        Agreement::Behind => {
            wait_for_refill(core, epoch).await?;
            Ok(Some((by, written)))
        }
        Agreement::Parted(_) => {
            core.env.sleep(QUIET).await;
            Ok(None)
        }
    }
}

/// Publishes nothing into a broker that lost what it was given: what came first would then come last. Says so once,
/// and waits until an operator has everything published again.
async fn wait_for_refill(core: &Arc<Core>, epoch: u64) -> Result<(), Stop> {
    let mut told = false;
    while core.leases.epoch(&Resource::Relay) == Some(epoch) {
        if republish::whole_one_waits(core).await? {
            core.health.goes_on(&Resource::Relay);
            return Ok(());
        }
        if !told {
            told = true;
            let remedy = format!("bongsu republish {}", core.map.name);
            core.health.halt(&Resource::Relay, &format!("the broker's history was replaced; {remedy}"));
            tracing::error!(
                code = "history-replaced",
                remedy,
                "the broker's history was replaced: facts wait in the store until all are published again"
            );
        }
        core.env.sleep(QUIET).await;
    }
    core.health.goes_on(&Resource::Relay);
    Err(Stop::Lost)
}

/// Publishes a batch. Whatever is refused is answered by asking anew what is there.
async fn publish(core: &Core, by: Relay, after: Place, told: &[StoredFacts]) -> Result<(), Stop> {
    core.env.step("relay.publish");
    let answer = by.tell(core, 0, after, told.iter().flat_map(out).collect()).await;
    if let Err(error @ (BrokerError::Fenced { .. } | BrokerError::Invalid(_))) = &answer {
        tracing::error!(%error, "the broker refuses the relay");
        core.env.sleep(REFUSED).await;
    }
    Ok(answer?)
}

/// The last place of an event's facts.
pub(crate) fn last_of(told: &StoredFacts) -> Place {
    let ordinal = told.facts.len().saturating_sub(1) as u32;
    Place { position: told.position.0, ordinal, commit: Some(told.commit) }
}

pub(crate) fn out(told: &StoredFacts) -> impl Iterator<Item = Out> + '_ {
    told.facts.iter().enumerate().map(move |(ordinal, fact)| Out {
        topic: fact.topic.clone(),
        partition_key: fact.partition_key.clone(),
        position: told.position.0,
        ordinal: ordinal as u32,
        commit: Some(told.commit),
        cloudevent: fact.cloudevent.clone(),
    })
}

impl Relay {
    /// Publishes a batch behind a place, as a part of a refill (0: of none). A topic that is missing is made.
    pub(crate) async fn tell(self, core: &Core, refill: u64, after: Place, batch: Vec<Out>) -> Result<(), BrokerError> {
        let Self { epoch, history } = self;
        let from = Producer { service: core.map.name, epoch, refill, history: Some(history), after };
        let answer = core.broker.publish(from, batch.clone()).await;
        if matches!(answer, Err(BrokerError::Invalid(_))) && topics::ensure(core, core.map.name).await.is_ok() {
            return core.broker.publish(from, batch).await;
        }
        answer
    }
}

/// The last that the broker acknowledged to this store.
pub(crate) async fn acknowledged(core: &Core) -> Result<Place, StoreError> {
    let found = core.store.docs(vec![relay_key()]).await?.pop().flatten();
    Ok(found.and_then(|doc| serde_json::from_slice::<At>(&doc.data).ok()).unwrap_or_default().told())
}

/// The cursor of a relay that begins behind a place.
pub(crate) fn beginning(behind: Place) -> DocBody {
    At { position: behind.position, ..At::default() }.upto(behind).body()
}

async fn persist(core: &Arc<Core>, key: &DocKey, epoch: u64, at: At) -> Result<(), Stop> {
    let id = CommitId(digest(&["relay", &core.settings.slot, &epoch.to_string(), &at.position.to_string()]));
    let mut commit = Commit::new(id);
    // Lost meanwhile: without a fence, whoever relays now would be set back.
    commit.guards.push(core.leases.guard(&Resource::Relay).ok_or(Stop::Lost)?);
    commit.docs.push(DocWrite { key: key.clone(), put: Some(at.body()) });
    match core.attempt_documents(commit).await? {
        Tried::Done => Ok(()),
        Tried::Overtaken(_) => Err(Stop::Lost),
        Tried::Unknown(why) => Err(StoreError::Unknown(why).into()),
    }
}
