//! A broker behind faults: down, slow, forgetting to answer, repeating itself.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bongsu_runtime::ports::{
    Fut,
    broker::{Batch, Bounds, Broker, BrokerError, History, Out, Partition, Producer, Standing, Topic},
    env::Env,
};
use tokio::sync::oneshot;

use crate::{
    faults::{
        mutants,
        port::{Fate, Trip},
    },
    kernel::{
        core::Core,
        env::SimEnv,
        moment::Moment,
        part::{Kind, PartId},
    },
};

/// So many of the last messages can appear again.
const REMEMBERED: usize = 64;
/// The producer duplicates are published as, so that a broker that recognises repeated batches takes them.
const AGAIN: &str = "(duplicates)";

/// A broker as the world sees it: it survives the crashes of those who use it.
///
/// Besides the faults of every port it may publish a part of a batch and say Unavailable, publish a batch after
/// its sender gave up or died, and append a message again later, at a new offset.
#[derive(Clone)]
pub struct SimBroker {
    core: Arc<Core>,
    part: PartId,
    name: &'static str,
    inner: Arc<dyn Broker>,
    published: Arc<Mutex<Published>>,
}

#[derive(Default)]
struct Published {
    last: VecDeque<Out>,
    /// Position of the next duplicate.
    again: u64,
    /// How many the broker has taken.
    repeated: u64,
    /// How often the broker was replaced.
    era: u64,
}

struct Client {
    world: SimBroker,
    env: Arc<SimEnv>,
}

impl SimBroker {
    pub(crate) fn new(core: &Arc<Core>, name: &'static str, inner: Arc<dyn Broker>) -> Self {
        let part = core.add_part(Kind::Broker, name);
        Self { core: core.clone(), part, name, inner, published: Arc::default() }
    }

    /// The broker as one incarnation of a node reaches it.
    pub fn client(&self, env: &Arc<SimEnv>) -> Arc<dyn Broker> {
        mutants::broker(env, Arc::new(Client { world: self.clone(), env: env.clone() }))
    }

    /// Makes every call fail for so long.
    pub fn take_down(&self, how_long: Duration) {
        self.core.take_down(self.part, how_long);
    }

    /// Another broker is at its address: what is on its way to the old one never arrives.
    pub fn replaced(&self) {
        let mut published = self.published();
        published.era += 1;
        published.last.clear();
    }

    /// Appends a message that was published earlier once more, now; never as a part of a refill.
    ///
    /// # Errors
    /// What the broker says.
    pub async fn repeat(&self, mut message: Out) -> Result<(), BrokerError> {
        message.position = {
            let mut published = self.published();
            published.again += 1;
            published.again
        };
        self.core.moment(&Moment::Published { broker: self.name, batch: std::slice::from_ref(&message) });
        self.inner.publish(Producer::new(AGAIN, 0), vec![message]).await?;
        self.published().repeated += 1;
        Ok(())
    }

    /// How many copies the faults of this run, or the scenario, have made so far.
    pub fn repeated(&self) -> u64 {
        self.published().repeated
    }

    fn published(&self) -> MutexGuard<'_, Published> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes a batch that has arrived.
    async fn arrive(&self, from: Producer<'_>, batch: Vec<Out>) -> Result<(), BrokerError> {
        // Judged before it is appended: what readers could see must be in the store already.
        self.core.moment(&Moment::Published { broker: self.name, batch: &batch });
        self.inner.publish(from, batch.clone()).await?;
        let count = batch.len();
        {
            let mut published = self.published();
            published.last.extend(batch);
            let over = published.last.len().saturating_sub(REMEMBERED);
            published.last.drain(..over);
        }
        (0..count).for_each(|_| self.perhaps_repeat());
        Ok(())
    }

    /// Perhaps sets one of the last messages on its way once more.
    fn perhaps_repeat(&self) {
        let Some(after) = self.core.duplicate(self.name) else { return };
        let (message, era) = {
            let published = self.published();
            let last = &published.last;
            (last.get(self.core.below(last.len())).cloned(), published.era)
        };
        let broker = self.clone();
        self.core.on_its_way("duplicate", async move {
            broker.core.wait(&broker.core.world, after).await;
            if let Some(message) = message.filter(|_| broker.published().era == era) {
                // A broker that refuses it now (an expired topic) just does not repeat itself.
                let _refused = broker.repeat(message).await;
            }
        });
    }

    fn unavailable(&self) -> BrokerError {
        BrokerError::Unavailable(format!("{} does not answer", self.name))
    }
}

impl Client {
    fn trip(&self) -> Trip {
        self.world.core.trip(&self.env.life, self.world.part)
    }

    /// Sends a batch on its way; it arrives whether or not its sender still waits.
    fn send(&self, from: Producer<'_>, mut batch: Vec<Out>, trip: Trip) -> oneshot::Receiver<Result<(), BrokerError>> {
        let (reply, answer) = oneshot::channel();
        let (world, env) = (self.world.clone(), self.env.clone());
        let service = from.service.to_owned();
        let Producer { epoch, refill, history, after, .. } = from;
        let era = world.published().era;
        let core = world.core.clone();
        core.clone().on_its_way("publish", async move {
            core.wait(&core.world, trip.there).await;
            if !core.survives(&env.life) {
                return;
            }
            let mut reply = Some(reply);
            let mut give_up = || reply.take().map(|reply| reply.send(Err(world.unavailable())));
            match trip.fate {
                Fate::Refused | Fate::Lost => {
                    give_up();
                    return;
                }
                Fate::Late => {
                    give_up();
                    core.wait(&core.world, core.slowly(Kind::Broker)).await;
                }
                Fate::Partial => batch.truncate(core.below(batch.len().max(1))),
                Fate::Fine | Fate::AckLost => {}
            }
            if world.published().era != era {
                let _unheard = reply.map(|reply| reply.send(Err(world.unavailable())));
                return;
            }
            let from = Producer { service: &service, epoch, refill, history, after };
            let result = world.arrive(from, batch).await;
            // The sender may die here: after it was published, before the answer.
            env.step("broker.publish.applied");
            let answer = if trip.fate == Fate::Fine { result } else { Err(world.unavailable()) };
            // Nobody waits when the sender has died or given up.
            let _unheard = reply.map(|reply| reply.send(answer));
        });
        answer
    }

    async fn call<T>(
        &self,
        steps: [&'static str; 2],
        call: impl Future<Output = Result<T, BrokerError>>,
    ) -> Result<T, BrokerError> {
        self.env.pass(steps[0]).await;
        let trip = self.trip();
        self.env.wait(trip.there).await;
        if trip.fate != Fate::Fine {
            return Err(self.world.unavailable());
        }
        let result = call.await;
        self.env.wait(trip.back).await;
        self.env.pass(steps[1]).await;
        // A connection that waited for news breaks when the broker goes down meanwhile.
        if self.world.core.is_down(self.world.part) { Err(self.world.unavailable()) } else { result }
    }
}

impl Broker for Client {
    fn ensure(&self, topic: Topic) -> Fut<'_, Result<(), BrokerError>> {
        let ensured = async move { self.world.inner.ensure(topic).await };
        Box::pin(self.call(["broker.ensure.before", "broker.ensure.after"], ensured))
    }

    fn publish<'a>(&'a self, from: Producer<'a>, batch: Vec<Out>) -> Fut<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            self.env.pass("broker.publish.before").await;
            let trip = self.trip();
            let answer = self.send(from, batch, trip);
            let result = answer.await.unwrap_or_else(|_| Err(self.world.unavailable()));
            self.env.wait(trip.back).await;
            self.env.pass("broker.publish.after").await;
            result
        })
    }

    fn standing<'a>(&'a self, service: &'a str) -> Fut<'a, Result<Standing, BrokerError>> {
        let asked = async move { self.world.inner.standing(service).await };
        Box::pin(self.call(["broker.standing.before", "broker.standing.after"], asked))
    }

    fn take_up<'a>(&'a self, service: &'a str, epoch: u64, history: &'a History) -> Fut<'a, Result<(), BrokerError>> {
        let taken = async move { self.world.inner.take_up(service, epoch, history).await };
        Box::pin(self.call(["broker.take-up.before", "broker.take-up.after"], taken))
    }

    fn fetch(
        &self,
        want: Vec<(Partition, u64)>,
        max_bytes: u32,
        wait: Duration,
    ) -> Fut<'_, Result<Batch, BrokerError>> {
        let fetched = async move { self.world.inner.fetch(want, max_bytes, wait).await };
        Box::pin(self.call(["broker.fetch.before", "broker.fetch.after"], fetched))
    }

    fn bounds<'a>(&'a self, topic: &'a str) -> Fut<'a, Result<Bounds, BrokerError>> {
        let bounds = async move { self.world.inner.bounds(topic).await };
        Box::pin(self.call(["broker.bounds.before", "broker.bounds.after"], bounds))
    }

    fn report<'a>(&'a self, consumer: &'a str, at: Vec<(Partition, u64)>) -> Fut<'a, ()> {
        Box::pin(async move {
            self.env.alive().await;
            self.world.inner.report(consumer, at).await;
        })
    }
}

impl fmt::Debug for SimBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimBroker({})", self.name)
    }
}
