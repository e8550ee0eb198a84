//! Who hears a fact: policies, processes and projections with their types hidden.

use std::{marker::PhantomData, sync::Arc};

use bongsu_core::{Ctx, Wire, split_type};

use crate::{
    commit::{
        fail::Fail,
        map::{Consumer, Decided, ProcessHandler, types},
        unit::Unit,
    },
    ports::Fut,
    records::{cloudevent::Envelope, message::Message},
};

pub(crate) struct PolicyConsumer<F, C, R> {
    name: &'static str,
    react: R,
    names: Vec<(&'static str, u32)>,
    heard: Vec<String>,
    types: PhantomData<fn(&F) -> C>,
}

pub(crate) struct ProcessConsumer {
    process: Arc<dyn ProcessHandler>,
    heard: Vec<String>,
}

impl<F: Wire, C, R> PolicyConsumer<F, C, R> {
    pub(crate) fn new(name: &'static str, react: R) -> Self {
        let names = F::names();
        Self { name, react, heard: types(&names), names, types: PhantomData }
    }
}

impl ProcessConsumer {
    pub(crate) fn new(process: Arc<dyn ProcessHandler>, foreign: &[(&'static str, u32)]) -> Self {
        Self { process, heard: types(foreign) }
    }
}

impl<F, C, R> Consumer for PolicyConsumer<F, C, R>
where
    F: Wire + Send + Sync,
    C: Wire + Send + Sync,
    R: Fn(&F, &Ctx) -> Vec<C> + Send + Sync,
{
    fn name(&self) -> &str {
        self.name
    }

    fn heard(&self) -> &[String] {
        &self.heard
    }

    fn reads(&self, name: &str) -> bool {
        self.names.iter().any(|(known, _)| *known == name)
    }

    fn apply<'a>(
        &'a self,
        unit: &'a mut Unit,
        fact: Message,
        _: &'a Envelope<'a>,
        ctx: &'a Ctx,
    ) -> Fut<'a, Result<(), Fail>> {
        Box::pin(async move {
            let heard = fact.decode::<F>()?;
            for (place, command) in (self.react)(&heard, ctx).into_iter().enumerate() {
                let step = ctx.step(&[&place.to_string()]);
                if let Decided::Rejected(why) = unit.command(&Message::of(command), &step).await? {
                    tracing::info!(
                        policy = self.name,
                        fact = fact.name,
                        rejection = why.name,
                        "a reaction was refused"
                    );
                }
            }
            unit.settle_processes().await
        })
    }
}

impl Consumer for ProcessConsumer {
    fn name(&self) -> &str {
        self.process.name()
    }

    fn heard(&self) -> &[String] {
        &self.heard
    }

    fn reads(&self, name: &str) -> bool {
        self.process.reads(name)
            && self.heard.iter().any(|fact| split_type(fact).is_some_and(|(known, _)| known == name))
    }

    fn apply<'a>(
        &'a self,
        unit: &'a mut Unit,
        fact: Message,
        _: &'a Envelope<'a>,
        ctx: &'a Ctx,
    ) -> Fut<'a, Result<(), Fail>> {
        Box::pin(async move {
            unit.hear(self.process.as_ref(), fact, ctx).await?;
            unit.settle_processes().await
        })
    }
}
