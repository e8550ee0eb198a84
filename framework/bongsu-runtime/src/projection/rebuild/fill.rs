//! Filling a generation: what there is is noted, this context's own facts come from its own store, the others'
//! from the broker, until nothing is left that the generation shown may have.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crate::{
    commit::{core::Core, map::ReadModel},
    ports::{
        broker::{BrokerError, FETCH_BYTES, LogId, Partition},
        store::{CommitId, Doc, DocKey, Position, StoredFacts},
    },
    projection::rebuild::{
        build::{Build, Halt},
        facts::{Fact, Place},
        gap,
        sweep::pages,
    },
    records::{
        cursor::{CURSOR, Cursor},
        lease::Resource,
        rebuild::{Noted, State},
        todo::{TODO, Todo},
        todo_id::queues_of,
    },
    relay::history::own,
};

/// Bytes of one fetch while commands are decided: they wait for no longer than a small page takes.
const FETCH_BYTES_BUSY: u32 = FETCH_BYTES / 16;
/// How long a fetch waits when nothing is there: it is nearly at the end then, and tries to swap.
pub(crate) const FETCH_WAIT: Duration = Duration::from_millis(20);

impl Build {
    /// Goes on where the last durable Commit of this generation ended.
    pub(crate) async fn resume(core: &Arc<Core>, model: &Arc<dyn ReadModel>, lease: &Resource) -> Result<Self, Halt> {
        let (state, revision) = State::load(core.store.as_ref(), model.root()).await.map_err(Halt::Store)?;
        let mut build = Self::new(core, model, lease, state);
        build.revision = revision;
        build.load_cursors().await?;
        build.load_queues().await?;
        let now = core.env.wall_ms();
        let is_new = {
            let filling = build.filling()?;
            filling.since_ms = now;
            filling.since_done = filling.done;
            filling.noted.is_none()
        };
        if is_new {
            let noted = note(core, model).await?;
            let own = core.map.name;
            build.cursors = noted.partitions().map(|(partition, _)| (partition, 0)).collect();
            let filling = build.filling()?;
            let others = noted.partitions().filter(|(partition, _)| noted.until == 0 || partition.topic != own);
            filling.total = noted.until + others.map(|(_, end)| end).sum::<u64>();
            filling.noted = Some(noted);
            build.starts_empty();
        }
        let commit = build.commit()?;
        build.send(commit);
        build.settle().await?;
        Ok(build)
    }

    /// Reads this context's own facts from its own store, and then stands at the broker's heads noted before.
    pub(crate) async fn read_own(&mut self, poison: &mut BTreeSet<String>) -> Result<(), Halt> {
        let (until, mine) = match &self.filling()?.noted {
            Some(noted) => (noted.until, noted.partitions().collect::<Vec<_>>()),
            None => return Err(Halt::Lost),
        };
        let core = self.core.clone();
        let read = |after: u64, limit: u32| core.store.facts(Position(after), limit);
        let mut after = self.filling()?.position;
        let era = own(&core).await.map_err(Halt::Store)?.era();
        let mut ahead = if after < until { Some(read(after, self.pace.page().await)) } else { None };
        while let Some(reading) = ahead.take() {
            let told = reading.await.map_err(Halt::Store)?;
            after = told.last().map_or(until, |told| told.position.0);
            if after < until {
                // Read while the last page is folded.
                ahead = Some(read(after, self.pace.page().await));
            }
            self.absorb(facts_of(told, era), poison).await?;
        }
        if until > 0 && self.filling()?.position < u64::MAX {
            self.filling()?.position = u64::MAX;
            for (partition, end) in mine.into_iter().filter(|(partition, _)| partition.topic == core.map.name) {
                self.skip_to(partition, end);
            }
            self.flush().await?;
        }
        Ok(())
    }

    /// Reads on from the broker, of each partition at most up to `limit`; whether there was anything.
    pub(crate) async fn follow(
        &mut self,
        limit: Option<&BTreeMap<Partition, u64>>,
        poison: &mut BTreeSet<String>,
    ) -> Result<bool, Halt> {
        let wanted = |partition: &Partition, next: u64| limit.is_none_or(|limit| next < limit[partition]);
        let want: Vec<_> =
            self.cursors.iter().filter(|(p, next)| wanted(p, **next)).map(|(p, n)| (p.clone(), *n)).collect();
        if want.is_empty() {
            return Ok(false);
        }
        let bytes = if self.pace.is_busy().await { FETCH_BYTES_BUSY } else { FETCH_BYTES };
        let batch = match self.core.broker.fetch(want, bytes, FETCH_WAIT).await {
            Ok(batch) => batch,
            Err(BrokerError::Gone { topic, index, earliest, .. }) => {
                self.begin_at_refill(&Partition { topic, index }, earliest).await?;
                return Ok(true);
            }
            Err(error) => return Err(Halt::Broker(error)),
        };
        if self.filling()?.noted.as_ref().is_some_and(|noted| noted.log != batch.log) {
            return Err(replaced());
        }
        self.core.partings.learn(&batch.partings);
        let mut facts = Vec::new();
        for (partition, messages) in batch.messages {
            let first = self.cursors[&partition];
            let mut refill = self.refills.get(&partition).copied();
            for message in messages {
                if message.offset < first || !wanted(&partition, message.offset) {
                    continue;
                }
                let (behind, passed) = gap::behind(&message, refill);
                refill = behind;
                let place = Place::Partition { partition: partition.clone(), offset: message.offset, refill };
                let published = (message.position, message.era);
                facts.push(Fact { place, cloudevent: message.cloudevent, published, passed });
            }
        }
        let any = !facts.is_empty();
        self.absorb(facts, poison).await?;
        Ok(any)
    }

    /// Whether everything noted at the beginning is read, and every refill it stands in to its end.
    pub(crate) fn has_passed(&self) -> bool {
        let noted = self.state.filling.as_ref().and_then(|filling| filling.noted.as_ref());
        self.refills.is_empty()
            && noted.is_some_and(|noted| {
                noted.partitions().all(|(partition, end)| self.cursors.get(&partition) >= Some(&end))
            })
    }

    async fn load_cursors(&mut self) -> Result<(), Halt> {
        let Some(noted) = self.filling()?.noted.clone() else { return Ok(()) };
        let partitions: Vec<Partition> = noted.partitions().map(|(partition, _)| partition).collect();
        let kept = cursors(&self.core, &self.table, &partitions).await?;
        for (partition, (cursor, _)) in partitions.into_iter().zip(kept) {
            if let Some(refill) = cursor.as_ref().and_then(|cursor| cursor.refill) {
                self.refills.insert(partition.clone(), refill);
            }
            self.cursors.insert(partition, cursor.map_or(0, |cursor| cursor.offset));
        }
        Ok(())
    }

    async fn load_queues(&mut self) -> Result<(), Halt> {
        let prefix = queues_of(&self.table);
        let core = self.core.clone();
        let mut pages = pages(&core, TODO, None, &prefix);
        while let Some(docs) = pages.next().await.map_err(Halt::Store)? {
            for doc in docs {
                let todo = Todo::decode(&doc.data)?;
                self.queues.insert(doc.key.id[prefix.len()..].to_owned(), todo);
            }
        }
        Ok(())
    }
}

/// Where a consumer stands in these partitions, each with the revision of its document.
pub(crate) async fn cursors(
    core: &Core,
    consumer: &str,
    partitions: &[Partition],
) -> Result<Vec<(Option<Cursor>, Option<CommitId>)>, Halt> {
    let key = |p: &Partition| DocKey::of(CURSOR, format!("{consumer}/{}/{}", p.topic, p.index));
    let docs = core.store.docs(partitions.iter().map(key).collect()).await.map_err(Halt::Store)?;
    let cursor = |doc: Doc| (serde_json::from_slice(&doc.data).ok(), Some(doc.revision));
    Ok(docs.into_iter().map(|doc| doc.map_or((None, None), cursor)).collect())
}

/// Offsets mean something else now.
pub(crate) fn replaced() -> Halt {
    Halt::Hopeless("the broker's history was replaced meanwhile".into())
}

/// What there is now. The broker first: whatever is below its heads was in the store by then.
async fn note(core: &Arc<Core>, model: &Arc<dyn ReadModel>) -> Result<Noted, Halt> {
    let mut log = LogId(0);
    let mut heads = Vec::new();
    for topic in model.topics() {
        let bounds = core.broker.bounds(&topic).await.map_err(Halt::Broker)?;
        log = bounds.log;
        heads.extend(bounds.partitions.into_iter().map(|(partition, _, end)| (partition.topic, partition.index, end)));
    }
    let own = model.topics().iter().any(|topic| topic == core.map.name);
    let until = if own { core.store.head().await.map_err(Halt::Store)?.0 } else { 0 };
    Ok(Noted { log, heads, until })
}

fn facts_of(told: Vec<StoredFacts>, era: u32) -> Vec<Fact> {
    let mut all = Vec::with_capacity(told.len());
    for StoredFacts { position: Position(position), facts, .. } in told {
        let count = facts.len();
        all.extend(facts.into_iter().enumerate().map(|(at, fact)| Fact {
            place: Place::Feed { position, last: at + 1 == count },
            cloudevent: fact.cloudevent,
            published: (position, era),
            passed: false,
        }));
    }
    all
}
