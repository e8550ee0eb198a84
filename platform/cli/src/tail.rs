//! Reads public facts from the broker, from the first to the newest and on.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use bongsu_broker::BrokerClient;
use bongsu_runtime::ports::broker::{Broker, BrokerError, Partition, partition_of};
use serde::Deserialize;
use serde_json::Value;
use supervisor::system_file::BROKER;

use crate::operator::Operator;

/// Bytes of one answer.
const PAGE: u32 = 1 << 20;
/// How long the broker keeps a question that has no answer yet. New topics are noticed between two questions.
const WAIT: Duration = Duration::from_secs(1);

/// A reader of some partitions of some topics.
pub(crate) struct Tail {
    broker: BrokerClient,
    positions: BTreeMap<Partition, u64>,
    key: Option<String>,
}

/// What a fact says about itself, as far as it is shown.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Fact {
    pub(crate) id: String,
    pub(crate) source: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) subject: String,
    #[serde(default)]
    pub(crate) time: String,
    #[serde(default)]
    pub(crate) correlationid: String,
    #[serde(default)]
    pub(crate) causationid: String,
    #[serde(default)]
    pub(crate) data: Value,
    /// Where its event stands in the store it came from; 0 when the broker was not told.
    #[serde(skip)]
    pub(crate) position: u64,
    /// The whole CloudEvent.
    #[serde(skip)]
    pub(crate) json: Value,
}

#[derive(Deserialize)]
struct Topic {
    name: String,
}

impl Tail {
    /// A reader of the broker's facts; with a key only of that key's partitions.
    pub(crate) async fn new(operator: &Operator, key: Option<String>) -> Result<Self> {
        let mut broker = BrokerClient::new(&operator.broker().await?)?;
        if let Some(bearer) = operator.bearer(BROKER) {
            broker = broker.bearing(&bearer);
        }
        Ok(Self { broker, positions: BTreeMap::new(), key })
    }

    /// Names of all topics.
    pub(crate) async fn topics(operator: &Operator) -> Result<Vec<String>> {
        let topics: Vec<Topic> = operator.get(&format!("{}/topics", operator.broker().await?)).await?;
        Ok(topics.into_iter().map(|topic| topic.name).collect())
    }

    /// Reads these topics too, from their first fact.
    pub(crate) async fn add(&mut self, topics: &[String]) -> Result<(), BrokerError> {
        for topic in topics {
            if self.positions.keys().any(|partition| partition.topic == *topic) {
                continue;
            }
            let bounds = self.broker.bounds(topic).await?.partitions;
            let own = self.key.as_deref().map(|key| partition_of(key, bounds.len() as u32));
            let wanted = bounds.into_iter().filter(|(partition, ..)| own.is_none_or(|own| own == partition.index));
            self.positions.extend(wanted.map(|(partition, earliest, _)| (partition, earliest)));
        }
        Ok(())
    }

    /// The next facts; with `wait` it may take a moment until there are any. `None`: everything has been read.
    pub(crate) async fn next(&mut self, wait: bool) -> Result<Option<Vec<Fact>>, BrokerError> {
        if self.positions.is_empty() {
            return Ok(None);
        }
        let want = self.positions.iter().map(|(partition, offset)| (partition.clone(), *offset)).collect();
        let wait = if wait { WAIT } else { Duration::ZERO };
        let batch = self.broker.fetch(want, PAGE, wait).await?;
        if batch.messages.is_empty() {
            return Ok(None);
        }
        let mut facts = Vec::new();
        for (partition, messages) in batch.messages {
            for message in messages {
                self.positions.insert(partition.clone(), message.offset + 1);
                if self.key.as_ref().is_none_or(|key| *key == message.partition_key) {
                    facts.extend(parse(&message.cloudevent, message.position));
                }
            }
        }
        // Partitions come one after the other; causes come before effects in time.
        facts.sort_by(|a, b| a.time.cmp(&b.time));
        Ok(Some(facts))
    }
}

/// What is no CloudEvent was put there by somebody else and is not shown.
fn parse(cloudevent: &[u8], position: u64) -> Option<Fact> {
    let json: Value = serde_json::from_slice(cloudevent).ok()?;
    let fact = Fact::deserialize(&json).ok()?;
    Some(Fact { json, position, ..fact })
}
