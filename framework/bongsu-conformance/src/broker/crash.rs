//! A crash between any two calls, and while each is under way: what was acknowledged stays where it is, what was not is
//! there as a prefix per partition, and the same batch again completes it without a duplicate.
//!
//! After each crash every partition is compared with what it must hold. Start reading at [`Mortal`] and `World::survive`.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use bongsu_runtime::ports::{
    Fut,
    broker::{Broker, BrokerError, History, HistoryId, In, LogId, Out, Partition, Place, Producer, partition_of},
};
use bytes::Bytes;
use futures::future::join;

use super::bench::{Bench, PLENTY, out, partition};
use bongsu_sim::Dice;

/// A broker that can be killed.
pub trait Mortal: Send + Sync {
    /// A client of it; the same client is used before and after a crash.
    fn client(&self) -> Arc<dyn Broker>;

    /// Ends it without a warning and starts it again over what it has kept. What is under way is answered by an error,
    /// or never.
    fn crash(&self) -> Fut<'_, ()>;
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Survived {
    /// Crashes.
    pub crashes: u64,
    /// Messages acknowledged.
    pub acknowledged: u64,
    /// Batches whose answer a crash prevented.
    pub open: u64,
    /// Of these, those that were there at least in part.
    pub kept: u64,
}

/// What a broker is asked while it is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    Nothing,
    /// So many new messages.
    Publish(u64),
    /// Messages that are there already, and so many new ones.
    Overlap(u64),
    /// History once more.
    Refill,
    Fetch,
    /// A fetch that waits for what does not come.
    Wait,
    Bounds,
    Ensure,
    Report,
}

const TOPICS: [&str; 2] = ["mortal-a", "mortal-b"];
const PARTITIONS: u32 = 2;
const SERVICES: [&str; 2] = ["mortal-one", "mortal-two"];
/// The second one's store has a history.
const HISTORIES: [Option<HistoryId>; 2] = [None, Some(HistoryId(7))];
/// Every kind of call, the batches small and so large that a crash comes in their midst.
const CALLS: [Call; 12] = [
    Call::Nothing,
    Call::Publish(1),
    Call::Publish(7),
    Call::Publish(600),
    Call::Overlap(5),
    Call::Overlap(400),
    Call::Refill,
    Call::Fetch,
    Call::Wait,
    Call::Bounds,
    Call::Ensure,
    Call::Report,
];

/// Kills a broker at every call there is, several times over, with the batches of a seed.
///
/// # Panics
/// When it forgot, doubled, moved or reordered a message, or forgot what it knew of topics and producers.
pub async fn survives_crashes(mortal: &dyn Mortal, bench: &Bench, seed: u64) -> Survived {
    let mut world = World::new(mortal, bench, seed).await;
    // The first time a call is over before the crash; then the crash comes while it is under way, sooner or later.
    for latest_us in [None, Some(1_500), Some(6_000), Some(12_000), Some(30_000)] {
        for call in CALLS {
            let crash_after = latest_us.map(|latest| Duration::from_micros(world.dice.below(latest)));
            world.survive(call, crash_after).await;
        }
    }
    let Survived { crashes, acknowledged, .. } = world.survived;
    assert!(crashes > 40 && acknowledged > 1_000, "hardly anything was tried: {}", world.survived);
    world.survived
}

/// One of the two services that publish.
#[derive(Default)]
struct Service {
    epoch: u64,
    /// The last position published.
    position: u64,
    refill: u64,
    sent: Vec<Out>,
}

struct World<'a> {
    mortal: &'a dyn Mortal,
    bench: &'a Bench,
    broker: Arc<dyn Broker>,
    seed: u64,
    dice: Dice,
    log: LogId,
    /// What every partition must hold.
    kept: BTreeMap<Partition, Vec<(u64, Bytes)>>,
    /// Where a reader is that reads on over all crashes.
    reader: BTreeMap<Partition, u64>,
    services: [Service; 2],
    topics: u32,
    survived: Survived,
}

/// A batch as it is sent, for the first time or again.
struct Batch {
    service: usize,
    refill: u64,
    outs: Vec<Out>,
    /// Those of them that are not there yet.
    new: Vec<Out>,
}

impl<'a> World<'a> {
    async fn new(mortal: &'a dyn Mortal, bench: &'a Bench, seed: u64) -> Self {
        let broker = mortal.client();
        for topic in TOPICS {
            bench.topic(topic, PARTITIONS).await;
        }
        for (service, history) in SERVICES.into_iter().zip(HISTORIES) {
            if let Some(id) = history {
                broker.take_up(service, 0, &History::new(id)).await.expect("a history is named");
            }
        }
        let log = broker.bounds(TOPICS[0]).await.expect("bounds").log;
        let all = || TOPICS.iter().flat_map(|topic| (0..PARTITIONS).map(|index| partition(topic, index)));
        Self {
            mortal,
            bench,
            broker,
            seed,
            dice: Dice::new(seed, "broker crashes"),
            log,
            kept: all().map(|partition| (partition, Vec::new())).collect(),
            reader: all().map(|partition| (partition, 0)).collect(),
            services: Default::default(),
            topics: 0,
            survived: Survived::default(),
        }
    }

    /// Calls, crashes after so long, or when the answer was heard, and looks at what is left.
    async fn survive(&mut self, call: Call, crash_after: Option<Duration>) {
        let batch = self.batch(call);
        let broker = self.broker.clone();
        let asked = self.ask(&*broker, call, batch.as_ref());
        let answered = match crash_after {
            None => {
                let answered = asked.await;
                self.mortal.crash().await;
                answered
            }
            Some(pause) => {
                let crash = async {
                    (self.bench.sleep)(pause).await;
                    self.mortal.crash().await;
                };
                join(asked, crash).await.0
            }
        };
        self.survived.crashes += 1;
        let at = format!("seed {}: after a crash at {call:?}, {crash_after:?} from its start", self.seed);
        match (&answered, crash_after) {
            (Ok(()), _) | (Err(BrokerError::Unavailable(_)), Some(_)) => {}
            (Err(other), _) => panic!("{at}: {other}"),
        }
        self.look(&at, batch, answered.is_ok()).await;
    }

    async fn ask(&self, broker: &dyn Broker, call: Call, batch: Option<&Batch>) -> Result<(), BrokerError> {
        let wait = Duration::from_millis(30);
        let ends = || self.kept.iter().map(|(partition, kept)| (partition.clone(), kept.len() as u64)).collect();
        match call {
            Call::Nothing => Ok(()),
            Call::Publish(_) | Call::Overlap(_) | Call::Refill => match batch {
                Some(batch) => self.publish(broker, batch).await,
                None => Ok(()),
            },
            Call::Fetch => broker.fetch(self.places(), PLENTY, Duration::ZERO).await.map(drop),
            Call::Wait => broker.fetch(ends(), PLENTY, wait).await.map(drop),
            Call::Bounds => broker.bounds(TOPICS[0]).await.map(drop),
            Call::Ensure => broker.ensure(super::bench::topic(&format!("mortal-{}", self.topics), 3)).await,
            Call::Report => {
                broker.report("mortal-reader", self.places()).await;
                Ok(())
            }
        }
    }

    async fn publish(&self, broker: &dyn Broker, batch: &Batch) -> Result<(), BrokerError> {
        let service = &self.services[batch.service];
        let position = if batch.refill == 0 { service.position } else { 0 };
        let after = Place { position, ..Place::default() };
        let from = Producer::new(SERVICES[batch.service], service.epoch);
        let producer = Producer { refill: batch.refill, history: HISTORIES[batch.service], after, ..from };
        broker.publish(producer, batch.outs.clone()).await
    }

    /// The batch of a call; now and then a new owner sends it.
    fn batch(&mut self, call: Call) -> Option<Batch> {
        let index = self.dice.below(2) as usize;
        let service = &mut self.services[index];
        service.epoch += self.dice.below(2);
        let (again, fresh) = match call {
            Call::Publish(count) => (0, count),
            Call::Overlap(count) => (4, count),
            Call::Refill => {
                let outs: Vec<Out> = service.sent.iter().take(50).cloned().collect();
                service.refill += 1;
                let new = outs.clone();
                return Some(Batch { service: index, refill: service.refill, outs, new });
            }
            _ => return None,
        };
        let mut outs: Vec<Out> = service.sent.iter().rev().take(again).rev().cloned().collect();
        let new: Vec<Out> = (1..=fresh).map(|by| fresh_out(&mut self.dice, index, service.position + by)).collect();
        outs.extend(new.iter().cloned());
        Some(Batch { service: index, refill: 0, outs, new })
    }

    /// What must be so after a crash, whatever it interrupted.
    async fn look(&mut self, at: &str, batch: Option<Batch>, acknowledged: bool) {
        if let Some(batch) = batch {
            self.complete(at, &batch, acknowledged).await;
        }
        self.same_as_kept(at).await;
        self.read_on(at).await;
        self.remembers_topics(at).await;
        self.remembers_producers(at).await;
        self.same_as_kept(&format!("{at} and everything again")).await;
    }

    /// An open batch is there as a prefix per partition; sent again, all of it is.
    async fn complete(&mut self, at: &str, batch: &Batch, acknowledged: bool) {
        let mut expected = self.kept.clone();
        for out in &batch.new {
            let index = partition_of(&out.partition_key, PARTITIONS);
            let all = expected.entry(partition(&out.topic, index)).or_default();
            all.push((batch.refill, out.cloudevent.clone()));
        }
        if acknowledged {
            self.survived.acknowledged += batch.new.len() as u64;
        } else {
            let mut there = 0;
            for (partition, kept) in &self.kept {
                let found = self.found(at, partition).await;
                let all = &expected[partition];
                let added = found.len().saturating_sub(kept.len());
                assert!(found.len() >= kept.len(), "{at}, {partition:?}: {} of {}", found.len(), kept.len());
                assert!(all.starts_with(&found), "{at}, {partition:?}: an open batch is not there as a prefix");
                there += added;
            }
            self.survived.open += 1;
            self.survived.kept += u64::from(there > 0);
            let again = self.publish(&*self.broker, batch).await;
            again.unwrap_or_else(|error| panic!("{at}: the same batch again: {error}"));
        }
        self.kept = expected;
        let service = &mut self.services[batch.service];
        if batch.refill == 0 {
            service.sent.extend(batch.new.iter().cloned());
            service.position = service.sent.last().map_or(0, |out| out.position);
        }
    }

    /// Refill and bytes of everything in a partition, its offsets dense from 0.
    async fn found(&self, at: &str, partition: &Partition) -> Vec<(u64, Bytes)> {
        let mut found: Vec<In> = Vec::new();
        loop {
            let want = vec![(partition.clone(), found.len() as u64)];
            let batch = self.broker.fetch(want, PLENTY, Duration::ZERO).await;
            let batch = batch.unwrap_or_else(|error| panic!("{at}, {partition:?} cannot be read: {error}"));
            let Some((_, messages)) = batch.messages.into_iter().next() else { break };
            found.extend(messages);
        }
        let dense = found.iter().map(|message| message.offset).eq(0..found.len() as u64);
        assert!(dense, "{at}, {partition:?} has a gap");
        found.into_iter().map(|message| (message.refill, message.cloudevent)).collect()
    }

    async fn same_as_kept(&self, at: &str) {
        for (partition, kept) in &self.kept {
            let found = self.found(at, partition).await;
            let (has, must) = (found.len(), kept.len());
            let first = found.iter().zip(kept).position(|(one, other)| one != other).unwrap_or(has.min(must));
            assert!(found == *kept, "{at}, {partition:?}: {has} messages of {must}, the first other at {first}");
        }
    }

    /// A reader goes on where it was, in the same history.
    async fn read_on(&mut self, at: &str) {
        let batch = self.broker.fetch(self.places(), PLENTY, Duration::ZERO).await;
        let batch = batch.unwrap_or_else(|error| panic!("{at}: a reader cannot go on: {error}"));
        assert_eq!(batch.log, self.log, "{at}: another history");
        for (partition, messages) in batch.messages {
            let next = self.reader.get_mut(&partition).expect("only wanted partitions come");
            for message in messages {
                let kept = &self.kept[&partition][*next as usize];
                assert_eq!((message.offset, &message.cloudevent), (*next, &kept.1), "{at}: {partition:?} moved");
                *next += 1;
            }
        }
    }

    async fn remembers_topics(&mut self, at: &str) {
        let other = self.broker.ensure(super::bench::topic(TOPICS[0], PARTITIONS + 1)).await;
        assert!(matches!(other, Err(BrokerError::Invalid(_))), "{at}: a topic was forgotten: {other:?}");
        let made = self.broker.ensure(super::bench::topic(&format!("mortal-{}", self.topics), 3)).await;
        made.unwrap_or_else(|error| panic!("{at}: a topic cannot be made again: {error}"));
        self.topics += 1;
        let bounds = self.broker.bounds(TOPICS[1]).await.unwrap_or_else(|error| panic!("{at}: {error}"));
        assert_eq!(bounds.log, self.log, "{at}: another history");
        let ends = bounds.partitions.iter().map(|(partition, earliest, end)| (partition, *earliest, *end));
        for (partition, earliest, end) in ends {
            assert_eq!((earliest, end), (0, self.kept[partition].len() as u64), "{at}: {partition:?}");
        }
    }

    /// What is there already is dropped, and an owner from before is shut out.
    async fn remembers_producers(&self, at: &str) {
        for (index, service) in self.services.iter().enumerate().filter(|(_, service)| !service.sent.is_empty()) {
            let last = service.sent.len().saturating_sub(20);
            let batch = Batch { service: index, refill: 0, outs: service.sent[last..].to_vec(), new: Vec::new() };
            self.publish(&*self.broker, &batch).await.unwrap_or_else(|error| panic!("{at}: a duplicate: {error}"));
            let standing = self.broker.standing(SERVICES[index]).await.unwrap_or_else(|error| panic!("{at}: {error}"));
            let last = standing.last_of(0).map_or(0, |last| last.position);
            let known = (standing.epoch, standing.history, last);
            assert_eq!(known, (service.epoch, HISTORIES[index], service.position), "{at}: what is known of a service");
            let Some(epoch) = service.epoch.checked_sub(1) else { continue };
            let old = Producer::new(SERVICES[index], epoch);
            let next = fresh_out(&mut Dice::new(0, "refused"), index, service.position + 1);
            let refused = self.broker.publish(old, vec![next]).await;
            assert!(matches!(refused, Err(BrokerError::Fenced { .. })), "{at}: an old owner got {refused:?}");
        }
    }

    fn places(&self) -> Vec<(Partition, u64)> {
        self.reader.iter().map(|(partition, next)| (partition.clone(), *next)).collect()
    }
}

fn fresh_out(dice: &mut Dice, service: usize, position: u64) -> Out {
    let key = format!("{service}-{}", dice.below(5));
    let text = "x".repeat(dice.below(2_000) as usize);
    let topic = *dice.pick(&TOPICS).expect("two topics");
    out(topic, &key, position, &text)
}

impl fmt::Display for Survived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { crashes, acknowledged, open, kept } = self;
        write!(f, "{crashes} crashes, {acknowledged} messages acknowledged, {open} batches on their way, {kept} kept")
    }
}
