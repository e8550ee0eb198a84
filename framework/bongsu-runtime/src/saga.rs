//! Processes with their types hidden, and how an instance is kept: a stream of its inputs.

use std::any::Any;

use bongsu_core::{Ctx, DecodeError, Effect, EffectId, Folder, Input, Process, Route, StreamRef, Wire, stream_of};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::unit::Message;

/// One input of a process instance with what followed: the event its stream consists of.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) input: Told,
    #[serde(default)]
    pub(crate) effects: Vec<Want>,
}

/// An input as written down.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Told {
    Heard(Written),
    Woke {
        name: String,
    },
    Refused {
        effect: EffectId,
        rejection: Written,
    },
    /// An undo was refused: a person has to look.
    Stuck {
        reason: String,
    },
}

/// An effect as written down.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Want {
    Send(Written),
    SendUndo { run: Written, undo: Written },
    Wake { name: String, at_ms: i64 },
    CancelWake(String),
    Unwind,
    Done,
}

/// A wire value as written down.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Written {
    name: String,
    schema: u32,
    data: Box<RawValue>,
}

/// The state of an instance.
#[derive(Clone)]
pub(crate) struct Instance<S> {
    pub(crate) inputs: u64,
    pub(crate) ending: Ending,
    pub(crate) undo: Vec<(EffectId, Message)>,
    state: S,
}

/// Where a process stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Running,
    Done,
    Unwound,
    NeedsHuman,
}

pub(crate) const STEP: (&str, u32) = ("bongsu.process-step", 1);

/// A [`Process`] whose types are hidden.
pub(crate) trait Saga: Send + Sync {
    fn name(&self) -> &'static str;
    /// Whether it hears this private event of its own context.
    fn hears_own(&self, event: &str) -> bool;
    fn reads(&self, name: &str) -> bool;
    fn route(&self, heard: &Message) -> Result<Route, DecodeError>;
    fn stream(&self, key: &str) -> StreamRef;
    /// Takes one input: the state after it and what follows.
    fn take(&self, state: &mut (dyn Any + Send + Sync), told: Told, ctx: &Ctx) -> Result<Step, DecodeError>;
    fn glance(&self, state: &(dyn Any + Send + Sync)) -> Glance;
}

/// What the runtime needs to know of an instance.
pub(crate) struct Glance {
    pub(crate) inputs: u64,
    pub(crate) undo: Vec<(EffectId, Message)>,
    pub(crate) ended: bool,
}

pub(crate) struct SagaOf<P> {
    process: P,
    own: Vec<&'static str>,
}

impl<P: Process> SagaOf<P> {
    pub(crate) fn new(process: P, heard: &[&'static str]) -> Self {
        let foreign = |name: &str, schema| heard.contains(&bongsu_core::type_of(name, schema).as_str());
        let own = P::Heard::names().into_iter().filter(|(name, schema)| !foreign(name, *schema));
        Self { process, own: own.map(|(name, _)| name).collect() }
    }
}

impl<P> Saga for SagaOf<P>
where
    P: Process + Send + Sync,
    P::State: Clone + Send + Sync + 'static,
{
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn hears_own(&self, event: &str) -> bool {
        self.own.contains(&event)
    }

    fn reads(&self, name: &str) -> bool {
        P::Heard::names().iter().any(|(known, _)| *known == name)
    }

    fn route(&self, heard: &Message) -> Result<Route, DecodeError> {
        Ok(self.process.route(&heard.decode()?))
    }

    fn stream(&self, key: &str) -> StreamRef {
        let folder = Folder {
            aggregate: P::NAME,
            empty: || Box::new(Instance::<P::State>::default()),
            copy: |state| Box::new(instance::<P>(state).clone()),
            apply: |state, name, schema, data| {
                let step: Step = serde_json::from_slice(data).map_err(|error| DecodeError::Broken {
                    name: name.into(),
                    schema,
                    reason: error.to_string(),
                })?;
                let instance: &mut Instance<P::State> =
                    state.downcast_mut().expect("a folder only meets states it made itself");
                instance.hear::<P>(&step.input)?;
                instance.note(&step);
                Ok(())
            },
        };
        StreamRef { stream: stream_of(P::NAME, key), folder }
    }

    fn take(&self, state: &mut (dyn Any + Send + Sync), told: Told, ctx: &Ctx) -> Result<Step, DecodeError> {
        let instance: &mut Instance<P::State> =
            state.downcast_mut().expect("a process stream holds states of its process");
        instance.hear::<P>(&told)?;
        let effects = told.with::<P, _>(|input| self.process.react(&instance.state, input, ctx))?.unwrap_or_default();
        let step = Step { input: told, effects: effects.iter().map(Want::of).collect() };
        instance.note(&step);
        Ok(step)
    }

    fn glance(&self, state: &(dyn Any + Send + Sync)) -> Glance {
        let instance = instance::<P>(state);
        Glance { inputs: instance.inputs, undo: instance.undo.clone(), ended: instance.ending != Ending::Running }
    }
}

impl<S: Default> Default for Instance<S> {
    fn default() -> Self {
        Self { inputs: 0, ending: Ending::Running, undo: Vec::new(), state: S::default() }
    }
}

impl<S> Instance<S> {
    /// Folds the domain's side of an input.
    fn hear<P: Process<State = S>>(&mut self, told: &Told) -> Result<(), DecodeError> {
        told.with::<P, _>(|input| P::evolve(&mut self.state, input)).map(|_| ())
    }

    /// Folds the runtime's side of a step: how many inputs, what can be undone, how it ended.
    fn note(&mut self, step: &Step) {
        self.inputs += 1;
        match &step.input {
            Told::Refused { effect, .. } => self.undo.retain(|(id, _)| id != effect),
            Told::Stuck { .. } => self.ending = Ending::NeedsHuman,
            Told::Heard(_) | Told::Woke { .. } => {}
        }
        for (ordinal, want) in step.effects.iter().enumerate() {
            match want {
                Want::SendUndo { undo, .. } => {
                    let id = EffectId { input: self.inputs, ordinal: ordinal as u32 };
                    self.undo.push((id, undo.message()));
                }
                Want::Unwind => {
                    self.undo.clear();
                    self.ending = Ending::Unwound;
                }
                Want::Done if self.ending == Ending::Running => self.ending = Ending::Done,
                Want::Done | Want::Send(_) | Want::Wake { .. } | Want::CancelWake(_) => {}
            }
        }
    }
}

impl Told {
    /// Calls `f` with the typed input; `None` for an input only the runtime knows.
    fn with<P: Process, R>(&self, f: impl FnOnce(&Input<'_, P::Heard>) -> R) -> Result<Option<R>, DecodeError> {
        Ok(Some(match self {
            Self::Heard(heard) => f(&Input::Heard(&heard.message().decode()?)),
            Self::Woke { name } => f(&Input::Woke { name }),
            Self::Refused { effect, rejection } => {
                f(&Input::Refused { effect: *effect, rejection: rejection.data.get().as_bytes() })
            }
            Self::Stuck { .. } => return Ok(None),
        }))
    }
}

impl Want {
    fn of<C: Wire>(effect: &Effect<C>) -> Self {
        match effect {
            Effect::Send(command) => Self::Send(Written::of(&Message::of(command))),
            Effect::SendUndo { run, undo } => {
                Self::SendUndo { run: Written::of(&Message::of(run)), undo: Written::of(&Message::of(undo)) }
            }
            Effect::Wake { name, at_ms } => Self::Wake { name: (*name).to_owned(), at_ms: *at_ms },
            Effect::CancelWake(name) => Self::CancelWake((*name).to_owned()),
            Effect::Unwind => Self::Unwind,
            Effect::Done => Self::Done,
        }
    }
}

impl Written {
    pub(crate) fn of(message: &Message) -> Self {
        let data = serde_json::from_slice(&message.data).expect("an encoded wire value is JSON");
        Self { name: message.name.clone(), schema: message.schema, data }
    }

    pub(crate) fn message(&self) -> Message {
        let data = self.data.get().as_bytes().to_vec().into();
        Message { name: self.name.clone(), schema: self.schema, data }
    }
}

fn instance<P: Process>(state: &(dyn Any + Send + Sync)) -> &Instance<P::State>
where
    P::State: 'static,
{
    state.downcast_ref().expect("a process stream holds states of its process")
}
