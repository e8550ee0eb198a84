//! I5 for services on this project's runtime: where its cursors and its marks are is known.

use std::collections::BTreeMap;

use bongsu_core::split_type;
use bongsu_runtime::{
    Service,
    ports::{
        broker::Partition,
        store::{CommitId, Doc, DocKey},
    },
};
use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, de::DeserializeOwned};

use super::{Checked, Moment, place};
use crate::{MemoryBroker, MemoryStore, memory_broker::Told};

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
struct Lanes {
    /// The facts each consumer of the map hears, without versions.
    hears: HashMap<String, HashSet<String>>,
    /// By cursor: the revision last looked at, and its offset.
    passed: BTreeMap<String, (Option<CommitId>, u64)>,
}

/// I5, I16 and I17: every message behind a lane's cursor whose name its consumer declares, in whatever schema, is
/// marked as seen, be it handled or queued as a to-do: a poison fact is not skipped, an unknown schema not dropped.
///
/// # Errors
/// The first message that a cursor has passed without a mark, and documents that are not what the runtime writes.
pub fn lanes_are_safe(store: &MemoryStore, broker: &MemoryBroker, service: &Service) -> Checked {
    Lanes::of(service).look(store, broker)
}

/// The same at every crash and at every 16th Commit of the store called `name`, each message once. To be watched.
pub fn lanes_stay_safe(
    name: &'static str,
    store: MemoryStore,
    broker: MemoryBroker,
    service: Service,
) -> impl FnMut(&Moment<'_>) -> Checked + Send {
    const EVERY: u64 = 16;
    let (mut lanes, mut commits) = (Lanes::of(&service), 0);
    move |moment| {
        commits += u64::from(matches!(moment, Moment::Committed { store: of, .. } if *of == name));
        match moment {
            Moment::Committed { store: of, .. } if *of == name && commits % EVERY == 0 => lanes.look(&store, &broker),
            Moment::Crashed(_) => lanes.look(&store, &broker),
            _ => Ok(0),
        }
    }
}

impl Lanes {
    fn of(service: &Service) -> Self {
        let unversioned = |fact: &str| split_type(fact).map_or(fact, |(name, _)| name).to_owned();
        let mut hears: HashMap<String, HashSet<String>> = HashMap::new();
        for (fact, by) in service.hears() {
            hears.entry(by.to_owned()).or_default().insert(unversioned(&fact));
        }
        Self { hears, passed: BTreeMap::new() }
    }

    /// Looks at what the cursors have passed since the last time.
    fn look(&mut self, store: &MemoryStore, broker: &MemoryBroker) -> Checked {
        let mut looked = 0;
        for doc in store.docs_of("cursor").into_iter().filter(|doc| doc.key.id != "relay") {
            let (known, before) = self.passed.get(&doc.key.id).copied().unwrap_or_default();
            if known == Some(doc.revision) {
                continue;
            }
            let Cursor { offset } = read(&doc)?;
            let (consumer, partition) = lane(&doc.key)?;
            let hears = self.hears.get(reader_of(consumer));
            looked += broker.range(&partition, before..offset, |message, told| {
                let is_heard = hears.is_some_and(|hears| hears.contains(&told.name));
                match !is_heard || is_marked(store, consumer, told)? {
                    true => Ok(()),
                    false => Err(format!("{consumer} is at {offset} and has not seen {}", place(&partition, message))),
                }
            })?;
            self.passed.insert(doc.key.id, (Some(doc.revision), offset.max(before)));
        }
        Ok(looked)
    }
}

fn is_marked(store: &MemoryStore, consumer: &str, told: &Told) -> Result<bool, String> {
    match store.doc("seen", &[consumer, &told.source, &told.subject].join("/")) {
        Some(doc) => Ok(read::<Seen>(&doc)?.sequence >= told.sequence),
        None => Ok(false),
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

fn read<T: DeserializeOwned>(doc: &Doc) -> Result<T, String> {
    serde_json::from_slice(&doc.data).map_err(|error| format!("{}: {error}", doc.key))
}
