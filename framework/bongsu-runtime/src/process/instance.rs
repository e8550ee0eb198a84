//! Processes with their types hidden, and how an instance is kept: a stream of its inputs.

use std::any::Any;

use bongsu_core::{Course, Ctx, DecodeError, Effect, Folder, Process, Route, StreamRef, Want, Wire, stream_of};
use serde::{Deserialize, Serialize};

use crate::{
    commit::map::Saga,
    records::{
        message::{Message, Written},
        step::{STEP, Step, Told},
    },
};

/// The state of an instance; written down as a snapshot, which the build that wrote it reads alone.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Instance<S> {
    pub(crate) course: Course<Written>,
    state: S,
}

pub(crate) struct SagaOf<P> {
    process: P,
    own: Vec<&'static str>,
}

impl<P: Process> SagaOf<P>
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

impl<P: Process> SagaOf<P> {
    pub(crate) fn new(process: P, own: &[(&'static str, u32)]) -> Self {
        Self { process, own: own.iter().map(|(name, _)| *name).collect() }
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
        Ok(self.process.route(&*heard.decode()?))
    }

    fn stream(&self, key: &str) -> StreamRef {
        StreamRef { stream: stream_of(P::NAME, key), folder: Self::folder() }
    }

    fn take(&self, state: &mut (dyn Any + Send + Sync), told: Told, ctx: &Ctx) -> Result<Step, DecodeError> {
        let instance = instance::<P>(state);
        instance.hear::<P>(&told)?;
        let effects = told.with::<P, _>(|input| self.process.react(&instance.state, input, ctx))?.unwrap_or_default();
        let effects: Vec<_> = effects.into_iter().map(written).collect();
        instance.course.take(told.taken(), effects.clone());
        Ok(Step { input: told, effects })
    }

    fn course<'a>(&self, state: &'a mut (dyn Any + Send + Sync)) -> &'a mut Course<Written> {
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
    fn hear<P: Process<State = S>>(&mut self, told: &Told) -> Result<(), DecodeError> {
        told.with::<P, _>(|input| P::evolve(&mut self.state, input)).map(|_| ())
    }
}

/// An effect as it is written down.
fn written<C: Wire>(effect: Effect<C>) -> Want<Written> {
    let of = |command: C| Written::of(&Message::of(command));
    match effect {
        Effect::Send(command) => Want::Send(of(command)),
        Effect::SendUndo { run, undo } => Want::SendUndo { run: of(run), undo: of(undo) },
        Effect::Wake { name, at_ms } => Want::Wake { name: name.into(), at_ms },
        Effect::CancelWake(name) => Want::CancelWake(name.into()),
        Effect::Unwind => Want::Unwind,
        Effect::Done => Want::Done,
    }
}

fn instance<P: Process>(state: &mut (dyn Any + Send + Sync)) -> &mut Instance<P::State>
where
    P::State: 'static,
{
    state.downcast_mut().expect("a process stream holds states of its process")
}
