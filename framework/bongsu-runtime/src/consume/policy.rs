//! Who hears a fact: policies, processes and projections with their types hidden.

use std::sync::Arc;

use bongsu_core::{Ctx, Policy, Wire, split_type};

use crate::{
    commit::{
        fail::Fail,
        map::{Consumer, Decided, Saga},
        unit::Unit,
    },
    ports::Fut,
    records::message::Message,
};

pub(crate) struct PolicyConsumer<P> {
    policy: P,
    heard: Vec<&'static str>,
}

pub(crate) struct ProcessConsumer {
    saga: Arc<dyn Saga>,
    heard: Vec<&'static str>,
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
