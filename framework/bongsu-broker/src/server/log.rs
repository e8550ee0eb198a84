//! The SQL of the writer, and what it remembers between transactions.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bongsu_runtime::ports::broker::{BrokerError, LogId, MAX_PARTITIONS, Topic, partition_of};
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::index::{Bound, Indexed};
use crate::wire::Taken;

/// Most topics; keeps a partition's number within its bits of a row id.
const MAX_TOPICS: usize = 1_000;
/// Expired messages deleted per partition in one transaction, so that publishing never waits long.
const EXPIRED_AT_ONCE: u64 = 10_000;
/// Bits of a row id that are the offset.
const OFFSET_BITS: u32 = 40;

/// A batch, checked as far as it can be without knowing what is there.
pub(crate) struct Batch {
    pub(crate) from: From,
    pub(crate) messages: Vec<Message>,
}

/// Who sends a batch.
pub(crate) enum From {
    /// A service, whose messages have a place in its own store.
    Service { name: String, epoch: u64 },
    /// Anybody else: duplicates are recognised by source and id.
    Anybody,
}

/// A message to append.
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) key: String,
    /// (position, ordinal); meaningless from anybody.
    pub(crate) place: (u64, u32),
    /// (source, id); only from anybody.
    pub(crate) identity: Option<(String, String)>,
    pub(crate) event: Bytes,
}

/// What the writer knows by heart; equals the file between transactions.
pub(crate) struct Known {
    pub(crate) log: LogId,
    pub(crate) topics: BTreeMap<String, KnownTopic>,
    producers: BTreeMap<String, Producer>,
}

pub(crate) struct KnownTopic {
    pub(crate) id: i64,
    pub(crate) topic: Topic,
    /// (earliest, end) of each partition.
    pub(crate) bounds: Vec<(u64, u64)>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Producer {
    epoch: u64,
    highest: Option<(u64, u32)>,
}

/// The partitions a transaction changed: (topic's number, index).
pub(crate) type Touched = BTreeSet<(i64, u32)>;

/// Why a job failed: refused (nothing of it was written) or broken (roll everything back).
pub(crate) enum Failed {
    Refused(BrokerError),
    Broken(rusqlite::Error),
}

impl std::convert::From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Broken(error)
    }
}

impl KnownTopic {
    /// As requests see it.
    pub(crate) fn show(&self) -> Arc<Indexed> {
        let bounds = self.bounds.iter().map(|(earliest, end)| Bound::new(*earliest, *end)).collect();
        Arc::new(Indexed { id: self.id, topic: self.topic.clone(), bounds })
    }
}

impl Known {
    /// Reads everything a writer must know.
    pub(crate) fn load(db: &Connection) -> rusqlite::Result<Self> {
        let log: Vec<u8> = db.query_row("SELECT log FROM broker", [], |row| row.get(0))?;
        let log = log.try_into().map_err(|_| rusqlite::Error::InvalidQuery)?;
        let mut known =
            Self { log: LogId(u128::from_be_bytes(log)), topics: BTreeMap::new(), producers: BTreeMap::new() };
        let mut topics = db.prepare("SELECT id, name, partitions, retention_ms FROM topics")?;
        let mut rows = topics.query([])?;
        while let Some(row) = rows.next()? {
            let retention_ms = row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned);
            let topic = Topic { name: row.get(1)?, partitions: row.get(2)?, retention_ms };
            let id = row.get(0)?;
            let bounds = (0..topic.partitions).map(|index| bounds_of(db, id, index)).collect::<Result<_, _>>()?;
            known.topics.insert(topic.name.clone(), KnownTopic { id, topic, bounds });
        }
        let mut producers = db.prepare("SELECT service, epoch, position, ordinal FROM producers")?;
        let mut rows = producers.query([])?;
        while let Some(row) = rows.next()? {
            let highest = row.get::<_, Option<i64>>(2)?.zip(row.get::<_, Option<u32>>(3)?);
            let highest = highest.map(|(position, ordinal)| (position.cast_unsigned(), ordinal));
            let producer = Producer { epoch: row.get::<_, i64>(1)?.cast_unsigned(), highest };
            known.producers.insert(row.get(0)?, producer);
        }
        Ok(known)
    }

    /// Makes a topic unless it is there.
    pub(crate) fn ensure(&mut self, db: &Connection, topic: &Topic) -> Result<Taken, Failed> {
        let refused = |why| Err(Failed::Refused(BrokerError::Invalid(why)));
        if let Some(known) = self.topics.get(&topic.name) {
            let (has, given) = (known.topic.partitions, topic.partitions);
            if has == given {
                return Ok(Taken::default());
            }
            return refused(format!("topic {} has {has} partitions, not {given}", topic.name));
        }
        if self.topics.len() >= MAX_TOPICS {
            return refused(format!("there are {MAX_TOPICS} topics already"));
        }
        let retention_ms = topic.retention_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
        db.prepare_cached("INSERT INTO topics (name, partitions, retention_ms) VALUES (?1, ?2, ?3)")?
            .execute(params![topic.name, topic.partitions, retention_ms])?;
        let bounds = vec![(0, 0); topic.partitions as usize];
        let known = KnownTopic { id: db.last_insert_rowid(), topic: topic.clone(), bounds };
        self.topics.insert(topic.name.clone(), known);
        Ok(Taken::default())
    }

    /// Appends a batch. Judged as a whole before anything of it is written.
    pub(crate) fn append(
        &mut self,
        db: &Connection,
        batch: &Batch,
        now_ms: i64,
        touched: &mut Touched,
    ) -> Result<Taken, Failed> {
        let unknown = batch.messages.iter().find(|message| !self.topics.contains_key(&message.topic));
        if let Some(Message { topic, .. }) = unknown {
            return Err(Failed::Refused(BrokerError::Invalid(format!("there is no topic {topic}"))));
        }
        let mut producer = self.admit(&batch.from)?;
        let mut taken = Taken::default();
        for message in &batch.messages {
            let had = message.identity.is_none() && Some(message.place) <= producer.highest;
            if had || !self.write(db, message, now_ms, touched)? {
                taken.dropped += 1;
                continue;
            }
            taken.appended += 1;
            producer.highest = Some(message.place);
        }
        // A new epoch is kept even when it brought nothing new: it shuts the old owner out.
        if let From::Service { name, .. } = &batch.from
            && self.producers.get(name) != Some(&producer)
        {
            remember(db, name, producer)?;
            self.producers.insert(name.clone(), producer);
        }
        Ok(taken)
    }

    /// Deletes what is past its retention; true when there is more.
    pub(crate) fn expire(&mut self, db: &Connection, now_ms: i64, touched: &mut Touched) -> rusqlite::Result<bool> {
        let mut more = false;
        for known in self.topics.values_mut() {
            let Some(retention_ms) = known.topic.retention_ms else { continue };
            let oldest = now_ms.saturating_sub_unsigned(retention_ms);
            for (index, (earliest, end)) in (0..).zip(&mut known.bounds) {
                let first = first_row(known.id, index);
                let to = (*earliest + EXPIRED_AT_ONCE).min(*end);
                let kept = first_kept(db, first + *earliest as i64, first + to as i64, oldest)? - first;
                if kept as u64 == *earliest {
                    continue;
                }
                delete(db, first + *earliest as i64, first + kept)?;
                db.prepare_cached("INSERT OR REPLACE INTO expired (partition, earliest) VALUES (?1, ?2)")?
                    .execute(params![partition_row(known.id, index), kept])?;
                *earliest = kept as u64;
                more |= *earliest == to && to < *end;
                touched.insert((known.id, index));
            }
        }
        Ok(more)
    }

    /// What is known of the producer, with its epoch brought up to date.
    fn admit(&self, from: &From) -> Result<Producer, Failed> {
        let From::Service { name, epoch } = from else { return Ok(Producer::default()) };
        let known = self.producers.get(name).copied().unwrap_or_default();
        if *epoch < known.epoch {
            let (service, given, newest) = (name.clone(), *epoch, known.epoch);
            return Err(Failed::Refused(BrokerError::Fenced { service, given, newest }));
        }
        Ok(Producer { epoch: *epoch, ..known })
    }

    /// Writes one message; false when it was heard before.
    fn write(
        &mut self,
        db: &Connection,
        message: &Message,
        now_ms: i64,
        touched: &mut Touched,
    ) -> rusqlite::Result<bool> {
        let Some(known) = self.topics.get_mut(&message.topic) else { return Ok(false) };
        let index = partition_of(&message.key, known.topic.partitions);
        let end = &mut known.bounds[index as usize].1;
        let row = first_row(known.id, index) + *end as i64;
        if let Some((source, event)) = &message.identity {
            let new = db
                .prepare_cached("INSERT OR IGNORE INTO heard (topic, source, event, message) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![known.id, source, event, row])?;
            if new == 0 {
                return Ok(false);
            }
        }
        db.prepare_cached("INSERT INTO messages (id, at_ms, key, event) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
            row,
            now_ms,
            message.key,
            message.event.as_ref()
        ])?;
        *end += 1;
        touched.insert((known.id, index));
        Ok(true)
    }
}

/// The row id of a partition's offset 0.
pub(crate) fn first_row(topic: i64, index: u32) -> i64 {
    partition_row(topic, index) << OFFSET_BITS
}

fn partition_row(topic: i64, index: u32) -> i64 {
    topic * i64::from(MAX_PARTITIONS) + i64::from(index)
}

fn bounds_of(db: &Connection, topic: i64, index: u32) -> rusqlite::Result<(u64, u64)> {
    let first = first_row(topic, index);
    let earliest = db
        .prepare_cached("SELECT earliest FROM expired WHERE partition = ?1")?
        .query_row([partition_row(topic, index)], |row| row.get::<_, i64>(0))
        .optional()?
        .unwrap_or(0);
    let last = db
        .prepare_cached("SELECT max(id) FROM messages WHERE id BETWEEN ?1 AND ?2")?
        .query_row([first, first + (1 << OFFSET_BITS) - 1], |row| row.get::<_, Option<i64>>(0))?;
    let end = last.map_or(earliest, |row| row - first + 1);
    Ok((earliest as u64, end as u64))
}

/// The first row in `from..to` that is not older than `oldest_ms`; `to` when all are.
fn first_kept(db: &Connection, from: i64, to: i64, oldest_ms: i64) -> rusqlite::Result<i64> {
    db.prepare_cached("SELECT id FROM messages WHERE id >= ?1 AND id < ?2 AND at_ms >= ?3 ORDER BY id LIMIT 1")?
        .query_row([from, to, oldest_ms], |row| row.get(0))
        .optional()
        .map(|row| row.unwrap_or(to))
}

fn delete(db: &Connection, from: i64, to: i64) -> rusqlite::Result<()> {
    for sql in
        ["DELETE FROM heard WHERE message >= ?1 AND message < ?2", "DELETE FROM messages WHERE id >= ?1 AND id < ?2"]
    {
        db.prepare_cached(sql)?.execute([from, to])?;
    }
    Ok(())
}

fn remember(db: &Connection, service: &str, producer: Producer) -> rusqlite::Result<()> {
    let (position, ordinal) = producer.highest.unzip();
    db.prepare_cached("INSERT OR REPLACE INTO producers (service, epoch, position, ordinal) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![service, producer.epoch.cast_signed(), position.map(u64::cast_signed), ordinal])?;
    Ok(())
}
