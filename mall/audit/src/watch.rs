//! Watches one order: hears what every context tells of it, and has reported what stays wrong.

use bongsu_core::{Ctx, Effect, Input, Process, Wire as _};
use serde::{Deserialize, Serialize};

use crate::{
    books::Books,
    heard::OrderFact,
    heard::OrderId,
    inspection::{InspectionCommand, Report, Settle, TakeUp},
    rules::{self, Finding},
};
/// The timer after which what is still wrong is reported.
pub const LOOK: &str = "look";
/// The timer after which whoever has not spoken is late.
pub const OVERDUE: &str = "overdue";

/// Watches orders. It never ends: a falsehood may be told of an order that ended long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Facts may take so long from one context to the others, in milliseconds: what is wrong for longer is
    /// reported.
    pub grace_ms: i64,
    /// An order may stay undecided so long after its deadline, in milliseconds.
    pub slack_ms: i64,
}

/// What a watch remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WatchState {
    order: OrderId,
    inputs: u64,
    books: Books,
    now: Sight,
    /// As it was one input ago.
    before: Sight,
}

/// How an order looks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sight {
    findings: Vec<Finding>,
    /// They have lasted, and were reported.
    reported: bool,
    /// By when somebody should have spoken who has not.
    awaited_by_ms: Option<i64>,
}

impl Default for Watch {
    fn default() -> Self {
        Self { grace_ms: 2_500, slack_ms: 10_000 }
    }
}

impl Process for Watch {
    const NAME: &'static str = "watch";
    type Heard = OrderFact;
    type State = WatchState;
    type Command = InspectionCommand;

    fn evolve(state: &mut WatchState, input: &Input<'_, OrderFact>) {
        state.inputs += 1;
        let mut looked = false;
        match input {
            Input::Heard(fact) => {
                state.order = fact.key().unwrap_or_default().into();
                state.books.hear(fact);
            }
            Input::Woke { name: OVERDUE } => state.books.overdue = true,
            Input::Woke { .. } => looked = true,
            Input::Refused { .. } => {}
        }
        let findings = rules::findings(&state.books);
        let reported = !findings.is_empty() && (looked || state.now.reported);
        let now = Sight { findings, reported, awaited_by_ms: state.books.awaited_by_ms() };
        state.before = std::mem::replace(&mut state.now, now);
    }

    fn react(&self, state: &WatchState, input: &Input<'_, OrderFact>, ctx: &Ctx) -> Vec<Effect<InspectionCommand>> {
        if matches!(input, Input::Refused { .. }) {
            return Vec::new();
        }
        let mut effects = Vec::new();
        if state.inputs == 1 {
            effects.push(Effect::Send(TakeUp { order: state.order.clone() }.into()));
        }
        effects.extend(self.await_others(state));
        effects.extend(self.tell(state, ctx));
        effects
    }
}

impl Watch {
    /// Somebody has to speak by a time, or has spoken.
    fn await_others(&self, state: &WatchState) -> Option<Effect<InspectionCommand>> {
        match (state.before.awaited_by_ms, state.now.awaited_by_ms) {
            (None, Some(by)) => Some(Effect::Wake { name: OVERDUE, at_ms: by.saturating_add(self.slack_ms) }),
            (Some(_), None) => Some(Effect::CancelWake(OVERDUE)),
            _ => None,
        }
    }

    /// What is wrong is looked at again after the grace; what is wrong then was wrong since its beginning.
    fn tell(&self, state: &WatchState, ctx: &Ctx) -> Option<Effect<InspectionCommand>> {
        let WatchState { order, now, before, .. } = state;
        let order = order.clone();
        match (before.findings.is_empty(), now.findings.is_empty()) {
            (true, false) => Some(Effect::Wake { name: LOOK, at_ms: ctx.now_ms.saturating_add(self.grace_ms) }),
            (false, true) if before.reported => Some(Effect::Send(Settle { order }.into())),
            (false, true) => Some(Effect::CancelWake(LOOK)),
            (false, false) if now.reported && (!before.reported || before.findings != now.findings) => {
                let findings = now.findings.clone();
                let since_ms = ctx.now_ms.saturating_sub(self.grace_ms);
                Some(Effect::Send(Report { order, findings, since_ms }.into()))
            }
            _ => None,
        }
    }
}
