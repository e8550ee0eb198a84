//! A broker between a node and its own that passes on something else than it was given.

use std::{sync::Arc, time::Duration};

use bongsu_runtime::ports::{
    Fut,
    broker::{Attributes, Batch, Bounds, Broker, BrokerError, History, In, Out, Partition, Producer, Standing, Topic},
};

use crate::kernel::{
    env::SimEnv,
    trace::{hash_of, mix},
};

/// Every bug that is a broker.
pub(super) const BROKERS: &[(&str, Lie)] = &[
    ("two-relays", Lie::TwoRelays),
    ("blind-retry", Lie::BlindRetry),
    ("fact-lost", Lie::FactLost),
    ("history-skipped", Lie::HistorySkipped),
];

/// How a broker lies.
#[derive(Clone, Copy)]
pub(super) enum Lie {
    /// Two workers publish one feed, and that of the second half is faster.
    TwoRelays,
    /// A batch whose answer was lost is sent once more at once, and its facts look new.
    BlindRetry,
    /// A fact in the middle of its subject is not brought, while those after it are.
    FactLost,
    /// Whoever asks for what is gone gets what is left.
    HistorySkipped,
}

pub(super) struct Mutant {
    below: Arc<dyn Broker>,
    env: Arc<SimEnv>,
    lie: Lie,
}

impl Mutant {
    pub(super) fn new(below: Arc<dyn Broker>, env: &Arc<SimEnv>, lie: Lie) -> Self {
        Self { below, env: env.clone(), lie }
    }

    async fn publish_wrongly(&self, from: Producer<'_>, mut batch: Vec<Out>) -> Result<(), BrokerError> {
        if matches!(self.lie, Lie::TwoRelays)
            && let Some(middle) = batch.get(batch.len() / 2).map(|out| out.position)
        {
            let second = batch.iter().filter(|out| out.position >= middle).cloned().collect();
            self.below.publish(from, second).await?;
        }
        let answer = self.below.publish(from, batch.clone()).await;
        if matches!(self.lie, Lie::BlindRetry) && matches!(answer, Err(BrokerError::Unavailable(_))) {
            batch.iter_mut().for_each(|out| out.ordinal += 1_000);
            return self.below.publish(from, batch).await;
        }
        answer
    }

    async fn fetch_wrongly(
        &self,
        mut want: Vec<(Partition, u64)>,
        max_bytes: u32,
        wait: Duration,
    ) -> Result<Batch, BrokerError> {
        loop {
            match self.below.fetch(want.clone(), max_bytes, wait).await {
                Err(BrokerError::Gone { topic, index, asked, earliest, .. })
                    if matches!(self.lie, Lie::HistorySkipped) && asked < earliest =>
                {
                    let gone =
                        |(partition, _): &&mut (Partition, u64)| partition.topic == topic && partition.index == index;
                    want.iter_mut().filter(gone).for_each(|(_, offset)| *offset = earliest);
                }
                Ok(mut batch) if matches!(self.lie, Lie::FactLost) => {
                    batch.messages.iter_mut().for_each(|(partition, messages)| self.lose(partition, messages));
                    return Ok(batch);
                }
                answer => return answer,
            }
        }
    }

    /// Loses a quarter of what has something before it and something after it; the same each time.
    fn lose(&self, partition: &Partition, messages: &mut Vec<In>) {
        let place = mix(mix(self.env.core.seed, hash_of(&partition.topic)), partition.index.into());
        let last = messages.last().map(|message| message.offset);
        messages.retain(|message| {
            let is_later = || Attributes::read(&message.cloudevent).is_ok_and(|fact| fact.sequence > 1);
            Some(message.offset) == last || !mix(place, message.offset).is_multiple_of(4) || !is_later()
        });
    }
}

impl Broker for Mutant {
    fn ensure(&self, topic: Topic) -> Fut<'_, Result<(), BrokerError>> {
        self.below.ensure(topic)
    }

    fn publish<'a>(&'a self, from: Producer<'a>, batch: Vec<Out>) -> Fut<'a, Result<(), BrokerError>> {
        Box::pin(self.publish_wrongly(from, batch))
    }

    fn standing<'a>(&'a self, service: &'a str) -> Fut<'a, Result<Standing, BrokerError>> {
        self.below.standing(service)
    }

    fn take_up<'a>(&'a self, service: &'a str, epoch: u64, history: &'a History) -> Fut<'a, Result<(), BrokerError>> {
        self.below.take_up(service, epoch, history)
    }

    fn fetch(
        &self,
        want: Vec<(Partition, u64)>,
        max_bytes: u32,
        wait: Duration,
    ) -> Fut<'_, Result<Batch, BrokerError>> {
        Box::pin(self.fetch_wrongly(want, max_bytes, wait))
    }

    fn bounds<'a>(&'a self, topic: &'a str) -> Fut<'a, Result<Bounds, BrokerError>> {
        self.below.bounds(topic)
    }

    fn report<'a>(&'a self, consumer: &'a str, at: Vec<(Partition, u64)>) -> Fut<'a, ()> {
        self.below.report(consumer, at)
    }
}
