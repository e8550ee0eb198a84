//! One unit of work: everything an input changes is planned here and becomes one Commit.
//!
//! What is read is guarded, what is written is seen by later reads of the same unit. A unit that turns out
//! to rest on something stale is thrown away and planned again; nothing else has to be undone.

use std::{
    any::Any,
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bongsu_core::{Change, CommandId, Ctx, Public, StreamRef, digest, type_of};
use bytes::Bytes;
use futures::future::try_join_all;

use crate::{
    commit::{
        cache::{CachedDoc, CachedStream, heavier},
        core::Core,
        due::{DueTimes, earlier},
        fail::Fail,
        map::Decided,
        rules::Rules,
    },
    ports::store::{Commit, CommitId, DocBody, DocKey, DocWrite, Fact, Guard, NewEvent},
    records::{
        cloudevent::{Envelope, Meta, rfc3339},
        message::{Message, say_read},
        once::ONCE,
        tables::key_key,
        todo::{List, Todo},
        todo_id::TodoId,
        token::Token,
    },
};

/// What a unit read and may have changed of one stream.
struct OpenStream {
    read: CachedStream,
    version: u64,
    changed: Option<Box<dyn Any + Send + Sync>>,
}

/// What a unit read or wrote of one document.
struct OpenDoc {
    /// `None`: written without having been read.
    read: Option<CachedDoc>,
    write: Option<Option<DocBody>>,
}

impl OpenDoc {
    fn data(&self) -> Option<Bytes> {
        match &self.write {
            Some(write) => write.as_ref().map(|body| body.data.clone()),
            None => self.read.as_ref().filter(|doc| doc.revision.is_some()).map(|doc| doc.data.clone()),
        }
    }
}

pub(crate) struct Unit {
    pub(crate) core: Arc<Core>,
    /// By which its commands are decided, all of them.
    pub(crate) rules: Arc<Rules>,
    pub(crate) id: CommitId,
    pub(crate) now_ms: i64,
    streams: BTreeMap<String, OpenStream>,
    docs: BTreeMap<DocKey, OpenDoc>,
    fences: Vec<Guard>,
    events: Vec<NewEvent>,
    /// Own events some process listens to, not yet heard.
    pub(crate) heard: VecDeque<(usize, Message, Ctx)>,
    /// When the to-dos written are due.
    due: DueTimes,
    /// Commands decided so far; bounds what one input may set off.
    pub(crate) steps: u32,
    /// Type of the command being decided, for the audit trail.
    deciding: Option<String>,
}

/// A planned unit: the Commit, and what the cache may believe once it is queued.
pub(crate) struct Plan {
    pub(crate) commit: Commit,
    /// What was read of a stream, and what it is then.
    pub(crate) streams: Vec<(String, CachedStream, CachedStream)>,
    pub(crate) docs: Vec<(DocKey, Option<CachedDoc>, Option<CachedDoc>)>,
    pub(crate) due: DueTimes,
}

/// Most commands and process steps one input may set off: what they write has to fit into one Commit of
/// [`MAX_ITEMS`](crate::ports::store::MAX_ITEMS), and a longer chain is processes that set each other off for ever.
pub(crate) const MAX_STEPS: u32 = 64;

impl Unit {
    /// The Commit's name is that of this attempt alone. Two instances may work on one input (a request sent twice, a lane
    /// that changes hands) and decide differently: under one name, what the other wrote would be taken for one's own by
    /// every guard.
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        Self {
            core: core.clone(),
            rules: core.rules(),
            // Two draws of 64 bits: no two attempts ever have one name.
            id: CommitId(u128::from(core.env.random()) << 64 | u128::from(core.env.random())),
            now_ms: core.env.wall_ms(),
            streams: BTreeMap::new(),
            docs: BTreeMap::new(),
            fences: Vec::new(),
            events: Vec::new(),
            heard: VecDeque::new(),
            due: DueTimes::new(),
            steps: 0,
            deciding: None,
        }
    }

    /// Guards something this unit did not read: a lease, or a cursor whose revision is known in advance.
    pub(crate) fn fence(&mut self, guard: Guard) {
        self.fences.push(guard);
    }

    /// Version and state of a stream as this unit sees it.
    pub(crate) async fn stream(&mut self, target: &StreamRef) -> Result<(u64, &(dyn Any + Send + Sync)), Fail> {
        if !self.streams.contains_key(&target.stream) {
            let read = self.core.clone().state_of(target).await?;
            let open = OpenStream { version: read.version, read, changed: None };
            self.streams.insert(target.stream.clone(), open);
        }
        let open = &self.streams[&target.stream];
        Ok((open.version, open.changed.as_deref().unwrap_or(open.read.state.as_ref())))
    }

    /// Reads streams all at once, so that what follows finds them read.
    pub(crate) async fn read_all(&mut self, targets: &[StreamRef]) -> Result<(), Fail> {
        let new: BTreeMap<&str, &StreamRef> = targets.iter().map(|target| (target.stream.as_str(), target)).collect();
        let new: Vec<&StreamRef> =
            new.into_values().filter(|target| !self.streams.contains_key(&target.stream)).collect();
        let core = self.core.clone();
        let found = try_join_all(new.iter().map(|target| core.state_of(target))).await?;
        for (target, read) in new.into_iter().zip(found) {
            self.streams.insert(target.stream.clone(), OpenStream { version: read.version, read, changed: None });
        }
        Ok(())
    }

    /// A copy of a stream's state.
    pub(crate) async fn copy_of(&mut self, target: &StreamRef) -> Result<Box<dyn Any + Send + Sync>, Fail> {
        let (_, state) = self.stream(target).await?;
        Ok((target.folder.copy)(state))
    }

    /// A document as this unit sees it.
    pub(crate) async fn doc(&mut self, key: &DocKey) -> Result<Option<Bytes>, Fail> {
        if let Some(open) = self.docs.get(key) {
            return Ok(open.data());
        }
        let open = OpenDoc { read: Some(self.core.clone().doc_of(key).await?), write: None };
        let data = open.data();
        self.docs.insert(key.clone(), open);
        Ok(data)
    }

    /// Writes a document; `None` deletes it.
    pub(crate) fn put(&mut self, key: DocKey, body: Option<DocBody>) {
        self.docs.entry(key).or_insert(OpenDoc { read: None, write: None }).write = Some(body);
    }

    /// Writes a to-do, and remembers when the drainer has to wake for it.
    pub(crate) fn put_todo(&mut self, id: &TodoId, todo: &Todo) {
        earlier(&mut self.due, List::of(id), todo.due_ms);
        self.put(Todo::key(id), Some(todo.body(id)));
    }

    /// Appends one event to a stream and everything that follows from it in the same Commit: its fact, the
    /// job of an activity, the turn of a process.
    pub(crate) async fn append(&mut self, change: Change, ctx: &Ctx) -> Result<(), Fail> {
        let Change { target, name: (name, schema), data, event } = change;
        let target = &target;
        let mut state = match self.streams.get_mut(&target.stream).and_then(|open| open.changed.take()) {
            Some(state) => state,
            None => self.copy_of(target).await?,
        };
        if !(target.folder.evolve)(state.as_mut(), event.as_ref()) {
            say_read(name, schema);
            (target.folder.apply)(state.as_mut(), name, schema, &data)?;
        }
        let message = Message::made(name, schema, data.into(), event);
        self.record(&target.stream, name, message, state, ctx);
        self.keep_key(&target.stream).await
    }

    /// A stream tells its facts under one partition key, for ever: under another they would be read in another order, and
    /// the earlier ones be taken for seen. The key is written down with the first fact.
    async fn keep_key(&mut self, stream: &str) -> Result<(), Fail> {
        let told = self.events.last().map_or(&[][..], |event| event.facts.as_slice());
        let keys: Vec<String> = told.iter().map(|fact| fact.partition_key.clone()).collect();
        for key in keys {
            let doc = key_key(stream);
            // Of a stream that begins in this unit, as its guard says, nothing is written down before it is here.
            let begins = self.streams.get(stream).is_some_and(|open| open.read.version == 0);
            let known = if begins && !self.docs.contains_key(&doc) { None } else { self.doc(&doc).await? };
            let known = known.map(|data| serde_json::from_slice::<String>(&data));
            match known.transpose().map_err(|error| Fail::Corrupt(format!("{doc} does not decode: {error}")))? {
                Some(known) if known == key => {}
                Some(known) => {
                    return Err(Fail::Corrupt(format!(
                        "{stream} tells its facts under the key {known}, and this one under {key}: a stream has one key"
                    )));
                }
                None => {
                    let data = serde_json::to_vec(&key).expect("a string encodes as JSON").into();
                    self.put(doc, Some(DocBody { data, index: Vec::new() }));
                }
            }
        }
        Ok(())
    }

    /// Adds an event whose state after it is known already.
    pub(crate) fn record(
        &mut self,
        stream: &str,
        name: &'static str,
        message: Message,
        state: Box<dyn Any + Send + Sync>,
        ctx: &Ctx,
    ) {
        let open = self.streams.get_mut(stream).expect("a stream is read before it is appended to");
        open.version += 1;
        let version = open.version;
        let (schema, data) = (message.schema, message.data.clone());
        let id = CommandId(digest(&[&format!("{:032x}", self.id.0), stream, &version.to_string()])).to_string();
        let revision = self.rules.revision.clone();
        let meta = Meta { command: self.deciding.clone(), revision, ..Meta::of(id, ctx) };
        let facts = self.facts(stream, version, &message, state.as_ref(), &meta);
        self.follow(stream, version, message, ctx);
        let meta = serde_json::to_vec(&meta).expect("metadata has string keys and encodes as JSON").into();
        let event = NewEvent { stream: stream.to_owned(), version, name, schema, data, meta, facts };
        self.events.push(event);
        self.streams.get_mut(stream).expect("read above").changed = Some(state);
    }

    /// Names what this unit leaves of a stream, for reading one's own writes.
    pub(crate) fn token(&self, stream: &str, version: u64) -> Token {
        let of_stream = self.events.iter().filter(|event| event.stream == stream);
        let sequence = of_stream.flat_map(|event| event.facts.iter().map(|fact| fact.sequence)).max().unwrap_or(0);
        Token { context: self.core.map.name.to_owned(), stream: stream.to_owned(), version, sequence }
    }

    /// Decides a command. A rejection changes nothing, but what it rests on stays guarded.
    pub(crate) async fn command(&mut self, command: &Message, ctx: &Ctx) -> Result<Decided, Fail> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(Fail::Corrupt(format!("one input set off more than {MAX_STEPS} steps")));
        }
        let core = self.core.clone();
        let owner = core.map.owners.get(command.name.as_str());
        let Some(owner) = owner else {
            return Err(Fail::Newer(format!("no decider takes {}", type_of(&command.name, command.schema))));
        };
        self.deciding = Some(type_of(&command.name, command.schema));
        let rules = self.rules.clone();
        let decided = rules.handlers[*owner].decide(self, command, ctx).await;
        self.deciding = None;
        decided
    }

    /// Turns the unit into a Commit.
    pub(crate) fn plan(self) -> Plan {
        let mut commit = Commit { id: self.id, guards: self.fences, events: self.events, docs: Vec::new() };
        commit.guards.reserve(self.streams.len() + self.docs.len());
        commit.docs.reserve(self.docs.len());
        let written = |stream: &str, events: &[NewEvent]| {
            events.iter().filter(|event| event.stream == stream).map(|event| event.data.len()).sum()
        };
        let mut plan_streams = Vec::with_capacity(self.streams.len());
        for (stream, open) in self.streams {
            let read = open.read;
            commit.guards.push(match read.commit {
                Some(commit) => Guard::Last(stream.clone(), read.version, commit),
                None => Guard::Head(stream.clone(), read.version),
            });
            let after = match open.changed {
                Some(state) => {
                    let bytes = heavier(read.bytes, written(&stream, &commit.events));
                    let commit = Some(self.id);
                    let state = state.into();
                    CachedStream { version: open.version, commit, state, bytes, reading: read.reading }
                }
                None => read.clone(),
            };
            plan_streams.push((stream, read, after));
        }
        let mut plan_docs = Vec::with_capacity(self.docs.len());
        for (key, open) in self.docs {
            if let Some(read) = &open.read {
                commit.guards.push(Guard::Doc(key.clone(), read.revision));
            }
            let after = open.write.as_ref().map(|write| match write {
                Some(body) => CachedDoc { revision: Some(self.id), data: body.data.clone() },
                None => CachedDoc::default(),
            });
            if let Some(put) = open.write {
                commit.docs.push(DocWrite { key: key.clone(), put });
            }
            plan_docs.push((key, open.read, after));
        }
        Plan { commit, streams: plan_streams, docs: plan_docs, due: self.due }
    }

    /// The public side of an event.
    fn facts(
        &self,
        stream: &str,
        version: u64,
        event: &Message,
        state: &(dyn Any + Send + Sync),
        meta: &Meta,
    ) -> Vec<Fact> {
        let Some((aggregate, id)) = stream.split_once('/') else { return Vec::new() };
        let Some(mapper) = self.core.map.mappers.get(aggregate) else { return Vec::new() };
        let mut names: Vec<&str> = Vec::new();
        let facts = mapper(id, event, state).into_iter().enumerate().map(|(place, public)| {
            // Versions of one fact share the ordinal of their name.
            let ordinal = names.iter().position(|known| *known == public.name).unwrap_or_else(|| {
                names.push(public.name);
                names.len() - 1
            });
            self.fact(stream, version, &public, (place, ordinal), meta)
        });
        facts.collect()
    }

    fn fact(&self, stream: &str, version: u64, public: &Public, (place, ordinal): (usize, usize), meta: &Meta) -> Fact {
        let kind = type_of(public.name, public.schema);
        let id = if place == 0 { meta.id.clone() } else { format!("{}.{place}", meta.id) };
        let envelope = Envelope {
            specversion: "1.0".into(),
            id: (&id).into(),
            source: self.core.map.name.into(),
            kind: (&kind).into(),
            subject: stream.into(),
            time: rfc3339(self.now_ms).into(),
            datacontenttype: "application/json".into(),
            dataschema: dataschema(&kind).into(),
            sequence: version,
            ordinal: ordinal as u64,
            partitionkey: (&public.key).into(),
            correlationid: (&meta.correlation).into(),
            causationid: (&meta.causation).into(),
            traceparent: meta.traceparent.as_deref().map(Into::into),
            actor: Some((&meta.actor).into()),
            data: serde_json::from_slice(&public.data).expect("an encoded fact is JSON"),
        };
        let cloudevent = envelope.encode();
        Fact {
            id,
            topic: self.core.map.name.to_owned(),
            subject: stream.to_owned(),
            partition_key: public.key.clone(),
            sequence: version,
            cloudevent,
        }
    }

    /// Notes who inside this context follows from an event.
    fn follow(&mut self, stream: &str, version: u64, event: Message, ctx: &Ctx) {
        let core = self.core.clone();
        for job in core.map.jobs.iter().filter(|job| job.wants(&event.name)) {
            let todo = Todo::job(job.name(), stream, version, &event, ctx, self.now_ms);
            self.put_todo(&TodoId::job(job.name(), stream, version), &todo);
        }
        for (at, process) in core.map.processes.iter().enumerate() {
            if process.hears_own(&event.name) {
                self.heard.push_back((at, event.clone(), ctx.clone()));
            }
        }
    }
}

/// Where the schema of a fact is kept: `/contracts/<event>.v<n>.json`.
fn dataschema(kind: &str) -> String {
    format!("/contracts/{}.json", kind.split_once('.').map_or(kind, |(_, rest)| rest))
}

impl Core {
    async fn doc_of(&self, key: &DocKey) -> Result<CachedDoc, Fail> {
        let cached = if key.table == ONCE { None } else { self.cache().doc(key).cloned() };
        if let Some(found) = cached {
            return Ok(found);
        }
        let doc = CachedDoc::from(self.store.docs(vec![key.clone()]).await.map_err(Fail::Store)?.pop().flatten());
        if key.table != ONCE {
            self.cache().put_doc(key.clone(), doc.clone());
        }
        Ok(doc)
    }
}
