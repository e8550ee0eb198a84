//! Transaction scripts: for where there are no rules. They write the same Commit as everything else.

use std::collections::BTreeMap;

use bongsu_core::{Aggregate, Change, Ctx, StreamRef};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    command::execute::{Outcome, Planner, Replying},
    commit::{
        fail::Fail,
        map::{Decided, Map},
        unit::Unit,
    },
    ports::{
        Fut,
        store::{DocBody, DocKey},
    },
    records::{
        message::Message,
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

/// A script that ends in a command. Rejected, nothing of the script is written.
pub(crate) struct ScriptedCommand<'c> {
    pub(crate) ctx: &'c Ctx,
    pub(crate) reads: &'c [DocKey],
    pub(crate) work: &'c (dyn Fn(&mut Script<'_>) -> Result<Message, Reply> + Send + Sync),
    pub(crate) reply: &'c Replying<'c>,
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

    /// Whether a document among those asked for is there, whatever is in it.
    pub fn has(&self, key: &DocKey) -> bool {
        matches!(self.docs.get(key), Some(Some(_)))
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

impl<'a> Script<'a> {
    async fn open(unit: &mut Unit, ctx: &'a Ctx, reads: &[DocKey]) -> Result<Self, Fail> {
        let mut docs = BTreeMap::new();
        for key in reads {
            docs.insert(key.clone(), unit.doc(key).await?);
        }
        Ok(Self { ctx, docs, writes: BTreeMap::new(), appends: Vec::new() })
    }

    async fn write(self, unit: &mut Unit) -> Result<(), Fail> {
        if let Some(name) = reserved(&unit.core.map, &self) {
            return Err(Fail::Corrupt(format!("a script may not write to {name}: the runtime keeps it")));
        }
        for (key, body) in self.writes {
            unit.put(key, body);
        }
        for change in self.appends {
            unit.append(change, self.ctx).await?;
        }
        unit.settle_processes().await
    }
}

impl Planner for Scripted<'_> {
    fn plan<'a>(&'a self, unit: &'a mut Unit) -> Fut<'a, Result<Reply, Fail>> {
        Box::pin(async move {
            let mut script = Script::open(unit, self.ctx, self.reads).await?;
            let reply = match (self.work)(&mut script) {
                Ok(reply) => reply,
                Err(reply) => return Ok(reply),
            };
            script.write(unit).await?;
            Ok(reply)
        })
    }
}

impl Planner for ScriptedCommand<'_> {
    fn plan<'a>(&'a self, unit: &'a mut Unit) -> Fut<'a, Result<Reply, Fail>> {
        Box::pin(async move {
            let mut script = Script::open(unit, self.ctx, self.reads).await?;
            let command = match (self.work)(&mut script) {
                Ok(command) => command,
                Err(reply) => return Ok(reply),
            };
            let (stream, version) = match unit.command(&command, self.ctx).await? {
                Decided::Accepted { stream, version } => (stream, version),
                Decided::Rejected(why) => return Ok((self.reply)(Outcome::Rejected(why))?),
            };
            script.write(unit).await?;
            let token = unit.token(&stream, version);
            let id = stream.split_once('/').map_or(stream.as_str(), |(_, id)| id);
            Ok((self.reply)(Outcome::Accepted { id, version, token: &token })?)
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
