//! Inputs that come before their process starts, or behind those that did: each in a document of its own, so that joining
//! and leaving cost the same however many wait.
//!
//! The start makes the list due; it is brought some inputs per Commit, and what comes meanwhile joins at the end. So a start
//! costs the same however many waited for it.

use bongsu_core::{Ctx, MOST_WAITING};
use bytes::Bytes;

use crate::{
    commit::{fail::Fail, map::ProcessHandler, unit::Unit},
    ports::{coverage, store::DocBody},
    records::{
        early::Early,
        message::{Message, RecordedMessage},
        step::StepInput,
        todo::{Todo, Work},
        todo_id::TodoId,
    },
};

/// Most inputs brought in one Commit, and the steps after which no other is begun: each input may take sixty-four, and
/// all of them have to fit into one Commit.
const MOST_AT_ONCE: usize = 16;
const ENOUGH_STEPS: u32 = 32;

impl Unit {
    /// Whether inputs of an instance wait: another one joins them.
    pub(crate) async fn early(&mut self, process: &dyn ProcessHandler, key: &str) -> Result<Option<Todo>, Fail> {
        let data = self.doc(&Todo::key(&TodoId::early(process.name(), key))).await?;
        data.map(|data| Todo::decode(&data)).transpose().map_err(Fail::from)
    }

    /// Keeps an input until the process starts, or behind what waited for that.
    pub(crate) fn wait_for_start(
        &mut self,
        process: &dyn ProcessHandler,
        key: &str,
        list: Option<Todo>,
        heard: &Message,
        ctx: &Ctx,
    ) -> Result<(), Fail> {
        let id = TodoId::early(process.name(), key);
        let mut todo = list.unwrap_or_else(|| Todo::waiting(Early::new(process.name(), key), ctx.now_ms));
        self.core.env.sometimes(coverage::EARLY_INPUT);
        let Work::Waiting(early) = &mut todo.work else {
            return Err(Fail::Corrupt(format!("to-do {id} is not a list of inputs")));
        };
        if early.len() < MOST_WAITING {
            join(early, self, &id, heard, ctx);
        } else {
            self.park_early(process, key, early, heard, ctx);
        }
        self.put_todo(&id, &todo);
        Ok(())
    }

    /// Parks one input that found its list full, for a person: neither its lane nor the command it follows from stops.
    fn park_early(&mut self, process: &dyn ProcessHandler, key: &str, early: &mut Early, heard: &Message, ctx: &Ctx) {
        early.over += 1;
        let why = format!("{MOST_WAITING} inputs wait for {} {key} to start", process.name());
        tracing::error!(process = process.name(), key, error = why, "an input is parked");
        let ctx = ctx.step(&["over", &early.over.to_string()]);
        let alone = Early { inputs: vec![(RecordedMessage::of(heard), ctx)], ..Early::new(process.name(), key) };
        let mut todo = Todo::waiting(alone, self.now_ms);
        todo.attempts = 1;
        todo.parked = true;
        todo.error = Some(why);
        self.put_todo(&TodoId::over(process.name(), key, early.over), &todo);
    }

    /// After the start: what waited is due.
    pub(crate) fn begin_to_catch_up(&mut self, process: &dyn ProcessHandler, key: &str, mut list: Todo) {
        list.due_ms = self.now_ms;
        self.put_todo(&TodoId::early(process.name(), key), &list);
    }

    /// Brings some of the inputs that waited, in the order they came; the rest is due at once. After a failure they come
    /// one by one, so that the one that fails is the first of its list.
    pub(crate) async fn catch_up(&mut self, id: &TodoId, mut todo: Todo) -> Result<(), Fail> {
        let Work::Waiting(early) = &mut todo.work else { return Ok(()) };
        let core = self.core.clone();
        let Some(process) = core.map.processes.iter().find(|process| process.name() == early.process) else {
            return Err(Fail::Newer(format!("no process is called {}", early.process)));
        };
        let key = early.key.clone();
        if self.stream(&process.stream(&key)).await?.0 == 0 {
            return Err(Fail::Corrupt(format!("{} {key} has not started", early.process)));
        }
        let most = if todo.attempts == 0 { MOST_AT_ONCE } else { 1 };
        let mut steps = 0;
        let mut left = early.len() > 0;
        for _ in 0..most {
            let Some((heard, ctx)) = first_of(early, self, id).await? else { break };
            // Each input has the steps of one input.
            self.steps = 0;
            let ctx = Ctx { now_ms: self.now_ms, ..ctx };
            self.step_process(process.as_ref(), &key, StepInput::Heard(heard), &ctx).await?;
            steps += self.steps;
            left = take_first(early, self, id);
            if !left || steps >= ENOUGH_STEPS {
                break;
            }
        }
        if left {
            todo.begin_anew();
            todo.due_ms = self.now_ms;
            self.put_todo(id, &todo);
        }
        self.steps = 0;
        self.settle_processes().await
    }
}

/// Adds the newest. What its commands make is told apart from what another input of the same cause makes.
fn join(early: &mut Early, unit: &mut Unit, id: &TodoId, heard: &Message, ctx: &Ctx) {
    let ctx = ctx.step(&["waited", &early.next.to_string()]);
    let data = serde_json::to_vec(&(RecordedMessage::of(heard), ctx)).expect("an input has string keys");
    unit.put(early.push(id), Some(DocBody { data: data.into(), index: Vec::new() }));
}

/// The oldest; `None` when nothing waits.
async fn first_of(early: &Early, unit: &mut Unit, id: &TodoId) -> Result<Option<(RecordedMessage, Ctx)>, Fail> {
    let Some(key) = early.front_key(id) else { return Ok(early.inputs.first().cloned()) };
    let data: Option<Bytes> = unit.doc(&key).await?;
    let data = data.ok_or_else(|| Fail::Corrupt(format!("{key} is missing")))?;
    serde_json::from_slice(&data).map(Some).map_err(|error| Fail::Corrupt(format!("{key} does not decode: {error}")))
}

/// Takes the oldest out; false when none is left.
pub(crate) fn take_first(early: &mut Early, unit: &mut Unit, id: &TodoId) -> bool {
    if let Some(key) = early.pop(id) {
        unit.put(key, None);
    }
    early.len() > 0
}
