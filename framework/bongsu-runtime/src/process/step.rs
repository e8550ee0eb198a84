//! Running a process inside the unit that brings its input.

use std::any::Any;

use bongsu_core::{Act, Ctx, EffectId, Route, StreamRef};

use crate::{
    commit::{
        fail::Fail,
        map::{Decided, Saga},
        unit::{MAX_STEPS, Unit},
    },
    ports::coverage,
    records::{
        message::{Message, Written},
        step::{STEP, Told},
        todo::{Todo, TodoId},
    },
};

impl Unit {
    /// Lets the processes hear the own events appended so far, until nothing more follows.
    pub(crate) async fn settle_processes(&mut self) -> Result<(), Fail> {
        while let Some((at, event, ctx)) = self.heard.pop_front() {
            let saga = self.core.map.sagas[at].clone();
            self.hear(saga.as_ref(), event, &ctx).await?;
        }
        Ok(())
    }

    /// Brings a fact or an own event to a process.
    pub(crate) async fn hear(&mut self, saga: &dyn Saga, heard: Message, ctx: &Ctx) -> Result<(), Fail> {
        let route = saga.route(&heard)?;
        let (key, starts) = match route {
            Route::Ignore => return Ok(()),
            Route::Start(key) => (key, true),
            Route::Continue(key) => (key, false),
        };
        let (version, _) = self.stream(&saga.stream(&key)).await?;
        let early = self.early(saga, &key).await?;
        match (version > 0, early) {
            (true, None) => self.step_process(saga, &key, Told::Heard(Written::of(&heard)), ctx).await,
            (false, early) if starts => {
                self.step_process(saga, &key, Told::Heard(Written::of(&heard)), ctx).await?;
                early.into_iter().for_each(|early| self.begin_to_catch_up(saga, &key, early));
                Ok(())
            }
            (_, early) => self.wait_for_start(saga, &key, early, &heard, ctx),
        }
    }

    /// One input: evolve, react, write both down, carry out the effects. What is refused is the next input at once.
    pub(crate) async fn step_process(&mut self, saga: &dyn Saga, key: &str, told: Told, ctx: &Ctx) -> Result<(), Fail> {
        let target = saga.stream(key);
        let mut state = self.copy_of(&target).await?;
        saga.course(state.as_mut()).settle();
        if saga.course(state.as_mut()).ending().is_some() {
            self.core.env.sometimes(coverage::LATE_INPUT);
        }
        self.take_input(saga, &target, state.as_mut(), told, ctx)?;
        while let Some(act) = saga.course(state.as_mut()).next() {
            if let Some(told) = self.carry_out(saga, key, act, ctx).await? {
                self.take_input(saga, &target, state.as_mut(), told, ctx)?;
            }
        }
        Ok(())
    }

    /// Takes one input and writes it down with what it wants.
    fn take_input(
        &mut self,
        saga: &dyn Saga,
        target: &StreamRef,
        state: &mut (dyn Any + Send + Sync),
        told: Told,
        ctx: &Ctx,
    ) -> Result<(), Fail> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(Fail::Corrupt(format!("one input set off more than {MAX_STEPS} steps")));
        }
        // What each step makes has ids of its own: those of another step, or of the command before, are taken.
        let ctx = ctx.step(&["react", &self.steps.to_string()]);
        let step = saga.take(state, told, &ctx)?;
        let data = serde_json::to_vec(&step).expect("a step has string keys and encodes as JSON");
        let message = Message::new(STEP.0, STEP.1, data.into());
        self.record(&target.stream, STEP.0, message, (target.folder.copy)(state), &ctx);
        Ok(())
    }

    /// Carries out one act; what follows from it at once is the next input.
    async fn carry_out(
        &mut self,
        saga: &dyn Saga,
        key: &str,
        act: Act<Written>,
        ctx: &Ctx,
    ) -> Result<Option<Told>, Fail> {
        let step = ctx.step(&["act", &self.steps.to_string()]);
        let ctx = &Ctx { actor: saga.name().to_owned(), ..step };
        match act {
            Act::Send { id, command, .. } => {
                let decided = self.command(&command.message(), ctx).await?;
                let Decided::Rejected(why) = decided else { return Ok(None) };
                return Ok(Some(Told::Refused { effect: id, rejection: Written::of(&why) }));
            }
            Act::Undo { id, command } => return self.undo(saga, key, id, &command.message(), ctx).await,
            Act::Wake { name, at_ms } => {
                let id = timer_id(saga, key, &name);
                self.put_todo(&id, &Todo::timer(saga.name(), key, &name, at_ms, ctx));
            }
            Act::CancelWake(name) => self.put(Todo::key(&timer_id(saga, key, &name)), None),
        }
        Ok(None)
    }

    /// Sends what undoes an effect. A refused undo makes the process visible to a person.
    async fn undo(
        &mut self,
        saga: &dyn Saga,
        key: &str,
        id: EffectId,
        command: &Message,
        ctx: &Ctx,
    ) -> Result<Option<Told>, Fail> {
        let Decided::Rejected(rejection) = self.command(command, ctx).await? else { return Ok(None) };
        let reason = format!("undo {} was refused: {}", command.name, rejection.name);
        tracing::error!(process = saga.name(), key, reason, "a process needs a person");
        let todo = Todo::undo(saga.name(), key, command, &reason, ctx);
        let id = TodoId::Undo { process: saga.name(), key, effect: id };
        self.put_todo(&id.to_string(), &todo);
        Ok(Some(Told::Stuck { reason }))
    }
}

fn timer_id(saga: &dyn Saga, key: &str, name: &str) -> String {
    TodoId::Timer { process: saga.name(), key, name }.to_string()
}
