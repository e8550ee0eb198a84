//! What is recorded of an order, and what a watch does with what it hears.

use audit::{
    heard::OrderFact,
    inspection::*,
    rules::{Finding, findings},
    watch::{LOOK, OVERDUE, Watch},
};
use bongsu_core::Effect;
use bongsu_testing::given::{every_end, given, process};

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

const WATCH: Watch = Watch { grace_ms: 2_500, slack_ms: 10_000 };

/// The report of what these facts break.
fn report_of(facts: &[OrderFact], since_ms: i64) -> InspectionCommand {
    report(findings(&told(facts)), since_ms)
}

#[test]
fn an_order_in_which_all_agree_is_taken_up_and_never_reported_whatever_is_heard_first() {
    for (ending, contexts) in agreements() {
        let over = told(contexts.concat().iter()).awaited_by_ms().is_none();
        every_end(&WATCH, &contexts, &[], |names, end| {
            assert_eq!(end.sent, [take_up()], "{ending}: {names:?}");
            assert!(!end.timers.contains_key(LOOK), "{ending}: {names:?}");
            assert_eq!(end.timers.contains_key(OVERDUE), !over, "{ending}: {names:?}");
        });
    }
}

#[test]
fn what_is_wrong_for_a_moment_is_not_reported() {
    process(&WATCH)
        .at(1_000)
        .hears(reserved())
        .then([Effect::Send(take_up()), Effect::Wake { name: LOOK, at_ms: 3_500 }])
        .at(1_900)
        .hears(placed())
        .then([Effect::Wake { name: OVERDUE, at_ms: 40_000 }, Effect::CancelWake(LOOK)]);
}

#[test]
fn what_stays_wrong_is_reported_with_its_beginning_and_settled_when_all_agree() {
    let wrong = [placed(), rejected(), captured()];
    let [first, second, third] = wrong.clone();
    process(&WATCH)
        .hears(first)
        .hears(second)
        .at(7_000)
        .hears(third)
        .then([Effect::Wake { name: LOOK, at_ms: 9_500 }])
        .at(9_500)
        .wakes(LOOK)
        .then([Effect::Send(report_of(&wrong, 7_000))])
        .at(20_000)
        .hears(refunded())
        .then([Effect::Send(settle())]);
}

#[test]
fn something_else_wrong_with_a_reported_order_is_reported_at_once() {
    let first = [placed(), captured(), refunded()];
    let then = [placed(), captured(), refunded(), refunded()];
    let running = first.iter().fold(process(&WATCH), |running, fact| running.hears(fact.clone()));
    running
        .at(2_500)
        .wakes(LOOK)
        .sends([report_of(&first, 0)])
        .at(60_000)
        .hears(refunded())
        .sends([report_of(&then, 57_500)])
        .hears(reserved())
        .then([]);
}

#[test]
fn an_order_nobody_decides_is_reported_when_its_time_is_over_and_some() {
    let running = process(&WATCH).hears(placed()).sends([take_up()]).at(40_000).wakes(OVERDUE);
    let running = running.then([Effect::Wake { name: LOOK, at_ms: 42_500 }]).at(42_500).wakes(LOOK);
    let sent = running.end().sent.clone();
    let Some(InspectionCommand::Report(report)) = sent.last() else { panic!("{sent:?}") };
    assert_eq!((names(report.findings.clone()), report.since_ms), (vec!["undecided".to_owned()], 40_000));
    running.hears(rejected()).then([Effect::CancelWake(OVERDUE), Effect::Send(settle())]);
}

#[test]
fn a_falsehood_about_an_order_long_over_is_reported() {
    let running = delivered_order().concat().into_iter().fold(process(&WATCH), |running, fact| running.hears(fact));
    let running = running.at(900_000).hears(refunded()).then([Effect::Wake { name: LOOK, at_ms: 902_500 }]);
    running.at(902_500).wakes(LOOK).sends([report_of(&delivered_and(refunded()), 900_000)]);
}

#[test]
fn a_refusal_changes_nothing() {
    process(&WATCH).hears(placed()).refused(&InspectionRejection::AlreadyTakenUp).then([]).hears(reserved()).then([]);
}
