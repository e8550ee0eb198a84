//! The inspection of one order: what is known to be wrong with it, and which command meets which use case.

use bongsu_core::{Aggregate, Ctx, Decider, Messages, message};
use serde::{Deserialize, Serialize};

use crate::{
    events::InspectionEvent,
    report::{self, Report},
    rules::Finding,
    settle::{self, Settle},
    take_up::{self, TakeUp},
};

/// Decides over the inspection of one order; id = order id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspections;

/// What is known of an order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InspectionState {
    /// Some fact of it was heard.
    pub taken_up: bool,
    /// What is wrong with it now.
    pub wrong: Option<Wrong>,
}

/// What is wrong with an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wrong {
    /// Every rule it breaks; at least one.
    pub findings: Vec<Finding>,
    /// Since when, milliseconds since the Unix epoch.
    pub since_ms: i64,
}

/// What may be asked of an inspection.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum InspectionCommand {
    TakeUp(TakeUp),
    Report(Report),
    Settle(Settle),
}

/// Why an inspection did not change.
#[message("inspection.rejection", version = 1)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum InspectionRejection {
    /// Facts of it were heard before.
    AlreadyTakenUp,
    /// That is known.
    AlreadyReported,
    /// A report says what is wrong.
    NothingFound,
    /// Nothing was wrong.
    NothingToSettle,
}

impl Aggregate for Inspections {
    const NAME: &'static str = "inspection";
    type Event = InspectionEvent;
    type State = InspectionState;

    fn evolve(state: &mut InspectionState, event: &InspectionEvent) {
        match event {
            InspectionEvent::TakenUp(_) => state.taken_up = true,
            InspectionEvent::FoundInconsistent(e) => {
                state.wrong = Some(Wrong { findings: e.findings.clone(), since_ms: e.since_ms });
            }
            InspectionEvent::FoundConsistent(_) => state.wrong = None,
        }
    }
}

impl Decider for Inspections {
    type Command = InspectionCommand;
    type Rejection = InspectionRejection;

    fn decide(
        &self,
        state: &InspectionState,
        command: InspectionCommand,
        ctx: &Ctx,
    ) -> Result<Vec<InspectionEvent>, InspectionRejection> {
        match command {
            InspectionCommand::TakeUp(c) => take_up::decide(state, c, ctx),
            InspectionCommand::Report(c) => report::decide(state, c, ctx),
            InspectionCommand::Settle(c) => settle::decide(state, c, ctx),
        }
    }
}
