//! The Broker port in memory: what the simulator runs on and what the other adapters are compared with.
//!
//! Nothing here needs a runtime: waiting is `Env::sleep` raced against a notification, so that virtual time
//! works. Clones share one broker.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::poll_fn,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use bongsu_core::split_type;
use bongsu_runtime::ports::{
    Fut,
    broker::{
        Attributes, Batch, Bounds, Broker, BrokerError, History, In, LogId, Out, Partition, Producer, Standing, Topic,
        partition_of,
    },
    env::Env,
};
use futures::{FutureExt, future};
use tokio::sync::Notify;

/// A broker that forgets everything with its last clone.
#[derive(Clone)]
pub struct MemoryBroker {
    env: Arc<dyn Env>,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
}

struct State {
    log: LogId,
    topics: BTreeMap<String, TopicLog>,
    producers: BTreeMap<String, Standing>,
    reported: BTreeMap<(String, Partition), u64>,
    /// Which of the wanted partitions a fetch starts with, so that a long backlog in one starves no other.
    turn: usize,
}

struct TopicLog {
    topic: Topic,
    partitions: Vec<Log>,
    appended: Arc<Notify>,
}

#[derive(Default)]
struct Log {
    earliest: u64,
    /// Dense from `earliest`.
    messages: Vec<Entry>,
}

/// A message.
struct Entry {
    at_ms: i64,
    message: In,
    /// What checkers want to know of it, over and over.
    told: PublishedFact,
}

/// What checkers want to know of an envelope.
#[derive(Clone, Debug)]
pub struct PublishedFact {
    /// Id of the fact.
    pub id: String,
    /// Who published it.
    pub source: String,
    /// Wire name without its version.
    pub name: String,
    /// Its stream.
    pub subject: String,
    /// Its place among the facts of its subject.
    pub sequence: u64,
}

impl MemoryBroker {
    /// An empty broker with a new history.
    pub fn new(env: Arc<dyn Env>) -> Self {
        let log = LogId(u128::from(env.random()) << 64 | u128::from(env.random()));
        let state =
            State { log, topics: BTreeMap::new(), producers: BTreeMap::new(), reported: BTreeMap::new(), turn: 0 };
        Self { env, shared: Arc::new(Shared { state: Mutex::new(state) }) }
    }

    /// Everything kept of a topic, for checkers; empty when there is no such topic.
    pub fn log(&self, topic: &str) -> Vec<(Partition, Vec<In>)> {
        let state = self.state();
        let Some(kept) = state.topics.get(topic) else { return Vec::new() };
        let logs = kept.partitions.iter().zip(0..);
        logs.map(|(log, index)| {
            (partition(topic, index), log.messages.iter().map(|kept| kept.message.clone()).collect())
        })
        .collect()
    }

    /// The next offset of every partition of a topic, for checkers; empty when there is no such topic.
    pub fn ends(&self, topic: &str) -> Vec<(Partition, u64)> {
        let state = self.state();
        let Some(kept) = state.topics.get(topic) else { return Vec::new() };
        kept.partitions.iter().zip(0..).map(|(log, index)| (partition(topic, index), log.end())).collect()
    }

    /// What a partition keeps in this range of offsets, for checkers: each message with what its envelope says.
    ///
    /// # Errors
    /// The first that `at` gives.
    pub fn range(
        &self,
        partition: &Partition,
        offsets: Range<u64>,
        mut at: impl FnMut(&In, &PublishedFact) -> Result<(), String>,
    ) -> Result<u64, String> {
        let state = self.state();
        let kept = state.topics.get(&partition.topic);
        let Some(log) = kept.and_then(|kept| kept.partitions.get(partition.index as usize)) else { return Ok(0) };
        // Offsets are dense, so the place in the log is known without a search.
        let skipped = offsets.start.saturating_sub(log.earliest) as usize;
        let here = log.messages.iter().skip(skipped).take_while(|kept| kept.message.offset < offsets.end);
        here.map(|kept| at(&kept.message, &kept.told)).try_fold(0, |looked, found| found.map(|()| looked + 1))
    }

    /// The same for everything a topic keeps.
    ///
    /// # Errors
    /// As [`Self::range`].
    pub fn each(
        &self,
        topic: &str,
        mut at: impl FnMut(&Partition, &In, &PublishedFact) -> Result<(), String>,
    ) -> Result<u64, String> {
        let ends = self.ends(topic).into_iter();
        let looked =
            ends.map(|(partition, end)| self.range(&partition, 0..end, |message, told| at(&partition, message, told)));
        looked.sum()
    }

    /// Forgets everything of a topic that is kept now, as a retention does; offsets go on.
    pub fn forget(&self, topic: &str) {
        let mut state = self.state();
        let logs = state.topics.get_mut(topic).map(|kept| &mut kept.partitions);
        logs.into_iter().flatten().for_each(|log| log.cut(log.messages.len()));
    }

    /// Becomes an empty broker with another history, as if its file had been deleted.
    pub fn lose_everything(&self) {
        let mut state = self.state();
        state.log = LogId(state.log.0.wrapping_add(1));
        state.topics.clear();
        state.producers.clear();
    }

    /// Which history it has, for checkers.
    pub fn history(&self) -> LogId {
        self.state().log
    }

    /// The names of all topics.
    pub fn topics(&self) -> Vec<String> {
        self.state().topics.keys().cloned().collect()
    }

    /// How far a consumer last reported to be.
    pub fn reported(&self, consumer: &str) -> Vec<(Partition, u64)> {
        let state = self.state();
        let mine = state.reported.iter().filter(|((name, _), _)| name == consumer);
        mine.map(|((_, partition), offset)| (partition.clone(), *offset)).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait_and_fetch(
        &self,
        want: Vec<(Partition, u64)>,
        max_bytes: u32,
        wait: Duration,
    ) -> Result<Batch, BrokerError> {
        let mut timeout = self.env.sleep(wait);
        loop {
            let (batch, appended) = {
                let mut state = self.state();
                let batch = state.fetch(&want, max_bytes, self.env.wall_ms())?;
                if !batch.messages.is_empty() || wait.is_zero() {
                    return Ok(batch);
                }
                // Nothing is appended between the look and the wait: both are under one lock.
                (batch, state.news_of(&want))
            };
            match future::select(appended, timeout).await {
                future::Either::Left((_, rest)) => timeout = rest,
                future::Either::Right(_) => return Ok(batch),
            }
        }
    }
}

impl State {
    fn ensure(&mut self, topic: Topic) -> Result<(), BrokerError> {
        topic.check()?;
        let Some(kept) = self.topics.get_mut(&topic.name) else {
            let partitions = (0..topic.partitions).map(|_| Log::default()).collect();
            self.topics.insert(topic.name.clone(), TopicLog { topic, partitions, appended: Arc::default() });
            return Ok(());
        };
        let has = kept.topic.partitions;
        let given = topic.partitions;
        if has == given {
            kept.topic.retention_ms = topic.retention_ms.or(kept.topic.retention_ms);
            kept.topic.retention_bytes = topic.retention_bytes.or(kept.topic.retention_bytes);
            return Ok(());
        }
        Err(BrokerError::Invalid(format!("topic {} has {has} partitions, not {given}", topic.name)))
    }

    /// All or nothing: everything is judged before anything is appended.
    fn publish(&mut self, from: Producer<'_>, batch: Vec<Out>, now_ms: i64) -> Result<(), BrokerError> {
        let told: Vec<_> = Out::check_batch(&batch)?.into_iter().map(PublishedFact::of).collect();
        if let Some(out) = batch.iter().find(|out| !self.topics.contains_key(&out.topic)) {
            return Err(BrokerError::Invalid(format!("there is no topic {}", out.topic)));
        }
        let standing = self.producers.entry(from.service.to_owned()).or_default();
        standing.admit(&from, batch.iter().map(Out::at))?;
        standing.epoch = from.epoch;
        let refill = from.refill;
        let era = standing.era();
        for (out, told) in batch.into_iter().zip(told) {
            if standing.last_of(refill).is_some_and(|last| out.place() <= last.order()) {
                continue;
            }
            standing.last.insert(refill, out.at());
            if let Some(kept) = self.topics.get_mut(&out.topic) {
                kept.append(out, told, (refill, era), now_ms);
                kept.appended.notify_waiters();
            }
        }
        Ok(())
    }

    fn fetch(&mut self, want: &[(Partition, u64)], max_bytes: u32, now_ms: i64) -> Result<Batch, BrokerError> {
        let mut ready = Vec::new();
        for (partition, offset) in want {
            let kept = self.topics.get_mut(&partition.topic).ok_or_else(|| unknown(partition))?;
            kept.expire(now_ms);
            let log = kept.partitions.get(partition.index as usize).ok_or_else(|| unknown(partition))?;
            if *offset < log.earliest || *offset > log.end() {
                return Err(gone(partition, *offset, log));
            }
            if *offset < log.end() {
                ready.push((partition, *offset));
            }
        }
        if !ready.is_empty() {
            self.turn = self.turn.wrapping_add(1);
            let first = self.turn % ready.len();
            ready.rotate_left(first);
        }
        let parted = self.producers.iter().filter(|(_, standing)| !standing.partings.is_empty());
        let partings = parted.map(|(service, standing)| {
            (service.clone(), standing.partings.iter().map(|parting| parting.position).collect())
        });
        Ok(Batch { log: self.log, messages: self.fill(&ready, max_bytes as usize), partings: partings.collect() })
    }

    /// An even share of the bytes for each partition; the very first message always fits.
    fn fill(&self, ready: &[(&Partition, u64)], max_bytes: usize) -> Vec<(Partition, Vec<In>)> {
        let share = max_bytes / ready.len().max(1);
        let mut total = 0;
        let mut batch = Vec::new();
        for (partition, offset) in ready {
            let log = &self.topics[&partition.topic].partitions[partition.index as usize];
            let mut taken = 0;
            let mut messages = Vec::new();
            for message in log.from(*offset) {
                let size = message.cloudevent.len();
                let over = total + size > max_bytes || (taken > 0 && taken + size > share);
                if over && total > 0 {
                    break;
                }
                total += size;
                taken += size;
                messages.push(message.clone());
            }
            if !messages.is_empty() {
                batch.push(((*partition).clone(), messages));
            }
        }
        batch
    }

    /// Resolves when something is appended to one of these partitions' topics.
    fn news_of(&self, want: &[(Partition, u64)]) -> impl Future<Output = ()> + Unpin + use<> {
        let topics: BTreeSet<&str> = want.iter().map(|(partition, _)| partition.topic.as_str()).collect();
        let news = topics.into_iter().filter_map(|topic| self.topics.get(topic));
        let mut news: Vec<_> = news.map(|kept| Box::pin(kept.appended.clone().notified_owned())).collect();
        poll_fn(move |context| match news.iter_mut().any(|news| news.poll_unpin(context).is_ready()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
    }

    fn bounds(&mut self, topic: &str, now_ms: i64) -> Result<Bounds, BrokerError> {
        let kept = self.topics.get_mut(topic);
        let kept = kept.ok_or_else(|| BrokerError::Invalid(format!("there is no topic {topic}")))?;
        kept.expire(now_ms);
        let logs = kept.partitions.iter().zip(0..);
        let partitions = logs.map(|(log, index)| (partition(topic, index), log.earliest, log.end())).collect();
        Ok(Bounds { log: self.log, partitions })
    }
}

impl TopicLog {
    fn append(&mut self, out: Out, told: PublishedFact, (refill, era): (u64, u32), now_ms: i64) {
        let index = partition_of(&out.partition_key, self.topic.partitions) as usize;
        let log = &mut self.partitions[index];
        let Out { partition_key, position, cloudevent, .. } = out;
        let message = In { offset: log.end(), partition_key, refill, position, era, cloudevent };
        log.messages.push(Entry { at_ms: now_ms, message, told });
    }

    fn expire(&mut self, now_ms: i64) {
        let Topic { retention_ms, retention_bytes, .. } = self.topic;
        let oldest = retention_ms.map_or(i64::MIN, |ms| now_ms.saturating_sub_unsigned(ms));
        for log in &mut self.partitions {
            let late = log.messages.iter().take_while(|kept| kept.at_ms < oldest).count();
            log.cut(late.max(retention_bytes.map_or(0, |most| log.beyond(most))));
        }
    }
}

impl Log {
    fn end(&self) -> u64 {
        self.earliest + self.messages.len() as u64
    }

    /// How many of the oldest messages the newest `most` bytes do without.
    fn beyond(&self, most: u64) -> usize {
        let mut bytes = 0;
        let newest = self.messages.iter().rev().take_while(|kept| {
            let fits = bytes < most;
            bytes += kept.message.cloudevent.len() as u64;
            fits
        });
        self.messages.len() - newest.count()
    }

    /// Forgets so many of the oldest messages.
    fn cut(&mut self, count: usize) {
        self.messages.drain(..count);
        self.earliest += count as u64;
    }

    fn from(&self, offset: u64) -> impl Iterator<Item = &In> {
        self.messages[(offset - self.earliest) as usize..].iter().map(|kept| &kept.message)
    }
}

impl PublishedFact {
    fn of(read: Attributes<'_>) -> Self {
        let name = split_type(&read.kind).map_or(&*read.kind, |(name, _)| name).to_owned();
        let (id, source) = (read.id.into_owned(), read.source.into_owned());
        Self { id, source, name, subject: read.subject.into_owned(), sequence: read.sequence }
    }

    /// Whether it is a context's fact rather than a mark of the runtime's own.
    pub fn is_fact(&self) -> bool {
        !self.name.starts_with("bongsu.")
    }
}

impl Broker for MemoryBroker {
    fn ensure(&self, topic: Topic) -> Fut<'_, Result<(), BrokerError>> {
        Box::pin(async move { self.state().ensure(topic) })
    }

    fn publish<'a>(&'a self, from: Producer<'a>, batch: Vec<Out>) -> Fut<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            self.state().publish(from, batch, self.env.wall_ms())?;
            Ok(())
        })
    }

    fn standing<'a>(&'a self, service: &'a str) -> Fut<'a, Result<Standing, BrokerError>> {
        Box::pin(async move { Ok(self.state().producers.get(service).cloned().unwrap_or_default()) })
    }

    fn take_up<'a>(&'a self, service: &'a str, epoch: u64, history: &'a History) -> Fut<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            self.state().producers.entry(service.to_owned()).or_default().take_up(service, epoch, history)
        })
    }

    fn fetch(
        &self,
        want: Vec<(Partition, u64)>,
        max_bytes: u32,
        wait: Duration,
    ) -> Fut<'_, Result<Batch, BrokerError>> {
        Box::pin(self.wait_and_fetch(want, max_bytes, wait))
    }

    fn bounds<'a>(&'a self, topic: &'a str) -> Fut<'a, Result<Bounds, BrokerError>> {
        Box::pin(async move { self.state().bounds(topic, self.env.wall_ms()) })
    }

    fn report<'a>(&'a self, consumer: &'a str, at: Vec<(Partition, u64)>) -> Fut<'a, ()> {
        Box::pin(async move {
            let mut state = self.state();
            for (partition, offset) in at {
                state.reported.insert((consumer.to_owned(), partition), offset);
            }
        })
    }
}

fn partition(topic: &str, index: u32) -> Partition {
    Partition { topic: topic.to_owned(), index }
}

fn unknown(partition: &Partition) -> BrokerError {
    BrokerError::Invalid(format!("there is no partition {}/{}", partition.topic, partition.index))
}

fn gone(partition: &Partition, asked: u64, log: &Log) -> BrokerError {
    let (topic, index) = (partition.topic.clone(), partition.index);
    BrokerError::Gone { topic, index, asked, earliest: log.earliest, end: log.end() }
}

#[cfg(test)]
mod tests;
