//! Inputs that come before their process starts, or behind those that did: each in a document of its own, so that joining
//! and leaving cost the same however many wait.
//!
//! The start makes the list due; it is brought some inputs per Commit, and what comes meanwhile joins at the end. So a start
//! costs the same however many waited for it.

use bongsu_core::{Ctx, MOST_WAITING};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    commit::unit::{Fail, Message, Unit},
    ports::{
        coverage,
        store::{DocBody, DocKey},
    },
    process::instance::{Saga, Told, Written},
    records::todo::{Todo, Work},
};

/// The inputs of one instance that wait, as kept in their to-do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Early {
    /// Process.
    pub(crate) process: String,
    /// Instance.
    pub(crate) key: String,
    /// Inputs kept here: those of an earlier release, before those apart; oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    inputs: Vec<(Written, Ctx)>,
    /// The number of the oldest input apart.
    #[serde(default)]
    first: u64,
    /// The number of the next to come.
    #[serde(default)]
    next: u64,
    /// How many found it full, and were parked.
    #[serde(default)]
    over: u64,
}

/// The table of the inputs that wait, by list and number.
pub(crate) const WAITING: &str = "waiting";
/// Most inputs brought in one Commit, and the steps after which no other is begun.
const MOST_AT_ONCE: usize = 16;
const ENOUGH_STEPS: u32 = 32;

impl Early {
    pub(crate) fn new(process: &str, key: &str) -> Self {
        Self { process: process.to_owned(), key: key.to_owned(), inputs: Vec::new(), first: 0, next: 0, over: 0 }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.inputs.len() + self.next.saturating_sub(self.first) as usize
    }

    /// The wire name of the oldest, where it is kept here.
    pub(crate) fn oldest(&self) -> Option<&Written> {
        self.inputs.first().map(|(heard, _)| heard)
    }

    /// Adds the newest. What its commands make is told apart from what another input of the same cause makes.
    fn push(&mut self, unit: &mut Unit, id: &str, heard: &Message, ctx: &Ctx) {
        let ctx = ctx.step(&["waited", &self.next.to_string()]);
        let data = serde_json::to_vec(&(Written::of(heard), ctx)).expect("an input has string keys");
        unit.put(entry(id, self.next), Some(DocBody { data: data.into(), index: Vec::new() }));
        self.next += 1;
    }

    /// The oldest; `None` when nothing waits.
    async fn front(&self, unit: &mut Unit, id: &str) -> Result<Option<(Written, Ctx)>, Fail> {
        if let Some(front) = self.inputs.first() {
            return Ok(Some(front.clone()));
        }
        if self.first >= self.next {
            return Ok(None);
        }
        let key = entry(id, self.first);
        let data: Option<Bytes> = unit.doc(&key).await?;
        let data = data.ok_or_else(|| Fail::Corrupt(format!("{key} is missing")))?;
        serde_json::from_slice(&data)
            .map(Some)
            .map_err(|error| Fail::Corrupt(format!("{key} does not decode: {error}")))
    }

    /// Takes the oldest out; false when none is left.
    pub(crate) fn pop(&mut self, unit: &mut Unit, id: &str) -> bool {
        if !self.inputs.is_empty() {
            self.inputs.remove(0);
        } else if self.first < self.next {
            unit.put(entry(id, self.first), None);
            self.first += 1;
        }
        self.len() > 0
    }
}

impl Unit {
    /// Whether inputs of an instance wait: another one joins them.
    pub(crate) async fn early(&mut self, saga: &dyn Saga, key: &str) -> Result<Option<Todo>, Fail> {
        let data = self.doc(&Todo::key(&list_id(saga, key))).await?;
        data.map(|data| Todo::decode(&data).map_err(Fail::Newer)).transpose()
    }

    /// Keeps an input until the process starts, or behind what waited for that.
    pub(crate) fn wait_for_start(
        &mut self,
        saga: &dyn Saga,
        key: &str,
        list: Option<Todo>,
        heard: &Message,
        ctx: &Ctx,
    ) -> Result<(), Fail> {
        let id = list_id(saga, key);
        let mut todo = list.unwrap_or_else(|| Todo::waiting(Early::new(saga.name(), key), ctx.now_ms));
        self.core.env.sometimes(coverage::EARLY_INPUT);
        let Work::Waiting(early) = &mut todo.work else {
            return Err(Fail::Corrupt(format!("to-do {id} is not a list of inputs")));
        };
        if early.len() < MOST_WAITING {
            early.push(self, &id, heard, ctx);
        } else {
            self.park_early(saga, key, early, heard, ctx);
        }
        self.put_todo(&id, &todo);
        Ok(())
    }

    /// Parks one input that found its list full, for a person: neither its lane nor the command it follows from stops.
    fn park_early(&mut self, saga: &dyn Saga, key: &str, early: &mut Early, heard: &Message, ctx: &Ctx) {
        early.over += 1;
        let why = format!("{MOST_WAITING} inputs wait for {} {key} to start", saga.name());
        tracing::error!(process = saga.name(), key, error = why, "an input is parked");
        let ctx = ctx.step(&["over", &early.over.to_string()]);
        let alone = Early { inputs: vec![(Written::of(heard), ctx)], ..Early::new(saga.name(), key) };
        let mut todo = Todo::waiting(alone, self.now_ms);
        (todo.attempts, todo.parked, todo.error) = (1, true, Some(why));
        self.put_todo(&format!("over/{}/{key}/{:020}", saga.name(), early.over), &todo);
    }

    /// After the start: what waited is due.
    pub(crate) fn begin_to_catch_up(&mut self, saga: &dyn Saga, key: &str, mut list: Todo) {
        list.due_ms = self.now_ms;
        self.put_todo(&list_id(saga, key), &list);
    }

    /// Brings some of the inputs that waited, in the order they came; the rest is due at once. After a failure they come
    /// one by one, so that the one that fails is the first of its list.
    pub(crate) async fn catch_up(&mut self, id: &str, mut todo: Todo) -> Result<(), Fail> {
        let Work::Waiting(early) = &mut todo.work else { return Ok(()) };
        let core = self.core.clone();
        let Some(saga) = core.service.sagas.iter().find(|saga| saga.name() == early.process) else {
            return Err(Fail::Newer(format!("no process is called {}", early.process)));
        };
        let key = early.key.clone();
        if self.stream(&saga.stream(&key)).await?.0 == 0 {
            return Err(Fail::Corrupt(format!("{} {key} has not started", early.process)));
        }
        let (most, mut steps, mut left) = (if todo.attempts == 0 { MOST_AT_ONCE } else { 1 }, 0, early.len() > 0);
        for _ in 0..most {
            let Some((heard, ctx)) = early.front(self, id).await? else { break };
            // Each input has the steps of one input.
            self.steps = 0;
            let ctx = Ctx { now_ms: self.now_ms, ..ctx };
            self.step_process(saga.as_ref(), &key, Told::Heard(heard), &ctx).await?;
            steps += self.steps;
            left = early.pop(self, id);
            if !left || steps >= ENOUGH_STEPS {
                break;
            }
        }
        if left {
            (todo.attempts, todo.error, todo.due_ms) = (0, None, self.now_ms);
            self.put_todo(id, &todo);
        }
        self.steps = 0;
        self.settle_processes().await
    }
}

/// The to-do that keeps the inputs of one instance.
fn list_id(saga: &dyn Saga, key: &str) -> String {
    format!("wait/{}/{key}", saga.name())
}

/// The document of one input. The number has a fixed width: no other list has an input of this name.
fn entry(id: &str, number: u64) -> DocKey {
    DocKey::new(WAITING, format!("{id}/{number:020}"))
}
