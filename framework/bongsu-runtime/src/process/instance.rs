//! Processes with their types hidden, and how an instance is kept: a stream of its inputs.

use std::any::Any;

use bongsu_core::{
    Course, Ctx, DecodeError, Effect, Folder, Process, RecordedEffect, Route, StreamRef, Wire, stream_of,
};
use serde::{Deserialize, Serialize};

use crate::{
    commit::map::ProcessHandler,
    records::{
        message::{Message, RecordedMessage},
        step::{STEP, Step, StepInput},
    },
};

/// The state of an instance; written down as a snapshot, which the build that wrote it reads alone.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Instance<S> {
    pub(crate) course: Course<RecordedMessage>,
    state: S,
}

pub(crate) struct ProcessOf<P> {
    process: P,
    own: Vec<&'static str>,
    heard: Vec<(&'static str, u32)>,
}

impl<P: Process> ProcessOf<P>
where
    P::State: Clone + Send + Sync + 'static,
{
    /// How the streams of its instances are folded.
    pub(crate) fn folder() -> Folder {
        Folder {
            aggregate: P::NAME,
            empty: || Box::new(Instance::<P::State>::default()),
            copy: |state| {
                let state: &Instance<P::State> =
                    state.downcast_ref().expect("a folder only meets states it made itself");
                Box::new(state.clone())
            },
            apply: |state, name, schema, data| {
                if schema > STEP.1 {
                    return Err(DecodeError::Newer { name: name.into(), schema, known: STEP.1 });
                }
                let step: Step = serde_json::from_slice(data).map_err(|error| DecodeError::Broken {
                    name: name.into(),
                    schema,
                    reason: error.to_string(),
                })?;
                let instance: &mut Instance<P::State> =
                    state.downcast_mut().expect("a folder only meets states it made itself");
                instance.hear::<P>(&step.input)?;
                match schema {
                    1 => instance.course.replay_whole(step.input.taken(), step.effects),
                    _ => instance.course.replay(step.input.taken(), step.effects),
                }
                Ok(())
            },
            // Its steps are recorded with the state after them.
            evolve: |_, _| false,
        }
    }
}

impl<P: Process> ProcessOf<P> {
    pub(crate) fn new(process: P, own: &[(&'static str, u32)]) -> Self {
        Self { process, own: own.iter().map(|(name, _)| *name).collect(), heard: P::Heard::names() }
    }
}

impl<P> ProcessHandler for ProcessOf<P>
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
        self.heard.iter().any(|(known, _)| *known == name)
    }

    fn route(&self, heard: &Message) -> Result<Route, DecodeError> {
        Ok(self.process.route(&*heard.decode()?))
    }

    fn stream(&self, key: &str) -> StreamRef {
        StreamRef { stream: stream_of(P::NAME, key), folder: Self::folder() }
    }

    fn take(&self, state: &mut (dyn Any + Send + Sync), input: StepInput, ctx: &Ctx) -> Result<Step, DecodeError> {
        let instance = instance::<P>(state);
        instance.hear::<P>(&input)?;
        let effects = input.with::<P, _>(|typed| self.process.react(&instance.state, typed, ctx))?.unwrap_or_default();
        let effects: Vec<_> = effects.into_iter().map(recorded).collect();
        instance.course.take(input.taken(), effects.clone());
        Ok(Step { input, effects })
    }

    fn course<'a>(&self, state: &'a mut (dyn Any + Send + Sync)) -> &'a mut Course<RecordedMessage> {
        &mut instance::<P>(state).course
    }
}

impl<S: Default> Default for Instance<S> {
    fn default() -> Self {
        Self { course: Course::default(), state: S::default() }
    }
}

impl<S> Instance<S> {
    /// Folds the domain's side of an input.
    fn hear<P: Process<State = S>>(&mut self, input: &StepInput) -> Result<(), DecodeError> {
        input.with::<P, _>(|typed| P::evolve(&mut self.state, typed)).map(|_| ())
    }
}

/// An effect as it is written down.
fn recorded<C: Wire>(effect: Effect<C>) -> RecordedEffect<RecordedMessage> {
    let of = |command: C| RecordedMessage::of(&Message::of(command));
    match effect {
        Effect::Send(command) => RecordedEffect::Send(of(command)),
        Effect::SendUndo { run, undo } => RecordedEffect::SendUndo { run: of(run), undo: of(undo) },
        Effect::Wake { name, at_ms } => RecordedEffect::Wake { name: name.into(), at_ms },
        Effect::CancelWake(name) => RecordedEffect::CancelWake(name.into()),
        Effect::Unwind => RecordedEffect::Unwind,
        Effect::Done => RecordedEffect::Done,
    }
}

fn instance<P: Process>(state: &mut (dyn Any + Send + Sync)) -> &mut Instance<P::State>
where
    P::State: 'static,
{
    state.downcast_mut().expect("a process stream holds states of its process")
}
