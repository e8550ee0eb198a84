//! Who hears a fact: policies, processes and projections with their types hidden.

use std::{marker::PhantomData, sync::Arc};

use bongsu_core::{Ctx, Policy, Projection, Wire, split_type};

use crate::{
    command::handlers::Decided,
    commit::unit::{Fail, Message, Unit},
    ports::{
        Fut,
        store::{DocBody, DocKey},
    },
    process::instance::Saga,
    projection::shown::{root_of, table},
};

/// One reader of facts, with a position, seen marks and a queue of failed facts of its own.
pub(crate) trait Consumer: Send + Sync {
    /// Cursor, seen marks and to-dos are kept under this name; of a read model under that of a generation.
    fn name(&self) -> &str;
    /// The facts heard, as listed in the map.
    fn heard(&self) -> &[&'static str];
    /// Whether a wire name is declared, in whatever schema.
    fn reads(&self, name: &str) -> bool;
    /// Whether this is a read model: its name is NAME@VERSION, it is read in a generation, and the service is
    /// ready only once it has caught up with the heads noted at start.
    fn is_read_model(&self) -> bool {
        false
    }
    /// The reader that fills one generation of this read model.
    fn generation(&self, _generation: u64) -> Option<Arc<dyn Consumer>> {
        None
    }
    /// Documents that this fact is certain to change, to be looked up ahead.
    fn rows(&self, _fact: &Message) -> Vec<DocKey> {
        Vec::new()
    }
    fn apply<'a>(&'a self, unit: &'a mut Unit, fact: Message, ctx: &'a Ctx) -> Fut<'a, Result<(), Fail>>;

    fn topics(&self) -> Vec<String> {
        topics_of(self.heard())
    }
}

/// The topics facts are published to.
pub(crate) fn topics_of(facts: &[&'static str]) -> Vec<String> {
    let topic = |fact: &&str| fact.split('.').next().unwrap_or_default().to_owned();
    let mut topics: Vec<String> = facts.iter().map(topic).collect();
    topics.sort();
    topics.dedup();
    topics
}

pub(crate) struct PolicyConsumer<P> {
    policy: P,
    heard: Vec<&'static str>,
}

pub(crate) struct ProcessConsumer {
    saga: Arc<dyn Saga>,
    heard: Vec<&'static str>,
}

pub(crate) struct ProjectionConsumer<P> {
    name: String,
    heard: Vec<&'static str>,
    fold: PhantomData<fn() -> P>,
}

impl<P> PolicyConsumer<P> {
    pub(crate) fn new(policy: P, heard: &[&'static str]) -> Self {
        Self { policy, heard: heard.to_vec() }
    }
}

impl ProcessConsumer {
    pub(crate) fn new(saga: Arc<dyn Saga>, heard: &[&'static str]) -> Self {
        Self { saga, heard: heard.to_vec() }
    }
}

impl<P: Projection> ProjectionConsumer<P> {
    pub(crate) fn new(heard: &[&'static str]) -> Self {
        Self { name: root_of::<P>(), heard: heard.to_vec(), fold: PhantomData }
    }
}

impl<P> Consumer for PolicyConsumer<P>
where
    P: Policy + Send + Sync,
    P::Fact: Send + Sync,
    P::Command: Send + Sync,
{
    fn name(&self) -> &str {
        P::NAME
    }

    fn heard(&self) -> &[&'static str] {
        &self.heard
    }

    fn reads(&self, name: &str) -> bool {
        P::Fact::names().iter().any(|(known, _)| *known == name)
    }

    fn apply<'a>(&'a self, unit: &'a mut Unit, fact: Message, ctx: &'a Ctx) -> Fut<'a, Result<(), Fail>> {
        Box::pin(async move {
            let heard: P::Fact = fact.decode()?;
            for (place, command) in self.policy.react(&heard, ctx).iter().enumerate() {
                let step = ctx.step(&[&place.to_string()]);
                if let Decided::Rejected(why) = unit.command(&Message::of(command), &step).await? {
                    tracing::info!(policy = P::NAME, fact = fact.name, rejection = why.name, "a reaction was refused");
                }
            }
            unit.settle_processes().await
        })
    }
}

impl Consumer for ProcessConsumer {
    fn name(&self) -> &str {
        self.saga.name()
    }

    fn heard(&self) -> &[&'static str] {
        &self.heard
    }

    fn reads(&self, name: &str) -> bool {
        self.saga.reads(name) && self.heard.iter().any(|fact| split_type(fact).is_some_and(|(known, _)| known == name))
    }

    fn apply<'a>(&'a self, unit: &'a mut Unit, fact: Message, ctx: &'a Ctx) -> Fut<'a, Result<(), Fail>> {
        Box::pin(async move {
            unit.hear(self.saga.as_ref(), fact, ctx).await?;
            unit.settle_processes().await
        })
    }
}

impl<P> Consumer for ProjectionConsumer<P>
where
    P: Projection + 'static,
    P::Event: Send + Sync,
    P::Row: Send + Sync,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn heard(&self) -> &[&'static str] {
        &self.heard
    }

    fn reads(&self, name: &str) -> bool {
        P::Event::names().iter().any(|(known, _)| *known == name)
    }

    fn is_read_model(&self) -> bool {
        true
    }

    fn generation(&self, generation: u64) -> Option<Arc<dyn Consumer>> {
        Some(Arc::new(Self { name: table(&self.name, generation), heard: self.heard.clone(), fold: PhantomData }))
    }

    fn rows(&self, fact: &Message) -> Vec<DocKey> {
        let keys = fact.decode().map(|event: P::Event| P::keys(&event)).unwrap_or_default();
        keys.into_iter().map(|key| DocKey::new(&self.name, key)).collect()
    }

    fn apply<'a>(&'a self, unit: &'a mut Unit, fact: Message, _: &'a Ctx) -> Fut<'a, Result<(), Fail>> {
        Box::pin(async move {
            let event: P::Event = fact.decode()?;
            for key in P::keys(&event) {
                let doc = DocKey::new(&self.name, &key);
                let row = match unit.doc(&doc).await? {
                    Some(data) => Some(serde_json::from_slice::<P::Row>(&data).map_err(|error| {
                        Fail::Corrupt(format!("row {key} of {} does not decode: {error}", self.name))
                    })?),
                    None => None,
                };
                unit.put(doc, P::fold(&key, row, &event).map(|row| row_body::<P>(&key, &row)));
            }
            Ok(())
        })
    }
}

/// A row as it is stored.
pub(crate) fn row_body<P: Projection>(key: &str, row: &P::Row) -> DocBody {
    let index = P::index(key, row).into_iter().map(|(number, key)| (number, key.into())).collect();
    DocBody { data: serde_json::to_vec(row).expect("a row has string keys and encodes as JSON").into(), index }
}
