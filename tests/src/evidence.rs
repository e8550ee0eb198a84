//! What a run leaves behind: every store, the provider's books, and what the clients saw.

use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bongsu_core::{Aggregate, Wire};
use bongsu_runtime::ports::store::{Doc, Position, Read, Scan, Store, StoreError, StoredEvent, StoredFacts};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

/// Everything a rule may look at.
pub struct Evidence {
    /// By context.
    pub stores: BTreeMap<&'static str, Dump>,
    /// `GET /ledger` of the payment provider.
    pub ledger: Value,
    /// What the clients asked for and heard.
    pub history: Vec<Op>,
}

/// The content of one store.
#[derive(Clone, Default)]
pub struct Dump {
    /// In commit order.
    pub events: Vec<StoredEvent>,
    /// What was told of them, in commit order.
    pub facts: Vec<StoredFacts>,
    /// Of the tables of the runtime and of read models.
    pub docs: Vec<Doc>,
    /// What rules asked for before.
    decoded: Decoded,
}

/// What was decoded of a dump before, for so many events: every rule asks for the same aggregates.
#[derive(Default)]
struct Decoded(Mutex<HashMap<(TypeId, usize), Arc<dyn Any + Send + Sync>>>);

impl Clone for Decoded {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Decoded {
    fn once<A: 'static, T: Send + Sync + 'static>(&self, events: usize, decode: impl FnOnce() -> T) -> Arc<T> {
        let key = (TypeId::of::<(A, T)>(), events);
        let known = self.known().get(&key).cloned();
        known.and_then(|known| known.downcast().ok()).unwrap_or_else(|| {
            let decoded = Arc::new(decode());
            self.known().insert(key, decoded.clone());
            decoded
        })
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(TypeId, usize), Arc<dyn Any + Send + Sync>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is kept beside an event, as far as causes go.
#[derive(Debug, Deserialize)]
pub struct Cause {
    /// Of the event.
    pub id: String,
    /// The same for everything that follows from one request.
    pub correlation: String,
    /// What it directly follows from.
    pub causation: String,
}

/// One order a client tried to place.
#[derive(Clone, Debug)]
pub struct Op {
    /// The id it has if it was placed: it follows from the idempotency key.
    pub order: String,
    /// What the client knows.
    pub heard: Heard,
    /// Status and body of every answer to this key and body that says what became of it.
    pub answers: Vec<(u16, Bytes)>,
}

/// What a client knows of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It was accepted.
    Accepted,
    /// It was refused.
    Refused,
    /// No answer: it may or may not have happened.
    Nothing,
}

/// The tables a dump holds, besides the rows that are shown of each read model.
pub const TABLES: &[&str] = &["todo", "cursor", "seen", "lease", "snapshot", "projection"];
/// NAME@VERSION of read models whose rows a dump holds.
const READ_MODELS: &[&str] = &["order-history@2", "price-list@1"];

/// The tables of rows that are shown, by the documents of the table `projection`.
pub fn shown(projections: &[Doc]) -> Vec<String> {
    READ_MODELS.iter().map(|root| generation_of(root, projections)).collect()
}

/// NAME@VERSION.generation of the generation that is shown of NAME@VERSION.
fn generation_of(root: &str, projections: &[Doc]) -> String {
    let doc = projections.iter().find(|doc| doc.key.table == "projection" && doc.key.id == root);
    let state = doc.and_then(|doc| serde_json::from_slice::<Value>(&doc.data).ok());
    format!("{root}.{}", state.and_then(|state| state["generation"].as_u64()).unwrap_or(1))
}

impl Dump {
    /// Of these events, facts and documents.
    pub fn new(events: Vec<StoredEvent>, facts: Vec<StoredFacts>, docs: Vec<Doc>) -> Self {
        Self { events, facts, docs, decoded: Decoded::default() }
    }

    /// Reads a store through its port.
    ///
    /// # Errors
    /// What the store says.
    pub async fn of(store: &dyn Store) -> Result<Self, StoreError> {
        const PAGE: u32 = 1_000;
        let mut dump = Self::default();
        loop {
            let after = dump.events.last().and_then(|event| event.position).unwrap_or(Position(0));
            let events = store.read(Read::Feed { after }, PAGE).await?;
            let last = events.len() < PAGE as usize;
            dump.events.extend(events);
            if last {
                break;
            }
        }
        loop {
            let after = dump.facts.last().map_or(Position(0), |told| told.position);
            let told = store.facts(after, PAGE).await?;
            let last = told.len() < PAGE as usize;
            dump.facts.extend(told);
            if last {
                break;
            }
        }
        let tables: Vec<String> = TABLES.iter().map(|table| (*table).to_owned()).collect();
        dump.add(store, tables).await?;
        dump.add(store, shown(&dump.docs)).await?;
        Ok(dump)
    }

    async fn add(&mut self, store: &dyn Store, tables: Vec<String>) -> Result<(), StoreError> {
        for table in tables {
            let found = store.scan(Scan::table(table, 1_000_000)).await?;
            self.docs.extend(found.into_iter().map(|(_, doc)| doc));
        }
        Ok(())
    }

    /// Under which name a consumer of a map keeps its marks and its cursors: a read model under that of the generation
    /// that is shown.
    pub fn reader(&self, consumer: &str) -> String {
        if consumer.contains('@') { generation_of(consumer, &self.docs) } else { consumer.to_owned() }
    }

    /// The rows that are shown of a read model, by its NAME@VERSION.
    pub fn rows<'a>(&'a self, root: &'a str) -> impl Iterator<Item = &'a Doc> + 'a {
        let of = move |doc: &&Doc| doc.key.table.rsplit_once('.').is_some_and(|(table, _)| table == root);
        self.docs.iter().filter(of)
    }

    /// What is still to be done: every to-do but the clocks', whose next firing is always there.
    pub fn to_do(&self) -> impl Iterator<Item = &Doc> {
        self.table("todo").filter(|doc| !is_clock(&doc.key.id))
    }

    /// The documents of a table.
    pub fn table<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a Doc> + 'a {
        self.docs.iter().filter(move |doc| doc.key.table == table)
    }

    /// Why each event happened, in the order of the events.
    ///
    /// # Errors
    /// The first event beside which nothing readable is kept.
    pub fn causes(&self) -> Result<Arc<Vec<Cause>>, String> {
        let read = |event: &StoredEvent| {
            serde_json::from_slice(&event.meta).map_err(|error| format!("{}@{}: {error}", event.stream, event.version))
        };
        let causes: Arc<Result<Arc<Vec<Cause>>, String>> = self.decoded.once::<Cause, _>(self.events.len(), || {
            self.events.iter().map(read).collect::<Result<Vec<Cause>, String>>().map(Arc::new)
        });
        (*causes).clone()
    }

    /// The events of every instance of an aggregate, in commit order, each behind its instance's id.
    pub fn events_of<A: Aggregate + 'static>(&self) -> Arc<Vec<(String, A::Event)>>
    where
        A::Event: Send + Sync + 'static,
    {
        self.decoded.once::<A, _>(self.events.len(), || {
            decode::<A>(&self.events).map(|(id, event)| (id.to_owned(), event)).collect()
        })
    }

    /// The state of every instance of an aggregate.
    pub fn states_of<A: Aggregate + 'static>(&self) -> Arc<BTreeMap<String, A::State>>
    where
        A::Event: Send + Sync + 'static,
        A::State: Send + Sync + 'static,
    {
        self.decoded.once::<A, _>(self.events.len(), || {
            let mut states = BTreeMap::new();
            self.events_of::<A>().iter().for_each(|(id, event)| A::evolve(of(&mut states, id), event));
            states
        })
    }
}

/// The state of this instance, wherever it stands.
pub fn of<'s, S: Default>(states: &'s mut BTreeMap<String, S>, id: &str) -> &'s mut S {
    if !states.contains_key(id) {
        states.insert(id.to_owned(), S::default());
    }
    states.get_mut(id).expect("it was inserted")
}

/// The events of an aggregate among these, each behind its instance's id.
pub fn decode<A: Aggregate>(events: &[StoredEvent]) -> impl Iterator<Item = (&str, A::Event)> {
    let of_it = |stream: &'_ str| stream.strip_prefix(A::NAME).is_some_and(|rest| rest.starts_with('/'));
    events.iter().filter(move |event| of_it(&event.stream)).map(|event| {
        let decoded = A::Event::decode(&event.name, event.schema, &event.data);
        let decoded = decoded.ok().flatten().unwrap_or_else(|| panic!("{}@{} decodes", event.stream, event.version));
        (&event.stream[A::NAME.len() + 1..], decoded)
    })
}

impl Evidence {
    /// The store of a context.
    pub fn store(&self, context: &str) -> &Dump {
        self.stores.get(context).unwrap_or_else(|| panic!("the evidence has no store of {context}"))
    }
}

/// Whether a to-do of this name is the next firing of a clock.
pub fn is_clock(id: &str) -> bool {
    id.starts_with("clock/")
}
