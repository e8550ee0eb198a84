//! What a context consists of, as everything below its builder sees it: handlers, readers, processes, jobs and read
//! models with their types hidden. Who implements them is upstairs.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bongsu_core::{Course, Ctx, DecodeError, Metadata, Public, Route, StreamRef, type_of};

use crate::{
    ask::asks::Asks,
    commit::{
        fail::Fail,
        schedule::{Firing, Missed, Moments},
        unit::Unit,
        wanted::Rule,
    },
    ports::{
        Fut,
        env::HttpClient,
        store::{DocBody, DocKey},
    },
    records::{
        cloudevent::Envelope,
        message::{Message, RecordedMessage},
        step::{Step, StepInput},
        unreadable::Unreadable,
    },
};

/// What one context decides, hears and tells, as its [`Service`](crate::Service) says.
pub(crate) struct Map {
    pub(crate) name: &'static str,
    pub(crate) handlers: Vec<Box<dyn CommandHandler>>,
    pub(crate) owners: BTreeMap<&'static str, usize>,
    pub(crate) mappers: BTreeMap<&'static str, Mapper>,
    pub(crate) processes: Vec<Arc<dyn ProcessHandler>>,
    pub(crate) consumers: Vec<Arc<dyn Consumer>>,
    pub(crate) jobs: Vec<Arc<dyn Job>>,
    pub(crate) snapshots: BTreeMap<&'static str, Rule>,
    pub(crate) clocks: Vec<Clock>,
    pub(crate) read_models: Vec<Arc<dyn ReadModel>>,
    /// Whom it asks, and how.
    pub(crate) asks: Vec<(&'static str, Asks)>,
}

/// How a command was answered.
#[derive(Debug)]
pub(crate) enum Decided {
    /// The stream it was for (of a decision: the first it changed or read) and its version now.
    Accepted { stream: String, version: u64 },
    /// The encoded rejection.
    Rejected(Message),
}

pub(crate) trait CommandHandler: Send + Sync {
    fn names(&self) -> Vec<(&'static str, u32)>;
    fn decide<'a>(&'a self, unit: &'a mut Unit, command: &'a Message, ctx: &'a Ctx) -> Fut<'a, Result<Decided, Fail>>;
}

/// One reader of facts, with a position, seen marks and a queue of failed facts of its own.
pub(crate) trait Consumer: Send + Sync {
    /// Cursor, seen marks and to-dos are kept under this name; of a read model under that of a generation.
    fn name(&self) -> &str;
    /// The facts heard, each in the newest schema that is read.
    fn heard(&self) -> &[String];
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
    /// Whether it deletes what is kept about those who are forgotten.
    fn forgets(&self) -> bool {
        false
    }
    /// Documents that this fact is certain to change, to be looked up ahead.
    fn rows(&self, _fact: &Message) -> Vec<DocKey> {
        Vec::new()
    }
    /// Has a fact change what it changes; `ctx` is that of a reaction to it.
    fn apply<'a>(
        &'a self,
        unit: &'a mut Unit,
        fact: Message,
        envelope: &'a Envelope<'a>,
        ctx: &'a Ctx,
    ) -> Fut<'a, Result<(), Fail>>;

    fn topics(&self) -> Vec<String> {
        topics_of(self.heard())
    }
}

/// A [`Process`] whose types are hidden.
pub(crate) trait ProcessHandler: Send + Sync {
    fn name(&self) -> &'static str;
    /// Whether it hears this private event of its own context.
    fn hears_own(&self, event: &str) -> bool;
    fn reads(&self, name: &str) -> bool;
    fn route(&self, heard: &Message) -> Result<Route, DecodeError>;
    fn stream(&self, key: &str) -> StreamRef;
    /// Takes one input: the state after it and what follows.
    fn take(&self, state: &mut (dyn Any + Send + Sync), input: StepInput, ctx: &Ctx) -> Result<Step, DecodeError>;
    /// What it stands at besides its state.
    fn course<'a>(&self, state: &'a mut (dyn Any + Send + Sync)) -> &'a mut Course<RecordedMessage>;
}

/// An [`Activity`] whose types are hidden.
pub(crate) trait Job: Send + Sync {
    fn name(&self) -> &'static str;
    fn wants(&self, event: &str) -> bool;
    /// Whether this build knows an event, be it broken.
    fn knows(&self, event: &Message) -> bool;
    fn run<'a>(&'a self, event: &'a Message, attempt: Attempt<'a>) -> Fut<'a, Result<Message, JobError>>;
}

/// Something that is done by the wall clock.
pub(crate) struct Clock {
    pub(crate) name: &'static str,
    pub(crate) moments: Moments,
    pub(crate) missed: Missed,
    pub(crate) fire: Fire,
}

/// What a clock does, the types of its commands hidden.
pub(crate) type Fire = Box<dyn Fn(&Firing, &Ctx) -> Fired + Send + Sync>;

/// What a firing sets off.
pub(crate) enum Fired {
    Commands(Vec<Message>),
    /// Snapshots of everything that changed.
    Walk,
}

/// One attempt at an [`Activity`](crate::Activity): what it is given besides its event.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// `stream@version` of the event: the same in every attempt, for the outside to recognise.
    pub key: &'a str,
    /// How many failed before this one.
    pub failed: u32,
    /// What the event belongs to: the id of the command with which everything began, through all contexts.
    pub correlation: &'a str,
    /// Of the trace in which the event happened.
    pub traceparent: Option<&'a str>,
    /// Reaches the outside, by TLS where the address says so.
    pub http: &'a dyn HttpClient,
}

/// Why a job gave no outcome.
pub(crate) enum JobError {
    Later(String),
    Undecodable(DecodeError),
}

/// A read model that can be folded anew.
pub(crate) trait ReadModel: Send + Sync {
    /// NAME@VERSION.
    fn root(&self) -> &str;
    /// NAME.
    fn name(&self) -> &'static str;
    /// VERSION.
    fn version(&self) -> u32;
    /// Where its facts come from.
    fn topics(&self) -> Vec<String>;
    /// Whether a wire name is declared, in whatever schema.
    fn reads(&self, name: &str) -> bool;
    /// An empty memory of its rows.
    fn rows(&self) -> Box<dyn Rows>;
}

/// Rows in memory, and facts that wait to be folded into them.
pub(crate) trait Rows: Send {
    /// Decodes a fact that is to be folded next.
    fn hear(&mut self, name: &str, schema: u32, data: &[u8], metadata: Metadata) -> Result<(), DecodeError>;
    /// Keys of waiting facts that are not in memory.
    fn missing(&self) -> Vec<String>;
    /// Takes a row from the store; `None`: there is none.
    fn learn(&mut self, key: String, row: Option<&[u8]>) -> Result<(), Unreadable>;
    /// Folds the oldest fact that waits. A panic of the fold leaves rows half changed: forget everything then.
    fn fold(&mut self);
    /// How many rows changed since they were last taken.
    fn changed(&self) -> usize;
    /// The rows that changed, encoded; they count as unchanged from here on.
    fn take_changed(&mut self) -> Vec<(String, Option<DocBody>)>;
    /// Rows in memory.
    fn len(&self) -> usize;
    /// Bytes of them, each as it was last read or written.
    fn bytes(&self) -> usize;
    /// Forgets rows and waiting facts.
    fn forget(&mut self);
}

/// Maps an event of one aggregate to the facts the others hear: (id, event, state after it).
pub(crate) type Mapper = Box<dyn Fn(&str, &Message, &(dyn Any + Send + Sync)) -> Vec<Public> + Send + Sync>;

impl Map {
    /// Of a context without arrows yet.
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            handlers: Vec::new(),
            owners: BTreeMap::new(),
            mappers: BTreeMap::new(),
            processes: Vec::new(),
            consumers: Vec::new(),
            jobs: Vec::new(),
            snapshots: BTreeMap::new(),
            clocks: Vec::new(),
            read_models: Vec::new(),
            asks: Vec::new(),
        }
    }

    /// Every fact it hears, with who in it hears it.
    pub(crate) fn hears(&self) -> Vec<(String, &str)> {
        let arrows = |consumer: &Arc<dyn Consumer>| consumer.heard().to_vec();
        let consumers = self.consumers.iter();
        consumers.flat_map(|to| arrows(to).into_iter().map(|fact| (fact, to.name()))).collect()
    }

    /// The topics its consumers read.
    pub(crate) fn topics(&self) -> Vec<String> {
        let mut topics: Vec<String> = self.consumers.iter().flat_map(|consumer| consumer.topics()).collect();
        topics.push(self.name.to_owned());
        topics.sort();
        topics.dedup();
        topics
    }

    /// The names of its consumers.
    pub(crate) fn readers(&self) -> BTreeSet<String> {
        self.consumers.iter().map(|consumer| consumer.name().to_owned()).collect()
    }
}

/// Names with their schemas as types of facts.
pub(crate) fn types(names: &[(&'static str, u32)]) -> Vec<String> {
    names.iter().map(|(name, schema)| type_of(name, *schema)).collect()
}

/// The topics facts are published to.
pub(crate) fn topics_of(facts: &[String]) -> Vec<String> {
    let topic = |fact: &String| fact.split('.').next().unwrap_or_default().to_owned();
    let mut topics: Vec<String> = facts.iter().map(topic).collect();
    topics.sort();
    topics.dedup();
    topics
}
