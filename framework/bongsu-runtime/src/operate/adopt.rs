//! An operator opens a new history: from this store on, from the last place that it has in common with the broker.
//!
//! What is in common is found by the ids of facts: an id follows from the Commit that wrote it. What the broker has
//! beyond is orphaned: readers are told where the histories parted, and skip it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bongsu_core::digest;
use serde::Serialize;

use crate::{
    commit::{
        core::Core,
        fail::{CommandError, failed, refused},
    },
    operate::{act::until_done, note::Deed},
    ports::{
        broker::{Attributes, BrokerError, FETCH_BYTES, History, HistoryId, In, Parting, Place, Standing, is_orphaned},
        store::{Position, StoredFacts},
    },
    records::{
        deed::{AboutAdoption, HISTORY_ADOPTED},
        history::{history_key, history_written},
        relay::relay_key,
    },
    relay::{
        agree::{Agreement, ask},
        publish,
    },
};

/// What an adoption does, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Adoption {
    /// The history it opened; `None` when it was only asked for.
    pub history: Option<HistoryId>,
    /// The history it parts from; `None` when the broker knows none by name.
    pub from: Option<HistoryId>,
    /// The last position both have; 0 when they have none.
    pub position: u64,
    /// How many facts are orphaned: published, and unknown to this store.
    pub orphans: u64,
    /// The first of them.
    pub orphaned: Vec<Orphan>,
}

/// A fact that was published and is unknown to this store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Orphan {
    /// Its id.
    pub id: String,
    /// Wire name with version.
    pub kind: String,
    /// Its stream.
    pub subject: String,
    /// Its place among the facts of that stream.
    pub sequence: u64,
    /// Its position in the store it came from; 0 when the broker did not note it.
    pub position: u64,
}

/// So many orphans are named: more than a person reads, and few enough for one answer.
const NAMED: usize = 1_000;

/// What the broker has of this service.
#[derive(Default)]
struct Survey {
    /// Ids of facts that this store has, too.
    common: HashSet<u128>,
    orphans: u64,
    named: Vec<Orphan>,
    /// Nothing was cut from the topic.
    whole: bool,
}

/// Opens a history, or says what opening one would do; `None` when store and broker have one history.
pub(crate) async fn adopt(core: &Arc<Core>, deed: Option<&Deed>) -> Result<Option<Adoption>, CommandError> {
    let standing = core.broker.standing(core.map.name).await.map_err(away)?;
    let (_, agreement) = ask(core, &standing, Place::default()).await.map_err(failed)?;
    if !matches!(agreement, Agreement::Parted(_)) {
        return Ok(None);
    }
    let Survey { common, orphans, named, whole } = survey(core, &standing).await?;
    let parting = parting(core, &common, whole).await?;
    let mut adoption =
        Adoption { history: None, from: standing.history, position: parting.position, orphans, orphaned: named };
    if let Some(deed) = deed {
        adoption.history = Some(open(core, deed, &standing, parting, &adoption).await?);
    }
    Ok(Some(adoption))
}

/// Reads everything the broker keeps of this service.
async fn survey(core: &Core, standing: &Standing) -> Result<Survey, CommandError> {
    let mine = own_ids(core).await?;
    let partings: Vec<u64> = standing.partings.iter().map(|parting| parting.position).collect();
    let bounds = core.broker.bounds(core.map.name).await.map_err(away)?;
    let mut survey =
        Survey { whole: bounds.partitions.iter().all(|(_, earliest, _)| *earliest == 0), ..Survey::default() };
    let mut orphans = HashSet::new();
    for (partition, earliest, end) in bounds.partitions {
        let mut next = earliest;
        while next < end {
            let before = next;
            let batch = core.broker.fetch(vec![(partition.clone(), next)], FETCH_BYTES, Duration::ZERO).await;
            let messages = batch.map_err(away)?.messages.into_iter().flat_map(|(_, messages)| messages);
            for message in messages {
                next = message.offset + 1;
                if is_orphaned(&partings, message.era, message.position) {
                    continue;
                }
                let Some((id, orphan)) = read(core, &message) else { continue };
                if mine.contains(&id) {
                    survey.common.insert(id);
                } else if orphans.insert(id) && survey.named.len() < NAMED {
                    survey.named.push(orphan);
                }
            }
            if next == before {
                return Err(CommandError::Unavailable(format!("the broker brings nothing of {partition:?}")));
            }
        }
    }
    survey.orphans = orphans.len() as u64;
    survey.named.sort_by(|one, other| {
        (one.position, &one.subject, one.sequence).cmp(&(other.position, &other.subject, other.sequence))
    });
    Ok(survey)
}

/// A fact of this service, by the digest of its id.
fn read(core: &Core, message: &In) -> Option<(u128, Orphan)> {
    let read = Attributes::read(&message.cloudevent).ok()?;
    if read.source != core.map.name || read.kind.starts_with("bongsu.") {
        return None;
    }
    let (id, kind, subject) = (read.id.into_owned(), read.kind.into_owned(), read.subject.into_owned());
    let sequence = read.sequence;
    let position = message.position;
    Some((digest(&[&id]), Orphan { id, kind, subject, sequence, position }))
}

async fn own_ids(core: &Core) -> Result<HashSet<u128>, CommandError> {
    let mut ids = HashSet::new();
    let mut after = Position(0);
    loop {
        let told = core.store.facts(after, publish::BATCH).await.map_err(failed)?;
        let Some(last) = told.last() else { return Ok(ids) };
        after = last.position;
        ids.extend(told.iter().flat_map(|told| &told.facts).map(|fact| digest(&[&fact.id])));
    }
}

/// The last place up to which everything this store tells is in the broker. What retention has cut from the beginning
/// counts as having been there; if nothing is left in common, what the relay of this store was told does.
async fn parting(core: &Core, common: &HashSet<u128>, whole: bool) -> Result<Place, CommandError> {
    let known = |told: &StoredFacts| told.facts.iter().all(|fact| common.contains(&digest(&[&fact.id])));
    let mut last = Place::default();
    let mut begun = whole;
    let mut after = Position(0);
    'reading: loop {
        let told = core.store.facts(after, publish::BATCH).await.map_err(failed)?;
        let Some(end) = told.last().map(|told| told.position) else { break };
        after = end;
        for told in &told {
            match (known(told), begun) {
                (true, _) => {
                    last = publish::last_of(told);
                    begun = true;
                }
                (false, true) => break 'reading,
                (false, false) => {}
            }
        }
    }
    if begun { Ok(last) } else { publish::acknowledged(core).await.map_err(failed) }
}

/// One Commit: the new history, the relay's cursor where it parts, and who did it.
async fn open(
    core: &Arc<Core>,
    deed: &Deed,
    standing: &Standing,
    parting: Place,
    adoption: &Adoption,
) -> Result<HistoryId, CommandError> {
    let id = HistoryId::drawn(&*core.env);
    let key = history_key();
    let opened = until_done(core, &key, |mut unit| async move {
        let before = unit.doc(&history_key()).await.map_err(refused)?;
        let before: Option<History> = before.and_then(|data| serde_json::from_slice(&data).ok());
        let from = standing.history.or(before.map(|before| before.id)).unwrap_or(id);
        let mut partings = standing.partings.clone();
        partings.push(Parting { from, position: parting.position, commit: parting.commit });
        let write = history_written(&History { id, partings });
        unit.put(write.key, write.put);
        unit.put(relay_key(), Some(publish::beginning(parting)));
        let Adoption { from, orphans, .. } = *adoption;
        let about = AboutAdoption { history: id, from, position: parting.position, orphans };
        unit.note_deed(deed, HISTORY_ADOPTED, "adopt", about).await.map_err(refused)?;
        Ok(Some((unit, ())))
    });
    opened.await.map(|_| id)
}

fn away(error: BrokerError) -> CommandError {
    CommandError::Unavailable(error.to_string())
}
