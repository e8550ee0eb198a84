//! The SQL of the writer, and what it remembers between transactions.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bongsu_runtime::ports::broker::{
    BrokerError, HistoryId, LogId, MAX_PARTITIONS, Place, Producer, Standing, Topic, partition_of,
};
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    index::{Bound, Indexed},
    producers::Producers,
};
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
    Service { name: String, epoch: u64, refill: u64, history: Option<HistoryId>, after: Place },
    /// Anybody else: duplicates are recognised by source and id.
    Anybody,
}

/// A message to append.
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) key: String,
    /// In the producer's own store; the first of all from anybody.
    pub(crate) place: Place,
    /// (source, id); only from anybody.
    pub(crate) identity: Option<(String, String)>,
    pub(crate) event: Bytes,
}

/// What the writer knows by heart; equals the file between transactions.
pub(crate) struct Known {
    pub(crate) log: LogId,
    pub(crate) topics: BTreeMap<String, KnownTopic>,
    pub(crate) producers: Producers,
}

pub(crate) struct KnownTopic {
    pub(crate) id: i64,
    pub(crate) topic: Topic,
    /// (earliest, end) of each partition.
    pub(crate) bounds: Vec<(u64, u64)>,
    /// Bytes of messages in each partition, bounded or not; the file has them too, so that nobody ever adds them up.
    bytes: Vec<u64>,
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

impl From {
    /// Who it is, in the port's words; `None` for anybody.
    fn producer(&self) -> Option<Producer<'_>> {
        match self {
            Self::Service { name, epoch, refill, history, after } => {
                Some(Producer { service: name, epoch: *epoch, refill: *refill, history: *history, after: *after })
            }
            Self::Anybody => None,
        }
    }
}

impl KnownTopic {
    /// Replaces the retention where another is given.
    fn keep(&mut self, db: &Connection, given: &Topic) -> rusqlite::Result<()> {
        let retention_ms = given.retention_ms.or(self.topic.retention_ms);
        let retention_bytes = given.retention_bytes.or(self.topic.retention_bytes);
        if (retention_ms, retention_bytes) == (self.topic.retention_ms, self.topic.retention_bytes) {
            return Ok(());
        }
        db.prepare_cached("UPDATE topics SET retention_ms = ?2, retention_bytes = ?3 WHERE id = ?1")?
            .execute(params![self.id, most(retention_ms), most(retention_bytes)])?;
        self.topic.retention_ms = retention_ms;
        self.topic.retention_bytes = retention_bytes;
        Ok(())
    }

    /// Writes down what each touched partition weighs.
    fn weigh(&self, db: &Connection, touched: &Touched) -> rusqlite::Result<()> {
        for (_, index) in touched.range((self.id, 0)..=(self.id, MAX_PARTITIONS)) {
            let bytes = self.bytes.get(*index as usize).copied().unwrap_or_default().cast_signed();
            db.prepare_cached("INSERT OR REPLACE INTO weights (partition, bytes) VALUES (?1, ?2)")?
                .execute(params![partition_row(self.id, *index), bytes])?;
        }
        Ok(())
    }

    /// As requests see it.
    pub(crate) fn show(&self) -> Arc<Indexed> {
        let bounds = self.bounds.iter().map(|(earliest, end)| Bound::new(*earliest, *end)).collect();
        Arc::new(Indexed::new(self.id, self.topic.clone(), bounds))
    }
}

impl Known {
    /// Reads everything a writer must know.
    pub(crate) fn load(db: &Connection) -> rusqlite::Result<Self> {
        let log: Vec<u8> = db.query_row("SELECT log FROM broker", [], |row| row.get(0))?;
        let log = log.try_into().map_err(|_| rusqlite::Error::InvalidQuery)?;
        let log = LogId(u128::from_be_bytes(log));
        let mut known = Self { log, topics: BTreeMap::new(), producers: Producers::load(db)? };
        let mut topics = db.prepare("SELECT id, name, partitions, retention_ms, retention_bytes FROM topics")?;
        let mut rows = topics.query([])?;
        while let Some(row) = rows.next()? {
            let retention_ms = row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned);
            let retention_bytes = row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned);
            let topic = Topic { name: row.get(1)?, partitions: row.get(2)?, retention_ms, retention_bytes };
            let id = row.get(0)?;
            let bounds = (0..topic.partitions).map(|index| bounds_of(db, id, index)).collect::<Result<_, _>>()?;
            let bytes = (0..topic.partitions).map(|index| weight_of(db, id, index)).collect::<Result<_, _>>()?;
            known.topics.insert(topic.name.clone(), KnownTopic { id, topic, bounds, bytes });
        }
        Ok(known)
    }

    /// Makes a topic unless it is there.
    pub(crate) fn ensure(&mut self, db: &Connection, topic: &Topic) -> Result<Taken, Failed> {
        let refused = |why| Err(Failed::Refused(BrokerError::Invalid(why)));
        if let Some(known) = self.topics.get_mut(&topic.name) {
            let has = known.topic.partitions;
            let given = topic.partitions;
            if has == given {
                known.keep(db, topic)?;
                return Ok(Taken::default());
            }
            return refused(format!("topic {} has {has} partitions, not {given}", topic.name));
        }
        if self.topics.len() >= MAX_TOPICS {
            return refused(format!("there are {MAX_TOPICS} topics already"));
        }
        let (ms, bytes) = (most(topic.retention_ms), most(topic.retention_bytes));
        db.prepare_cached(
            "INSERT INTO topics (name, partitions, retention_ms, retention_bytes) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![topic.name, topic.partitions, ms, bytes])?;
        let count = topic.partitions as usize;
        let id = db.last_insert_rowid();
        let bounds = vec![(0, 0); count];
        let bytes = vec![0; count];
        let known = KnownTopic { id, topic: topic.clone(), bounds, bytes };
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
        let from = batch.from.producer();
        let standing = match &from {
            Some(from) => self.producers.admit(from, batch.messages.iter().map(|message| message.place))?,
            None => Standing::default(),
        };
        let refill = from.as_ref().map_or(0, |from| from.refill);
        let era = standing.era();
        let mut last = standing.last_of(refill);
        let mut taken = Taken::default();
        for message in &batch.messages {
            let had = from.is_some() && last.is_some_and(|last| message.place.order() <= last.order());
            if had || !self.write(db, message, (refill, era), now_ms, touched)? {
                taken.dropped += 1;
                continue;
            }
            taken.appended += 1;
            last = Some(message.place);
        }
        if let Some(from) = &from {
            self.producers.note(db, from, last)?;
        }
        Ok(taken)
    }

    /// Writes down what the touched partitions weigh; once per transaction.
    pub(crate) fn weigh(&self, db: &Connection, touched: &Touched) -> rusqlite::Result<()> {
        self.topics.values().try_for_each(|topic| topic.weigh(db, touched))
    }

    /// Deletes what is past its retention; true when there is more.
    pub(crate) fn expire(&mut self, db: &Connection, now_ms: i64, touched: &mut Touched) -> rusqlite::Result<bool> {
        let mut more = false;
        for known in self.topics.values_mut() {
            let Topic { retention_ms, retention_bytes, .. } = known.topic;
            if retention_ms.is_none() && retention_bytes.is_none() {
                continue;
            }
            let oldest = retention_ms.map_or(i64::MIN, |ms| now_ms.saturating_sub_unsigned(ms));
            for (index, ((earliest, end), bytes)) in (0..).zip(known.bounds.iter_mut().zip(&mut known.bytes)) {
                let first = first_row(known.id, index);
                let to = (*earliest + EXPIRED_AT_ONCE).min(*end);
                let from = first + *earliest as i64;
                let until = first + to as i64;
                let over = retention_bytes.map_or(0, |most| bytes.saturating_sub(most));
                let (row, gone) = first_kept(db, from, until, (oldest, over))?;
                let kept = row - first;
                if kept as u64 == *earliest {
                    continue;
                }
                *bytes = bytes.saturating_sub(gone);
                delete(db, from, first + kept)?;
                db.prepare_cached("INSERT OR REPLACE INTO expired (partition, earliest) VALUES (?1, ?2)")?
                    .execute(params![partition_row(known.id, index), kept])?;
                *earliest = kept as u64;
                more |= *earliest == to && to < *end;
                touched.insert((known.id, index));
            }
        }
        Ok(more)
    }

    /// Writes one message; false when it was heard before.
    fn write(
        &mut self,
        db: &Connection,
        message: &Message,
        (refill, era): (u64, u32),
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
        let (event, position) = (message.event.as_ref(), message.place.position.cast_signed());
        db.prepare_cached(
            "INSERT INTO messages (id, at_ms, key, event, refill, position, era) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![row, now_ms, message.key, event, refill.cast_signed(), position, era])?;
        *end += 1;
        known.bytes[index as usize] += message.event.len() as u64;
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

/// The first row in `from..to` that is kept (`to` when none is), and the bytes of those before it. A row goes with all
/// before it when it is older than `oldest_ms` or among the oldest `over` bytes; no row behind the first kept is read.
fn first_kept(db: &Connection, from: i64, to: i64, (oldest_ms, over): (i64, u64)) -> rusqlite::Result<(i64, u64)> {
    let mut select =
        db.prepare_cached("SELECT id, at_ms, length(event) FROM messages WHERE id >= ?1 AND id < ?2 ORDER BY id")?;
    let mut rows = select.query([from, to])?;
    let mut gone = 0;
    let mut young = false;
    while let Some(row) = rows.next()? {
        let (id, at_ms, bytes): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        // The clock may have gone back: what follows a young message is kept with it.
        young |= at_ms >= oldest_ms;
        if young && (over == 0 || gone + bytes as u64 > over) {
            return Ok((id, gone));
        }
        gone += bytes as u64;
    }
    Ok((to, gone))
}

/// Bytes of the messages in a partition, as they were written down.
fn weight_of(db: &Connection, topic: i64, index: u32) -> rusqlite::Result<u64> {
    db.prepare_cached("SELECT bytes FROM weights WHERE partition = ?1")?
        .query_row([partition_row(topic, index)], |row| row.get::<_, i64>(0))
        .optional()
        .map(|bytes| bytes.unwrap_or(0).cast_unsigned())
}

/// As SQLite keeps it.
fn most(value: Option<u64>) -> Option<i64> {
    value.map(|value| i64::try_from(value).unwrap_or(i64::MAX))
}

fn delete(db: &Connection, from: i64, to: i64) -> rusqlite::Result<()> {
    for sql in
        ["DELETE FROM heard WHERE message >= ?1 AND message < ?2", "DELETE FROM messages WHERE id >= ?1 AND id < ?2"]
    {
        db.prepare_cached(sql)?.execute([from, to])?;
    }
    Ok(())
}
