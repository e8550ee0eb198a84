//! What became of facts that are orphaned now: read models that applied them are filled again, and for whatever else did
//! an operator finds a note among what is parked.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bongsu_core::digest;
use futures::{FutureExt, pin_mut, select_biased};
use serde::Serialize;

use crate::{
    commit::{attempt::Planned, core::Core},
    ports::{
        broker::is_orphaned,
        store::{Commit, CommitId, DocBody, DocWrite, Guard, StoreError},
    },
    projection::rebuild::{self, ask::NotRebuilt, sweep::pages},
    records::{
        generation::split,
        history::parting_key,
        lease::Resource,
        rebuild::Purpose,
        seen::{SEEN, Seen, Stand},
        todo::Todo,
        todo_id::TodoId,
    },
};

/// What a consumer has heard of one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// A policy or process, or NAME@VERSION of a read model.
    pub consumer: String,
    /// The stream.
    pub subject: String,
    /// The last sequence heard of it.
    pub sequence: u64,
    /// The position of that fact.
    pub position: u64,
    /// Whether it is a read model, which can be filled again.
    pub read_model: bool,
}

/// How often it is looked whether something is left to do: after a history has parted, which is when an operator restored
/// something, and nobody waits for the second.
const LOOK: Duration = Duration::from_secs(5);
/// So much later it is looked once more: what was fetched before the parting was known may have been under way.
const AGAIN: Duration = Duration::from_secs(10);
/// Most that are named to whoever asks: more than a person reads, and few enough for one answer.
const NAMED: usize = 1_000;
/// Notes in one Commit: it holds the file for no longer than a few commands do.
const NOTES: usize = 100;
/// How often notes are planned anew because others left some of them meanwhile: whoever looks next goes on.
const TRIES: u32 = 3;

/// What consumers have heard last beyond a position of a service's history.
pub(crate) async fn applied(core: &Core, source: &str, after: u64) -> Result<Vec<Applied>, StoreError> {
    let beyond = |seen: &Seen| Some(seen.stand()).filter(|stand| stand.position > after);
    let mut found = find(core, source, beyond).await?;
    found.truncate(NAMED);
    Ok(found)
}

/// What is wanted of the marks of a source, of generations that are shown.
async fn find(core: &Core, source: &str, wanted: impl Fn(&Seen) -> Option<Stand>) -> Result<Vec<Applied>, StoreError> {
    let mut found = Vec::new();
    for consumer in &core.map.consumers {
        if !consumer.topics().iter().any(|topic| topic == source) {
            continue;
        }
        let (reader, _) = core.reader(consumer.clone()).await?;
        let prefix = format!("{}/{source}/", reader.name());
        let mut pages = pages(core, SEEN, None, &prefix);
        while let Some(docs) = pages.next().await? {
            for doc in docs {
                let Ok(seen) = serde_json::from_slice::<Seen>(&doc.data) else { continue };
                if let Some(Stand { sequence, position, .. }) = wanted(&seen) {
                    found.push(Applied {
                        consumer: consumer.name().to_owned(),
                        subject: doc.key.id[prefix.len()..].to_owned(),
                        sequence,
                        position,
                        read_model: split(reader.name()).is_some(),
                    });
                }
            }
        }
    }
    Ok(found)
}

/// Looks after every parting that is heard of, on the instance that relays, for ever.
pub(crate) async fn look_for_orphans(core: Arc<Core>) {
    loop {
        let rung = core.partings.rung.notified().fuse();
        pin_mut!(rung);
        if core.leases.epoch(&Resource::Relay).is_some() {
            for (source, partings) in core.partings.all() {
                if let Err(error) = look_after(&core, &source, &partings).await {
                    tracing::warn!(source, %error, "what became of orphaned facts cannot be looked for now");
                }
            }
        }
        let nap = core.env.sleep(LOOK).fuse();
        pin_mut!(nap);
        select_biased! { () = rung => {}, () = nap => {} }
    }
}

async fn look_after(core: &Arc<Core>, source: &str, partings: &[u64]) -> Result<(), StoreError> {
    let key = parting_key(source);
    let done = core.store.docs(vec![key.clone()]).await?.pop().flatten();
    let known = done.as_ref().and_then(|doc| serde_json::from_slice::<usize>(&doc.data).ok()).unwrap_or(0);
    if known >= partings.len() {
        return Ok(());
    }
    treat(core, source, partings, known, true).await?;
    core.env.sleep(AGAIN).await;
    treat(core, source, partings, known, false).await?;
    let mut commit = Commit::new(CommitId(digest(&["parting", source, &core.env.random().to_string()])));
    commit.guards.push(Guard::Doc(key.clone(), done.map(|doc| doc.revision)));
    let data = serde_json::to_vec(&partings.len()).expect("a number encodes as JSON");
    commit.docs.push(DocWrite { key, put: Some(DocBody { data: data.into(), index: Vec::new() }) });
    core.attempt_documents(commit).await.map(drop)
}

/// Has read models filled again, and leaves a note for each subject of whatever else heard orphans.
/// Those that an earlier parting orphaned were looked after then.
async fn treat(core: &Arc<Core>, source: &str, partings: &[u64], known: usize, first: bool) -> Result<(), StoreError> {
    let orphaned = |stand: &Stand| {
        is_orphaned(partings, stand.era, stand.position)
            && !is_orphaned(partings.get(..known).unwrap_or_default(), stand.era, stand.position)
    };
    let found = find(core, source, |seen| Some(seen.stand()).filter(orphaned).or(seen.orphan.filter(orphaned))).await?;
    let mut read_models: BTreeMap<&str, usize> = BTreeMap::new();
    for one in found.iter().filter(|one| one.read_model) {
        *read_models.entry(one.consumer.split('@').next().unwrap_or_default()).or_default() += 1;
    }
    for (name, subjects) in read_models {
        fill_again(core, name, source, subjects, first).await;
    }
    let others: Vec<&Applied> = found.iter().filter(|one| !one.read_model).collect();
    for notes in others.chunks(NOTES) {
        leave(core, source, notes).await?;
    }
    Ok(())
}

async fn fill_again(core: &Arc<Core>, name: &str, source: &str, subjects: usize, first: bool) {
    let mut begun = rebuild::ask(core, name, Purpose::Rebuild).await;
    if matches!(begun, Err(NotRebuilt::Running { .. })) {
        if !first {
            return;
        }
        // What it has read so far may be orphaned.
        let _ = rebuild::cancel(core, name).await;
        begun = rebuild::ask(core, name, Purpose::Rebuild).await;
    }
    match begun {
        Ok(generation) => {
            tracing::warn!(
                read_model = name,
                source,
                subjects,
                generation,
                "it has heard orphaned facts: filled again"
            );
        }
        Err(error) => tracing::error!(read_model = name, source, %error, "it has heard orphaned facts: bongsu rebuild"),
    }
}

/// Notes are parked from the start, and nothing waits behind them.
async fn leave(core: &Arc<Core>, source: &str, found: &[&Applied]) -> Result<(), StoreError> {
    let id =
        |Applied { consumer, subject, position, .. }: &Applied| TodoId::orphan(consumer, source, subject, *position);
    let left = core.until_durable(TRIES, || async {
        let there = core.store.docs(found.iter().map(|one| Todo::key(&id(one))).collect()).await?;
        let mut commit = Commit::new(CommitId(digest(&["orphans", source, &core.env.random().to_string()])));
        let now_ms = core.env.wall_ms();
        for (one, _) in found.iter().zip(there).filter(|(_, there)| there.is_none()) {
            let Applied { consumer, subject, sequence, position, .. } = one;
            let why = format!("it acted on {source} {subject}@{sequence} (position {position}), which is orphaned");
            let todo = Todo { attempts: 1, parked: true, error: Some(why), ..Todo::facts(consumer, subject, now_ms) };
            let key = Todo::key(&id(one));
            commit.guards.push(Guard::Doc(key.clone(), None));
            commit.docs.push(DocWrite { key, put: Some(todo.body(&id(one))) });
        }
        // What somebody left meanwhile is there, and is left out.
        let subjects = commit.docs.len();
        Ok::<_, StoreError>(if subjects == 0 { Planned::Nothing(0) } else { Planned::Write(commit, subjects) })
    });
    match left.await? {
        Some(0) => Ok(()),
        Some(subjects) => {
            tracing::error!(source, subjects, "orphaned facts were acted on; bongsu parked shows them");
            Ok(())
        }
        None => Err(StoreError::Unavailable("others leave notes all the time".into())),
    }
}
