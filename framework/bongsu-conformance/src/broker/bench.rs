//! A broker under test, what is said to it, and what is heard of it.

use std::{sync::Arc, time::Duration};

use bongsu_runtime::ports::{
    Fut,
    broker::{Broker, BrokerError, In, Out, Partition, Producer, Topic},
};
use bytes::Bytes;

/// A broker under test and a way to wait.
pub struct Bench {
    pub(super) broker: Arc<dyn Broker>,
    pub(super) sleep: Box<dyn Fn(Duration) -> Fut<'static, ()> + Send + Sync>,
}

/// Longer than any answer takes; a rule that waits so long has failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// How long a wait that must end by itself is asked to last.
pub(super) const SHORT: Duration = Duration::from_millis(150);
/// Enough for all messages of a rule.
pub(super) const PLENTY: u32 = 1 << 20;

impl Bench {
    /// A broker and how to wait.
    pub fn new(broker: Arc<dyn Broker>, sleep: impl Fn(Duration) -> Fut<'static, ()> + Send + Sync + 'static) -> Self {
        Self { broker, sleep: Box::new(sleep) }
    }

    pub(super) async fn topic(&self, name: &str, partitions: u32) {
        self.broker.ensure(topic(name, partitions)).await.expect("a topic is made");
    }

    pub(super) async fn publish(&self, service: &str, epoch: u64, batch: Vec<Out>) -> Result<(), BrokerError> {
        self.broker.publish(Producer::new(service, epoch), batch).await
    }

    /// Everything in a partition, in offset order.
    pub(super) async fn all(&self, topic: &str, index: u32) -> Vec<In> {
        let mut read = Vec::new();
        let mut next = 0;
        loop {
            let want = vec![(partition(topic, index), next)];
            let batch = self.broker.fetch(want, PLENTY, Duration::ZERO).await.expect("a fetch is answered");
            let Some((_, messages)) = batch.messages.into_iter().next() else { return read };
            next = messages.last().expect("a partition in a batch has messages").offset + 1;
            read.extend(messages);
        }
    }

    pub(super) async fn in_time<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        let work = std::pin::pin!(work);
        match futures::future::select(work, (self.sleep)(PATIENCE)).await {
            futures::future::Either::Left((done, _)) => done,
            futures::future::Either::Right(_) => panic!("{what} took over {PATIENCE:?}"),
        }
    }
}

pub(super) fn topic(name: &str, partitions: u32) -> Topic {
    Topic { name: name.to_owned(), partitions, retention_ms: None, retention_bytes: None }
}

pub(super) fn partition(topic: &str, index: u32) -> Partition {
    Partition { topic: topic.to_owned(), index }
}

/// A message of the size of its text.
pub(super) fn out(topic: &str, key: &str, position: u64, text: &str) -> Out {
    let cloudevent = format!(
        r#"{{"specversion":"1.0","id":"{topic}/{key}/{position}","source":"{topic}","type":"{topic}.counter-raised.v1","subject":"counter/{key}","partitionkey":"{key}","sequence":{position},"data":{{"text":"{text}"}}}}"#
    );
    Out {
        topic: topic.to_owned(),
        partition_key: key.to_owned(),
        position,
        ordinal: 0,
        commit: None,
        cloudevent: Bytes::from(cloudevent),
    }
}

pub(super) fn outs(topic: &str, keys: &[&str], positions: std::ops::RangeInclusive<u64>) -> Vec<Out> {
    positions.map(|position| out(topic, keys[position as usize % keys.len()], position, "")).collect()
}

pub(super) fn bodies(messages: &[In]) -> Vec<Bytes> {
    messages.iter().map(|message| message.cloudevent.clone()).collect()
}

pub(super) fn sent(batch: &[Out]) -> Vec<Bytes> {
    batch.iter().map(|out| out.cloudevent.clone()).collect()
}
