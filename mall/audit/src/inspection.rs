//! The inspection of one order: what is known to be wrong with it, taken up once, reported, and settled.

use bongsu_core::{Aggregate, Ctx, Decider, Messages, message};
use serde::{Deserialize, Serialize};

use crate::{heard::OrderId, rules::Finding};

/// Take up the inspection of an order that is heard of for the first time.
#[message("inspection.take-up", version = 1, key = order)]
pub struct TakeUp {
    pub order: OrderId,
}

/// Report what has been wrong with an order for longer than facts travel.
#[message("inspection.report", version = 1, key = order)]
pub struct Report {
    pub order: OrderId,
    /// Every rule it breaks.
    pub findings: Vec<Finding>,
    /// Since when it breaks some, milliseconds since the Unix epoch.
    pub since_ms: i64,
}

/// Settle what was reported of an order: the contexts have come to agree.
#[message("inspection.settle", version = 1, key = order)]
pub struct Settle {
    pub order: OrderId,
}

/// What may be asked of an inspection.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum InspectionCommand {
    TakeUp(TakeUp),
    Report(Report),
    Settle(Settle),
}

/// The first fact of an order was heard.
#[message("inspection.taken-up", version = 1, key = order)]
pub struct OrderTakenUp {
    pub order: OrderId,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// The contexts disagree about the order, or disagree about something else than before.
#[message("inspection.found-inconsistent", version = 1, key = order)]
pub struct OrderFoundInconsistent {
    pub order: OrderId,
    /// Every rule it breaks.
    pub findings: Vec<Finding>,
    /// Since when it breaks some, milliseconds since the Unix epoch.
    pub since_ms: i64,
    pub at_ms: i64,
}

/// The contexts agree about the order again.
#[message("inspection.found-consistent", version = 1, key = order)]
pub struct OrderFoundConsistent {
    pub order: OrderId,
    /// Since when it was inconsistent, milliseconds since the Unix epoch.
    pub since_ms: i64,
    pub at_ms: i64,
}

/// What happens to an inspection. Private: the map says what the others hear.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum InspectionEvent {
    TakenUp(OrderTakenUp),
    FoundInconsistent(OrderFoundInconsistent),
    FoundConsistent(OrderFoundConsistent),
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
        let at_ms = ctx.now_ms;
        match command {
            InspectionCommand::TakeUp(_) if state.taken_up => Err(InspectionRejection::AlreadyTakenUp),
            InspectionCommand::TakeUp(TakeUp { order }) => Ok(vec![OrderTakenUp { order, at_ms }.into()]),
            InspectionCommand::Report(report) => state.reported(report, at_ms),
            InspectionCommand::Settle(Settle { order }) => {
                let since_ms = state.wrong.as_ref().ok_or(InspectionRejection::NothingToSettle)?.since_ms;
                Ok(vec![OrderFoundConsistent { order, since_ms, at_ms }.into()])
            }
        }
    }
}

impl InspectionState {
    /// Other findings than before are told, too; they are part of the same disagreement, which began when it began.
    fn reported(&self, report: Report, at_ms: i64) -> Result<Vec<InspectionEvent>, InspectionRejection> {
        let Report { order, findings, since_ms } = report;
        if findings.is_empty() {
            return Err(InspectionRejection::NothingFound);
        }
        match &self.wrong {
            Some(known) if known.findings == findings => Err(InspectionRejection::AlreadyReported),
            known => {
                let since_ms = known.as_ref().map_or(since_ms, |known| known.since_ms);
                Ok(vec![OrderFoundInconsistent { order, findings, since_ms, at_ms }.into()])
            }
        }
    }
}
