//! Transaction scripts: for where there are no rules. They write the same Commit as everything else.

use std::collections::BTreeMap;

use bongsu_core::{Aggregate, Change, Ctx, StreamRef};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    command::execute::Planner,
    commit::{fail::Fail, map::Map, unit::Unit},
    ports::{
        Fut,
        store::{DocBody, DocKey},
    },
    records::{
        once::Reply,
        tables::{is_reserved_stream, is_reserved_table},
    },
};

/// What a script works on: the documents it asked for, and what it writes.
///
/// It is pure, so that it can be run again when something moved under it.
pub struct Script<'a> {
    ctx: &'a Ctx,
    docs: BTreeMap<DocKey, Option<Bytes>>,
    writes: BTreeMap<DocKey, Option<DocBody>>,
    appends: Vec<Change>,
}

/// A script with the documents it reads. `Err` answers without writing.
pub(crate) struct Scripted<'c> {
    pub(crate) ctx: &'c Ctx,
    pub(crate) reads: &'c [DocKey],
    pub(crate) work: &'c (dyn Fn(&mut Script<'_>) -> Result<Reply, Reply> + Send + Sync),
}

impl Script<'_> {
    /// What the script may know.
    pub fn ctx(&self) -> &Ctx {
        self.ctx
    }

    /// A document among those asked for; `None` when absent (or not asked for, or not a `T`).
    pub fn get<T: DeserializeOwned>(&self, table: &str, id: &str) -> Option<T> {
        let data = self.docs.get(&DocKey::new(table, id))?.as_ref()?;
        serde_json::from_slice(data).ok()
    }

    /// Writes a document with its index keys.
    pub fn put<T: Serialize>(&mut self, table: &str, id: &str, value: &T, index: Vec<(u16, Bytes)>) {
        let data = serde_json::to_vec(value).expect("a document has string keys and encodes as JSON").into();
        self.writes.insert(DocKey::new(table, id), Some(DocBody { data, index }));
    }

    /// Deletes a document.
    pub fn delete(&mut self, table: &str, id: &str) {
        self.writes.insert(DocKey::new(table, id), None);
    }

    /// Appends an event; what it tells the others is declared by `Service::facts`.
    pub fn append<A: Aggregate>(&mut self, id: &str, event: impl Into<A::Event>)
    where
        A::State: Clone + Send + Sync + 'static,
    {
        let event = event.into();
        self.appends.push(Change::of::<A>(StreamRef::of::<A>(id), event));
    }
}

impl Planner for Scripted<'_> {
    fn plan<'a>(&'a self, unit: &'a mut Unit) -> Fut<'a, Result<Reply, Fail>> {
        Box::pin(async move {
            let mut docs = BTreeMap::new();
            for key in self.reads {
                docs.insert(key.clone(), unit.doc(key).await?);
            }
            let mut script = Script { ctx: self.ctx, docs, writes: BTreeMap::new(), appends: Vec::new() };
            let reply = match (self.work)(&mut script) {
                Ok(reply) => reply,
                Err(reply) => return Ok(reply),
            };
            if let Some(name) = reserved(&unit.core.map, &script) {
                return Err(Fail::Corrupt(format!("a script may not write to {name}: the runtime keeps it")));
            }
            for (key, body) in script.writes {
                unit.put(key, body);
            }
            for change in script.appends {
                unit.append(change, self.ctx).await?;
            }
            unit.settle_processes().await?;
            Ok(reply)
        })
    }
}

/// A table or stream the script writes to that is not its own: the runtime's, a read model's, a process's.
fn reserved(map: &Map, script: &Script<'_>) -> Option<String> {
    let tables = script.writes.keys().map(|key| key.table.as_str());
    let mut tables = tables.filter(|table| is_reserved_table(table));
    let aggregates = script.appends.iter().map(|change| change.target.folder.aggregate);
    let process = |name: &str| map.processes.iter().any(|process| process.name() == name);
    let mut aggregates = aggregates.filter(|name| is_reserved_stream(name) || process(name));
    tables.next().or_else(|| aggregates.next()).map(ToOwned::to_owned)
}
