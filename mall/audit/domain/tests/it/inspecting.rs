//! What is recorded of an order.

use audit_domain::{
    events::*,
    inspection::{InspectionCommand, InspectionRejection, Inspections},
    report::Report,
    rules::{Finding, findings},
    settle::Settle,
    take_up::TakeUp,
};
use bongsu_given::given;

use crate::words::*;

pub(crate) fn take_up() -> InspectionCommand {
    TakeUp { order: id() }.into()
}

pub(crate) fn report(findings: Vec<Finding>, since_ms: i64) -> InspectionCommand {
    Report { order: id(), findings, since_ms }.into()
}

pub(crate) fn settle() -> InspectionCommand {
    Settle { order: id() }.into()
}

pub(crate) fn taken_up() -> InspectionEvent {
    OrderTakenUp { order: id(), at_ms: 0 }.into()
}

pub(crate) fn found(findings: Vec<Finding>, since_ms: i64) -> InspectionEvent {
    OrderFoundInconsistent { order: id(), findings, since_ms, at_ms: 9_000 }.into()
}

pub(crate) fn agreed() -> InspectionEvent {
    OrderFoundConsistent { order: id(), since_ms: 6_500, at_ms: 9_000 }.into()
}

pub(crate) fn kept() -> Vec<Finding> {
    findings(&told(&[placed(), rejected(), captured()]))
}

fn more() -> Vec<Finding> {
    findings(&told(&[placed(), rejected(), captured(), reserved()]))
}

#[test]
fn an_order_is_taken_up_once() {
    given(&Inspections, []).when(take_up()).on("o1").then([taken_up()]);
    given(&Inspections, [taken_up()]).when(take_up()).then_rejected(InspectionRejection::AlreadyTakenUp);
}

#[test]
fn what_is_found_is_recorded_once() {
    given(&Inspections, [taken_up()]).at(9_000).when(report(kept(), 6_500)).on("o1").then([found(kept(), 6_500)]);
    let known = [taken_up(), found(kept(), 6_500)];
    given(&Inspections, known).when(report(kept(), 8_000)).then_rejected(InspectionRejection::AlreadyReported);
    given(&Inspections, [taken_up()]).when(report(vec![], 0)).then_rejected(InspectionRejection::NothingFound);
}

#[test]
fn a_disagreement_keeps_its_beginning_while_its_findings_change() {
    let known = [taken_up(), found(kept(), 6_500)];
    given(&Inspections, known).at(9_000).when(report(more(), 8_000)).then([found(more(), 6_500)]);
    let settled = [taken_up(), found(kept(), 6_500), agreed()];
    given(&Inspections, settled).at(9_000).when(report(kept(), 8_000)).then([found(kept(), 8_000)]);
}

#[test]
fn only_what_was_found_is_settled() {
    given(&Inspections, [taken_up()]).when(settle()).then_rejected(InspectionRejection::NothingToSettle);
    given(&Inspections, [taken_up(), found(kept(), 6_500)]).at(9_000).when(settle()).on("o1").then([agreed()]);
    let settled = [taken_up(), found(kept(), 6_500), agreed()];
    given(&Inspections, settled).when(settle()).then_rejected(InspectionRejection::NothingToSettle);
}
