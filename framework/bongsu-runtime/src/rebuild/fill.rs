//! Filling a generation: what there is is noted, this context's own facts come from its own store, the others'
//! from the broker, until nothing is left that the generation shown may have.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crate::{
    core::Core,
    lane::{CURSOR, Cursor},
    ports::{
        broker::{BrokerError, Partition},
        store::{DocKey, Position, Read, StoredEvent},
    },
    rebuild::{
        build::{Build, Halt},
        facts::{Fact, Place},
        rows::ReadModel,
        state::{Noted, State},
        sweep::pages,
    },
    todo::{TODO, Todo},
};

/// Bytes of one fetch, and how long it waits when nothing is there.
const FETCH_BYTES: u32 = 1 << 20;
const FETCH_WAIT: Duration = Duration::from_millis(20);

impl Build {
    /// Goes on where the last durable Commit of this generation ended.
    pub(crate) async fn resume(core: &Arc<Core>, model: &Arc<dyn ReadModel>, lease: &str) -> Result<Self, Halt> {
        let (state, revision) = State::load(core, model.root()).await.map_err(Halt::Store)?;
        let mut build = Self::new(core, model, lease, state);
        build.revision = revision;
        build.load_cursors().await?;
        build.load_queues().await?;
        let now = core.env.wall_ms();
        let is_new = {
            let filling = build.filling()?;
            (filling.since_ms, filling.since_done) = (now, filling.done);
            filling.noted.is_none()
        };
        if is_new {
            let (noted, own) = (note(core, model).await?, core.service.name);
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
        let (until, own) = match &self.filling()?.noted {
            Some(noted) => (noted.until, noted.partitions().collect::<Vec<_>>()),
            None => return Err(Halt::Lost),
        };
        let core = self.core.clone();
        let read = |after: u64, limit: u32| core.store.read(Read::Facts { after: Position(after) }, limit);
        let mut after = self.filling()?.position;
        let mut ahead = (after < until).then(|| read(after, self.pace.page()));
        while let Some(reading) = ahead.take() {
            let events = reading.await.map_err(Halt::Store)?;
            after = events.last().and_then(|event| event.position).map_or(until, |position| position.0);
            if after < until {
                // Read while the last page is folded.
                ahead = Some(read(after, self.pace.page()));
            }
            self.absorb(events.into_iter().flat_map(facts_of).collect(), poison).await?;
        }
        if until > 0 && self.filling()?.position < u64::MAX {
            self.filling()?.position = u64::MAX;
            for (partition, end) in own.into_iter().filter(|(partition, _)| partition.topic == core.service.name) {
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
        let bytes = if self.pace.is_busy() { FETCH_BYTES / 16 } else { FETCH_BYTES };
        let batch = self.core.broker.fetch(want, bytes, FETCH_WAIT).await.map_err(unread)?;
        if self.filling()?.noted.as_ref().is_some_and(|noted| noted.log != format!("{:032x}", batch.log.0)) {
            return Err(Halt::Hopeless("the broker's history was replaced meanwhile".into()));
        }
        let messages = batch
            .messages
            .into_iter()
            .flat_map(|(partition, messages)| messages.into_iter().map(move |message| (partition.clone(), message)));
        let facts: Vec<Fact> = messages
            .filter(|(partition, message)| {
                wanted(partition, message.offset) && message.offset >= self.cursors[partition]
            })
            .map(|(partition, message)| Fact {
                place: Place::Partition(partition, message.offset),
                cloudevent: message.cloudevent,
            })
            .collect();
        let any = !facts.is_empty();
        self.absorb(facts, poison).await?;
        Ok(any)
    }

    /// Whether everything noted at the beginning is read.
    pub(crate) fn has_passed(&self) -> bool {
        let noted = self.state.filling.as_ref().and_then(|filling| filling.noted.as_ref());
        noted.is_some_and(|noted| noted.partitions().all(|(partition, end)| self.cursors.get(&partition) >= Some(&end)))
    }

    async fn load_cursors(&mut self) -> Result<(), Halt> {
        let Some(noted) = self.filling()?.noted.clone() else { return Ok(()) };
        let partitions: Vec<Partition> = noted.partitions().map(|(partition, _)| partition).collect();
        let kept = cursors(&self.core, &self.table, &partitions).await?;
        self.cursors = partitions.into_iter().zip(kept.into_iter().map(|(offset, _)| offset)).collect();
        Ok(())
    }

    async fn load_queues(&mut self) -> Result<(), Halt> {
        let prefix = format!("fact/{}/", self.table);
        let core = self.core.clone();
        let mut pages = pages(&core, TODO, None, &prefix);
        while let Some(docs) = pages.next().await.map_err(Halt::Store)? {
            for doc in docs {
                let todo = Todo::decode(&doc.data).map_err(Halt::Hopeless)?;
                self.queues.insert(doc.key.id[prefix.len()..].to_owned(), todo);
            }
        }
        Ok(())
    }
}

/// The offsets of a consumer in these partitions, each with the revision of its document.
pub(crate) async fn cursors(
    core: &Core,
    consumer: &str,
    partitions: &[Partition],
) -> Result<Vec<(u64, Option<crate::ports::store::CommitId>)>, Halt> {
    let key = |p: &Partition| DocKey::new(CURSOR, format!("{consumer}/{}/{}", p.topic, p.index));
    let docs = core.store.docs(partitions.iter().map(key).collect()).await.map_err(Halt::Store)?;
    let offset = |data: &[u8]| serde_json::from_slice::<Cursor>(data).map_or(0, |cursor| cursor.offset);
    Ok(docs.into_iter().map(|doc| doc.map_or((0, None), |doc| (offset(&doc.data), Some(doc.revision)))).collect())
}

/// Facts that are gone make a rebuild impossible; the generation shown has them.
fn unread(error: BrokerError) -> Halt {
    match error {
        BrokerError::Gone { topic, index, earliest, .. } => {
            Halt::Hopeless(format!("facts of {topic} are gone: the broker keeps {topic}/{index} from {earliest} on"))
        }
        error => Halt::Broker(error),
    }
}

/// What there is now. The broker first: whatever is below its heads was in the store by then.
async fn note(core: &Arc<Core>, model: &Arc<dyn ReadModel>) -> Result<Noted, Halt> {
    let (mut log, mut heads) = (String::new(), Vec::new());
    for topic in model.topics() {
        let bounds = core.broker.bounds(&topic).await.map_err(Halt::Broker)?;
        log = format!("{:032x}", bounds.log.0);
        heads.extend(bounds.partitions.into_iter().map(|(partition, _, end)| (partition.topic, partition.index, end)));
    }
    let own = model.topics().iter().any(|topic| topic == core.service.name);
    let until = if own { core.store.head().await.map_err(Halt::Store)?.0 } else { 0 };
    Ok(Noted { log, heads, until })
}

fn facts_of(event: StoredEvent) -> impl Iterator<Item = Fact> {
    let (position, count) = (event.position.map_or(0, |position| position.0), event.facts.len());
    event.facts.into_iter().enumerate().map(move |(at, fact)| Fact {
        place: Place::Feed { position, last: at + 1 == count },
        cloudevent: fact.cloudevent,
    })
}
