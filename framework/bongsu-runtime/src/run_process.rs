//! Running a process inside the unit that brings its input.

use bongsu_core::{Ctx, EffectId, Route};

use crate::{
    moments, planted,
    ports::store::DocKey,
    saga::{Glance, STEP, Saga, Told, Want, Written},
    target::Decided,
    todo::{Todo, Work},
    unit::{Fail, MAX_STEPS, Message, Unit},
};

impl Unit {
    /// Lets the processes hear the own events appended so far, until nothing more follows.
    pub(crate) async fn settle_processes(&mut self) -> Result<(), Fail> {
        while let Some((at, event, ctx)) = self.heard.pop_front() {
            let saga = self.core.service.sagas[at].clone();
            self.hear(saga.as_ref(), event, &ctx).await?;
        }
        Ok(())
    }

    /// Brings a fact or an own event to a process.
    pub(crate) async fn hear(&mut self, saga: &dyn Saga, heard: Message, ctx: &Ctx) -> Result<(), Fail> {
        match saga.route(&heard).map_err(|error| Fail::Corrupt(error.to_string()))? {
            Route::Ignore => Ok(()),
            Route::Start(key) => {
                self.step_process(saga, &key, Told::Heard(Written::of(&heard)), ctx).await?;
                self.catch_up(saga, &key).await
            }
            Route::Continue(key) => {
                let (version, _) = self.stream(&saga.stream(&key)).await?;
                if version == 0 {
                    return self.wait_for_start(saga, &key, heard, ctx).await;
                }
                self.step_process(saga, &key, Told::Heard(Written::of(&heard)), ctx).await
            }
        }
    }

    /// One input: evolve, react, write both down, carry out the effects.
    pub(crate) async fn step_process(&mut self, saga: &dyn Saga, key: &str, told: Told, ctx: &Ctx) -> Result<(), Fail> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(Fail::Corrupt(format!("one input set off more than {MAX_STEPS} steps")));
        }
        let target = saga.stream(key);
        let mut state = self.copy_of(&target).await?;
        let Glance { mut undo, ended, .. } = saga.glance(state.as_ref());
        // What each step makes has ids of its own: those of another step, or of the command before, are taken.
        let ctx = &ctx.step(&[&self.steps.to_string()]);
        if let Told::Refused { effect, .. } = &told {
            // What was refused did not happen: there is nothing to undo.
            undo.retain(|(id, _)| id != effect);
        }
        if ended {
            self.core.env.sometimes(moments::LATE_INPUT);
        }
        let step = saga.take(state.as_mut(), told, ctx).map_err(|error| Fail::Corrupt(error.to_string()))?;
        let input = saga.glance(state.as_ref()).inputs;
        let data = serde_json::to_vec(&step).expect("a step has string keys and encodes as JSON");
        self.record(&target.stream, STEP, data, state, ctx);
        for (ordinal, want) in step.effects.into_iter().enumerate() {
            let id = EffectId { input, ordinal: ordinal as u32 };
            self.carry_out(saga, key, id, want, &undo, ctx).await?;
        }
        Ok(())
    }

    async fn carry_out(
        &mut self,
        saga: &dyn Saga,
        key: &str,
        id: EffectId,
        want: Want,
        undo: &[(EffectId, Message)],
        ctx: &Ctx,
    ) -> Result<(), Fail> {
        match want {
            Want::Send(command) | Want::SendUndo { run: command, .. } => {
                let step = command_ctx(saga, ctx, &["effect", &id.ordinal.to_string()]);
                if let Decided::Rejected(rejection) = self.command(&command.message(), &step).await? {
                    let told = Told::Refused { effect: id, rejection: Written::of(&rejection) };
                    return Box::pin(self.step_process(saga, key, told, ctx)).await;
                }
                Ok(())
            }
            Want::Wake { name, at_ms } => {
                let (id, todo) = (timer_id(saga, key, &name), Todo::timer(saga.name(), key, &name, at_ms, ctx));
                if !planted::timer_apart(&self.core, &id, &todo) {
                    self.put_todo(&id, &todo);
                }
                Ok(())
            }
            Want::CancelWake(name) => {
                self.put(Todo::key(&timer_id(saga, key, &name)), None);
                Ok(())
            }
            Want::Unwind => self.unwind(saga, key, undo, ctx).await,
            Want::Done => Ok(()),
        }
    }

    /// Sends what undoes the process, latest first. A refused undo makes it visible to a person.
    async fn unwind(
        &mut self,
        saga: &dyn Saga,
        key: &str,
        undo: &[(EffectId, Message)],
        ctx: &Ctx,
    ) -> Result<(), Fail> {
        for (id, command) in undo.iter().rev() {
            let step = command_ctx(saga, ctx, &["undo", &id.input.to_string(), &id.ordinal.to_string()]);
            if let Decided::Rejected(rejection) = self.command(command, &step).await? {
                let reason = format!("undo {} was refused: {}", command.name, rejection.name);
                tracing::error!(process = saga.name(), key, reason, "a process needs a person");
                let todo = Todo::undo(saga.name(), key, command, &reason, &step);
                self.put_todo(&format!("undo/{}/{key}/{}.{}", saga.name(), id.input, id.ordinal), &todo);
                Box::pin(self.step_process(saga, key, Told::Stuck { reason }, ctx)).await?;
            }
        }
        Ok(())
    }

    /// Keeps an input that came before the start.
    async fn wait_for_start(&mut self, saga: &dyn Saga, key: &str, heard: Message, ctx: &Ctx) -> Result<(), Fail> {
        let id = waiting_id(saga, key);
        let mut todo = match self.doc(&Todo::key(&id)).await? {
            Some(data) => Todo::decode(&data).map_err(Fail::Corrupt)?,
            None => Todo::waiting(saga.name(), key, ctx),
        };
        self.core.env.sometimes(moments::EARLY_INPUT);
        if let Work::Waiting { inputs, .. } = &mut todo.work {
            inputs.push((Written::of(&heard), ctx.clone()));
        }
        self.put_todo(&id, &todo);
        Ok(())
    }

    /// Brings the inputs that came before the start, in the order they came.
    async fn catch_up(&mut self, saga: &dyn Saga, key: &str) -> Result<(), Fail> {
        let id: DocKey = Todo::key(&waiting_id(saga, key));
        let Some(data) = self.doc(&id).await? else { return Ok(()) };
        let todo = Todo::decode(&data).map_err(Fail::Corrupt)?;
        self.put(id, None);
        if let Work::Waiting { inputs, .. } = todo.work {
            for (heard, ctx) in inputs {
                self.step_process(saga, key, Told::Heard(heard), &ctx).await?;
            }
        }
        Ok(())
    }
}

/// The context of one command of a process.
fn command_ctx(saga: &dyn Saga, ctx: &Ctx, place: &[&str]) -> Ctx {
    Ctx { actor: saga.name().to_owned(), ..ctx.step(place) }
}

fn timer_id(saga: &dyn Saga, key: &str, name: &str) -> String {
    format!("timer/{}/{key}/{name}", saga.name())
}

fn waiting_id(saga: &dyn Saga, key: &str) -> String {
    format!("wait/{}/{key}", saga.name())
}
