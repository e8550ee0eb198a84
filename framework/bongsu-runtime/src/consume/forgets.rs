//! Who hears that somebody is forgotten: what is kept about them is deleted in the Commit that hears it, and the store's files
//! are rid of it afterwards.

use bongsu_core::{Ctx, Wire};

use crate::{
    commit::{
        fail::Fail,
        map::{Consumer, types},
        unit::Unit,
    },
    ports::{Fut, store::DocKey},
    records::{
        cloudevent::Envelope,
        forgotten::{Forgotten, forgotten},
        message::Message,
        todo::Todo,
        todo_id::TodoId,
    },
};

pub(crate) struct ForgetsConsumer<F> {
    name: &'static str,
    whom: fn(&F) -> &str,
    what: fn(&str) -> Vec<DocKey>,
    names: Vec<(&'static str, u32)>,
    heard: Vec<String>,
}

impl<F: Wire> ForgetsConsumer<F> {
    pub(crate) fn new(name: &'static str, whom: fn(&F) -> &str, what: fn(&str) -> Vec<DocKey>) -> Self {
        let names = F::names();
        Self { name, whom, what, heard: types(&names), names }
    }
}

impl<F: Wire + Send + Sync> Consumer for ForgetsConsumer<F> {
    fn name(&self) -> &str {
        self.name
    }

    fn heard(&self) -> &[String] {
        &self.heard
    }

    fn reads(&self, name: &str) -> bool {
        self.names.iter().any(|(known, _)| *known == name)
    }

    fn forgets(&self) -> bool {
        true
    }

    fn apply<'a>(
        &'a self,
        unit: &'a mut Unit,
        fact: Message,
        _: &'a Envelope<'a>,
        _: &'a Ctx,
    ) -> Fut<'a, Result<(), Fail>> {
        Box::pin(async move {
            let heard = fact.decode::<F>()?;
            let whom = (self.whom)(&heard);
            let now_ms = unit.now_ms;
            for document in (self.what)(whom) {
                unit.put(document, None);
            }
            unit.put(forgotten(whom), Some(Forgotten { at_ms: now_ms }.body()));
            unit.put_todo(&TodoId::scrub(whom), &Todo::scrub(now_ms));
            Ok(())
        })
    }
}
