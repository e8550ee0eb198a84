//! I5 for services on this project's runtime: where its cursors and its marks are is known.

use std::collections::BTreeMap;

use bongsu_runtime::{
    Service,
    ports::{
        broker::{In, Partition},
        store::{Doc, DocKey, Store},
    },
};
use futures::FutureExt;
use serde::{Deserialize, de::DeserializeOwned};

use super::{Checked, Moment, place, told};
use crate::{MemoryBroker, MemoryStore};

/// A lane's cursor, as the runtime keeps it.
#[derive(Deserialize)]
struct Cursor {
    offset: u64,
}

/// The mark of a subject, as the runtime keeps it.
#[derive(Deserialize)]
struct Seen {
    sequence: u64,
}

/// How far each lane was looked at.
#[derive(Default)]
struct Lanes(BTreeMap<String, u64>);

/// Every message behind a lane's cursor that its consumer hears is marked as seen, be it handled or queued as a
/// to-do.
///
/// # Errors
/// The first message that a cursor has passed without a mark, and documents that are not what the runtime writes.
pub fn lanes_are_safe(store: &MemoryStore, broker: &MemoryBroker, service: &Service) -> Checked {
    Lanes::default().look(store, broker, service)
}

/// The same at every Commit of the store called `name`, each message once. To be watched.
pub fn lanes_stay_safe(
    name: &'static str,
    store: MemoryStore,
    broker: MemoryBroker,
    service: Service,
) -> impl FnMut(&Moment<'_>) -> Checked + Send {
    let mut lanes = Lanes::default();
    move |moment| match moment {
        Moment::Committed { store: of, .. } if *of == name => lanes.look(&store, &broker, &service),
        _ => Ok(0),
    }
}

impl Lanes {
    /// Looks at what the cursors have passed since the last time.
    fn look(&mut self, store: &MemoryStore, broker: &MemoryBroker, service: &Service) -> Checked {
        let mut looked = 0;
        for doc in store.docs_of("cursor").into_iter().filter(|doc| doc.key.id != "relay") {
            let Cursor { offset } = read(&doc)?;
            let before = self.0.entry(doc.key.id.clone()).or_default();
            if offset > *before {
                let (consumer, partition) = lane(&doc.key)?;
                let passed = broker.range(&partition, *before..offset);
                looked += passed.len() as u64;
                let unmarked = |message: &&In| !is_marked(store, service, consumer, message).unwrap_or(false);
                if let Some(message) = passed.iter().find(unmarked) {
                    return Err(format!("{consumer} is at {offset} and has not seen {}", place(&partition, message)));
                }
                *before = offset;
            }
        }
        Ok(looked)
    }
}

/// The consumer and the partition of a cursor.
fn lane(key: &DocKey) -> Result<(&str, Partition), String> {
    let mut parts = key.id.rsplitn(3, '/');
    let (index, topic, consumer) = (parts.next(), parts.next(), parts.next());
    match (consumer, topic, index.and_then(|index| index.parse().ok())) {
        (Some(consumer), Some(topic), Some(index)) => Ok((consumer, Partition { topic: topic.to_owned(), index })),
        _ => Err(format!("{key} is no cursor of a lane")),
    }
}

/// The name in the map of who keeps a cursor: lanes of a read model write under NAME@VERSION.generation, the map
/// says NAME@VERSION.
pub fn reader_of(consumer: &str) -> &str {
    consumer.rsplit_once('.').filter(|(root, _)| root.contains('@')).map_or(consumer, |(root, _)| root)
}

fn is_marked(store: &MemoryStore, service: &Service, consumer: &str, message: &In) -> Result<bool, String> {
    let told = told(&message.cloudevent)?;
    if !service.hears().iter().any(|(fact, by)| *fact == told.kind && *by == reader_of(consumer)) {
        return Ok(true);
    }
    let mark = DocKey::new("seen", format!("{consumer}/{}/{}", told.source, told.subject));
    let found = store.docs(vec![mark]).now_or_never().ok_or("the store does not answer at once")?;
    let found = found.map_err(|error| error.to_string())?.into_iter().next().flatten();
    Ok(match found {
        Some(doc) => read::<Seen>(&doc)?.sequence >= told.sequence,
        None => false,
    })
}

fn read<T: DeserializeOwned>(doc: &Doc) -> Result<T, String> {
    serde_json::from_slice(&doc.data).map_err(|error| format!("{}: {error}", doc.key))
}
