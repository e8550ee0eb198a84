//! Who takes a command: deciders and decisions with their types hidden.

use std::any::Any;

use bongsu_core::{Change, Ctx, Decider, Decision, StreamRef, View, Wire};

use crate::{
    commit::{
        fail::Fail,
        map::{CommandHandler, Decided},
        unit::Unit,
    },
    ports::Fut,
    records::message::Message,
};

/// How often a decision may name more to read: each time is a read of the store, and one that names more every time reads
/// for ever.
const MAX_ROUNDS: u32 = 16;

pub(crate) struct DeciderHandler<D>(pub(crate) D);

pub(crate) struct DecisionHandler<D>(pub(crate) D);

impl<D> CommandHandler for DeciderHandler<D>
where
    D: Decider + Send + Sync,
    D::Command: Send,
    D::State: Clone + Send + Sync + 'static,
{
    fn names(&self) -> Vec<(&'static str, u32)> {
        D::Command::names()
    }

    fn decide<'a>(&'a self, unit: &'a mut Unit, command: &'a Message, ctx: &'a Ctx) -> Fut<'a, Result<Decided, Fail>> {
        Box::pin(async move {
            let command: D::Command = command.decode_command()?;
            let target = StreamRef::of::<D>(&self.0.target(&command, ctx));
            let (version, state) = unit.stream(&target).await?;
            let events = match self.0.decide(cast::<D::State>(state), command, ctx) {
                Ok(events) => events,
                Err(rejection) => return Ok(Decided::Rejected(Message::of(rejection))),
            };
            let version = version + events.len() as u64;
            for event in events {
                unit.append(Change::of::<D>(target.clone(), event), ctx).await?;
            }
            Ok(Decided::Accepted { stream: target.stream, version })
        })
    }
}

impl<D> CommandHandler for DecisionHandler<D>
where
    D: Decision + Send + Sync,
    D::Command: Send + Sync,
{
    fn names(&self) -> Vec<(&'static str, u32)> {
        D::Command::names()
    }

    fn decide<'a>(&'a self, unit: &'a mut Unit, command: &'a Message, ctx: &'a Ctx) -> Fut<'a, Result<Decided, Fail>> {
        Box::pin(async move {
            let command: D::Command = command.decode_command()?;
            let mut view = View::default();
            let mut first = None;
            let mut rounds = 0;
            loop {
                let mut wanted = self.0.reads(&command, &view, ctx);
                wanted.retain(|target| !view.has(&target.stream));
                if wanted.is_empty() {
                    break;
                }
                rounds += 1;
                if rounds > MAX_ROUNDS {
                    return Err(Fail::Corrupt(format!("{} does not stop naming streams to read", D::NAME)));
                }
                unit.read_all(&wanted).await?;
                for target in wanted {
                    view.insert(target.stream.clone(), unit.copy_of(&target).await?);
                    first.get_or_insert(target);
                }
            }
            let changes = match self.0.decide(&view, command, ctx) {
                Ok(changes) => changes,
                Err(rejection) => return Ok(Decided::Rejected(Message::of(rejection))),
            };
            for change in changes {
                unit.append(change, ctx).await?;
            }
            let target = first.ok_or_else(|| Fail::Corrupt(format!("{} reads nothing", D::NAME)))?;
            let (version, _) = unit.stream(&target).await?;
            Ok(Decided::Accepted { stream: target.stream, version })
        })
    }
}

fn cast<S: 'static>(state: &(dyn Any + Send + Sync)) -> &S {
    state.downcast_ref().expect("a stream name determines its aggregate, and the aggregate its state")
}
