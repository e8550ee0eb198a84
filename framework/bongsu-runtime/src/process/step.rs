//! Running a process inside the unit that brings its input.

use std::any::Any;

use bongsu_core::{Act, Ctx, EffectId, Route, StreamRef};

use crate::{
    commit::{
        fail::Fail,
        map::{Decided, ProcessHandler},
        unit::{MAX_STEPS, Unit},
    },
    ports::coverage,
    records::{
        message::{Message, RecordedMessage},
        step::{STEP, StepInput},
        todo::Todo,
        todo_id::TodoId,
    },
};

impl Unit {
    /// Lets the processes hear the own events appended so far, until nothing more follows.
    pub(crate) async fn settle_processes(&mut self) -> Result<(), Fail> {
        while let Some((at, event, ctx)) = self.heard.pop_front() {
            let process = self.core.map.processes[at].clone();
            self.hear(process.as_ref(), event, &ctx).await?;
        }
        Ok(())
    }

    /// Brings a fact or an own event to a process.
    pub(crate) async fn hear(&mut self, process: &dyn ProcessHandler, heard: Message, ctx: &Ctx) -> Result<(), Fail> {
        let route = process.route(&heard)?;
        let (key, starts) = match route {
            Route::Ignore => return Ok(()),
            Route::Start(key) => (key, true),
            Route::Continue(key) => (key, false),
        };
        let (version, _) = self.stream(&process.stream(&key)).await?;
        let early = self.early(process, &key).await?;
        match (version > 0, early) {
            (true, None) => self.step_process(process, &key, StepInput::Heard(RecordedMessage::of(&heard)), ctx).await,
            (false, early) if starts => {
                self.step_process(process, &key, StepInput::Heard(RecordedMessage::of(&heard)), ctx).await?;
                early.into_iter().for_each(|early| self.begin_to_catch_up(process, &key, early));
                Ok(())
            }
            (_, early) => self.wait_for_start(process, &key, early, &heard, ctx),
        }
    }

    /// One input: evolve, react, write both down, carry out the effects. What is refused is the next input at once.
    pub(crate) async fn step_process(
        &mut self,
        process: &dyn ProcessHandler,
        key: &str,
        input: StepInput,
        ctx: &Ctx,
    ) -> Result<(), Fail> {
        let target = process.stream(key);
        let mut state = self.copy_of(&target).await?;
        process.course(state.as_mut()).settle();
        if process.course(state.as_mut()).ending().is_some() {
            self.core.env.sometimes(coverage::LATE_INPUT);
        }
        self.take_input(process, &target, state.as_mut(), input, ctx)?;
        while let Some(act) = process.course(state.as_mut()).next() {
            if let Some(input) = self.carry_out(process, key, act, ctx).await? {
                self.take_input(process, &target, state.as_mut(), input, ctx)?;
            }
        }
        Ok(())
    }

    /// Takes one input and writes it down with what it wants.
    fn take_input(
        &mut self,
        process: &dyn ProcessHandler,
        target: &StreamRef,
        state: &mut (dyn Any + Send + Sync),
        input: StepInput,
        ctx: &Ctx,
    ) -> Result<(), Fail> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(Fail::Corrupt(format!("one input set off more than {MAX_STEPS} steps")));
        }
        // What each step makes has ids of its own: those of another step, or of the command before, are taken.
        let ctx = ctx.step(&["react", &self.steps.to_string()]);
        let step = process.take(state, input, &ctx)?;
        let data = serde_json::to_vec(&step).expect("a step has string keys and encodes as JSON");
        let message = Message::new(STEP.0, STEP.1, data.into());
        self.record(&target.stream, STEP.0, message, (target.folder.copy)(state), &ctx);
        Ok(())
    }

    /// Carries out one act; what follows from it at once is the next input.
    async fn carry_out(
        &mut self,
        process: &dyn ProcessHandler,
        key: &str,
        act: Act<RecordedMessage>,
        ctx: &Ctx,
    ) -> Result<Option<StepInput>, Fail> {
        let step = ctx.step(&["act", &self.steps.to_string()]);
        let ctx = &Ctx { actor: process.name().to_owned(), ..step };
        match act {
            Act::Send { id, command, .. } => {
                let decided = self.command(&command.message(), ctx).await?;
                let Decided::Rejected(why) = decided else { return Ok(None) };
                return Ok(Some(StepInput::Refused { effect: id, rejection: RecordedMessage::of(&why) }));
            }
            Act::Undo { id, command } => return self.undo(process, key, id, &command.message(), ctx).await,
            Act::Wake { name, at_ms } => {
                let id = timer_id(process, key, &name);
                self.put_todo(&id, &Todo::timer(process.name(), key, &name, at_ms, ctx));
            }
            Act::CancelWake(name) => self.put(Todo::key(&timer_id(process, key, &name)), None),
        }
        Ok(None)
    }

    /// Sends what undoes an effect. A refused undo makes the process visible to a person.
    async fn undo(
        &mut self,
        process: &dyn ProcessHandler,
        key: &str,
        id: EffectId,
        command: &Message,
        ctx: &Ctx,
    ) -> Result<Option<StepInput>, Fail> {
        let Decided::Rejected(rejection) = self.command(command, ctx).await? else { return Ok(None) };
        let reason = format!("undo {} was refused: {}", command.name, rejection.name);
        tracing::error!(process = process.name(), key, reason, "a process needs a person");
        let todo = Todo::undo(process.name(), key, command, &reason, ctx);
        self.put_todo(&TodoId::undo(process.name(), key, id), &todo);
        Ok(Some(StepInput::Stuck { reason }))
    }
}

fn timer_id(process: &dyn ProcessHandler, key: &str, name: &str) -> TodoId {
    TodoId::timer(process.name(), key, name)
}
