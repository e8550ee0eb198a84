//! A projection as a reader of facts: rows are folded in the Commit that hears them.

use std::{marker::PhantomData, sync::Arc};

use bongsu_core::{Ctx, Projection, Wire};

use crate::{
    commit::{
        fail::Fail,
        map::{Consumer, types},
        unit::Unit,
    },
    ports::{
        Fut,
        name::Name,
        store::{DocBody, DocKey},
    },
    records::{
        cloudevent::Envelope,
        generation::{root_of, table},
        message::Message,
    },
};

pub(crate) struct ProjectionConsumer<P> {
    pub(crate) name: Name,
    names: Vec<(&'static str, u32)>,
    pub(crate) heard: Vec<String>,
    pub(crate) fold: PhantomData<fn() -> P>,
}

impl<P: Projection> ProjectionConsumer<P> {
    pub(crate) fn new() -> Self {
        let names = P::Event::names();
        Self { name: root_of::<P>().into(), heard: types(&names), names, fold: PhantomData }
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

    fn heard(&self) -> &[String] {
        &self.heard
    }

    fn reads(&self, name: &str) -> bool {
        self.names.iter().any(|(known, _)| *known == name)
    }

    fn is_read_model(&self) -> bool {
        true
    }

    fn generation(&self, generation: u64) -> Option<Arc<dyn Consumer>> {
        let (names, heard) = (self.names.clone(), self.heard.clone());
        Some(Arc::new(Self { name: table(&self.name, generation).into(), names, heard, fold: PhantomData }))
    }

    fn rows(&self, fact: &Message) -> Vec<DocKey> {
        let keys = fact.decode::<P::Event>().map(|event| P::keys(&event)).unwrap_or_default();
        keys.into_iter().map(|key| DocKey::new(&self.name, key)).collect()
    }

    fn apply<'a>(
        &'a self,
        unit: &'a mut Unit,
        fact: Message,
        envelope: &'a Envelope<'a>,
        _: &'a Ctx,
    ) -> Fut<'a, Result<(), Fail>> {
        Box::pin(async move {
            let event = fact.decode::<P::Event>()?;
            let metadata = envelope.metadata();
            for key in P::keys(&event) {
                let doc = DocKey::new(&self.name, key.as_str());
                let row = match unit.doc(&doc).await? {
                    Some(data) => Some(serde_json::from_slice::<P::Row>(&data).map_err(|error| {
                        Fail::Corrupt(format!("row {key} of {} does not decode: {error}", self.name))
                    })?),
                    None => None,
                };
                unit.put(doc, P::fold(&key, row, &event, &metadata).map(|row| row_body::<P>(&key, &row)));
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
