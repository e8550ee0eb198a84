//! One order of each ending, and a crash between any two steps of it.
//!
//! The scenario runs once to count the steps of every node; then once for every step of ordering, and for a drawn
//! sample of all steps of all nodes and of pairs of them, each time with a crash there. `CRASHES=n` draws so many of
//! each and no more, `CRASHES=all` tries every single step of every node.

use std::time::Duration;

use bongsu_core::Wire;
use bongsu_sim::{Chance, CrashOn, Crashed, Dice, Failure, Outcome, Plan, Sim, Span, crash_each, crash_points};
use delivery::{
    Who,
    delivery::{Deliveries, FailDelivery, Phase as Parcel},
};
use ordering_domain::{
    cancel_order::CancelOrder,
    events::Method,
    order::{OrderCommand, Orders, Phase},
    place_order::{PlaceOrder, WantedLine},
};
use sandbox::provider::Mode;
use system_tests::evidence::{Heard, Op};

use crate::{
    clients::{ask, id_of, offer, stock_up},
    judge, ledger,
    scenario::QUIET,
    setting,
    world::{Mall, Shape},
};

/// The node on which every step is tried.
const EVERY_STEP_OF: &str = "ordering-1";
/// Drawn places and drawn pairs of an ordinary run.
const DRAWN: u64 = 60;
/// So long an order waits for stock and payment.
const WINDOW_MS: i64 = 2_500;
/// A customer gives up after so long.
const PATIENCE: Duration = Duration::from_secs(8);
/// Who orders.
const CUSTOMER: &str = "ann";
/// The seed: the scenario is the same for every place.
const SEED: u64 = 1;

/// What a customer does after ordering.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Waits,
    CancelsAtOnce,
    CancelsWhen(Seen),
    SeesItFail,
}

/// What a customer waits to see.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    Confirmed,
    Departed,
}

async fn scenario(sim: Sim) -> Result<u64, Failure> {
    let shape = Shape { instances: 1, courier: Who::Auto, window_ms: WINDOW_MS, older: None, bug: None };
    let mall = Mall::start(&sim, shape);
    judge::watch(&mall);
    stock_up(&mall).await;
    mall.behave(Mode::Decline, 0);
    order(&mall, "declined", 1, Then::Waits).await;
    until_ended(&mall, "declined").await;
    mall.behave(Mode::Slow, WINDOW_MS as u32 + 500);
    both(order(&mall, "too late", 1, Then::Waits), order(&mall, "withdrawn", 1, Then::CancelsAtOnce)).await;
    until_ended(&mall, "too late").await;
    mall.behave(Mode::Ok, 0);
    let easy = both(order(&mall, "completed", 1, Then::Waits), order(&mall, "out of stock", 1_000, Then::Waits));
    let called = both(
        order(&mall, "called back", 1, Then::CancelsWhen(Seen::Confirmed)),
        order(&mall, "on its way", 1, Then::CancelsWhen(Seen::Departed)),
    );
    both(both(easy, called), order(&mall, "undelivered", 1, Then::SeesItFail)).await;
    judge::quiet(&sim, &mall, QUIET).await?;
    judge::judge(&sim, &mall)?;
    Ok(8)
}

async fn both(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    futures::future::join(one, other).await;
}

/// What is ordered.
fn wanted(quantity: u32) -> OrderCommand {
    let line = WantedLine { sku: "NOTEBOOK".into(), quantity, seen_minor: None, offer: Some(offer("NOTEBOOK")) };
    let (customer, address) = (CUSTOMER.into(), "서울시 12번가".to_owned());
    OrderCommand::from(PlaceOrder { customer, lines: vec![line], address, method: Method::Card })
}

/// One customer, who insists on an answer while its patience lasts.
async fn order(mall: &Mall, key: &str, quantity: u32, then: Then) {
    let place = wanted(quantity);
    let id = id_of(mall, key, &place);
    let answers = insist(mall, "ordering", key, place).await;
    let heard = if answers.is_some() { Heard::Accepted } else { Heard::Nothing };
    let answers = answers.into_iter().collect();
    mall.history.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(Op {
        order: id.clone(),
        heard,
        answers,
    });
    match then {
        Then::Waits => return,
        Then::CancelsAtOnce => {}
        Then::CancelsWhen(Seen::Confirmed) => until(mall, || matches!(phase(mall, &id), Phase::Confirmed { .. })).await,
        Then::CancelsWhen(Seen::Departed) => until(mall, || parcel(mall, &id) == Parcel::Departed).await,
        Then::SeesItFail => {
            until(mall, || parcel(mall, &id) != Parcel::Unknown).await;
            let fail = FailDelivery { order: id.into(), why: "nobody at home".into() };
            insist(mall, "delivery", &format!("{key} fails"), fail).await;
            return;
        }
    }
    let cancel = OrderCommand::from(CancelOrder { order: id.into(), customer: CUSTOMER.into() });
    insist(mall, "ordering", &format!("{key} cancels"), cancel).await;
}

/// Asks under one key until there is an answer.
async fn insist<C: Wire + Clone + Send + Sync + 'static>(
    mall: &Mall,
    context: &'static str,
    key: &str,
    command: C,
) -> Option<(u16, bytes::Bytes)> {
    let until = mall.sim.now() + PATIENCE;
    while mall.sim.now() < until {
        if let Some(Ok(answer)) = ask(mall, (context, 0), key, command.clone()).await {
            return Some((answer.reply.status, answer.reply.body));
        }
        mall.sim.sleep(Duration::from_millis(50)).await;
    }
    None
}

/// Waits for something to be seen, while patience lasts.
async fn until(mall: &Mall, seen: impl Fn() -> bool) {
    let until = mall.sim.now() + PATIENCE;
    while !seen() && mall.sim.now() < until {
        mall.sim.sleep(Duration::from_millis(50)).await;
    }
}

/// Waits for the end of one piece that was ordered under this key.
async fn until_ended(mall: &Mall, key: &str) {
    let id = id_of(mall, key, &wanted(1));
    until(mall, || matches!(phase(mall, &id), Phase::Rejected { .. } | Phase::Cancelled { .. } | Phase::Completed))
        .await;
}

fn phase(mall: &Mall, order: &str) -> Phase {
    mall.state_of::<Orders>("ordering", order).phase
}

fn parcel(mall: &Mall, order: &str) -> Parcel {
    mall.state_of::<Deliveries>("delivery", order).phase
}

/// Nothing goes wrong but the crashes; a node that died is back soon.
fn plan() -> Plan {
    let mut plan = Plan::calm();
    plan.faults.restart = Span::millis(10, 400);
    plan.faults.duplicate = Chance::NEVER;
    plan
}

fn tried(places: impl IntoIterator<Item = Vec<CrashOn>>) -> Crashed {
    crash_each(SEED, &plan(), places, scenario).unwrap_or_else(|failed| {
        println!("{failed}");
        panic!("a crash broke a rule: {}", failed.plan)
    })
}

/// Every place that is tried: all of one node's, and a sample of everybody's; and pairs, the second soon after.
fn places(points: &[CrashOn]) -> (Vec<Vec<CrashOn>>, Vec<Vec<CrashOn>>) {
    let wanted = setting("CRASHES");
    let drawn = wanted.as_deref().and_then(|wanted| wanted.parse().ok());
    let (every, all) = (drawn.is_none(), wanted.as_deref() == Some("all"));
    let drawn: u64 = drawn.unwrap_or(DRAWN);
    let mut dice = Dice::new(SEED, "places");
    let mut draw = |points: &[CrashOn]| dice.pick(points).expect("somebody can die").clone();
    let own =
        points.iter().filter(|point| all || every && point.node == EVERY_STEP_OF).map(|point| vec![point.clone()]);
    let mut single: Vec<Vec<CrashOn>> = own.collect();
    single.extend((0..drawn).map(|_| vec![draw(points)]));
    let pairs = (0..drawn).map(|_| {
        let first = draw(points);
        let second = CrashOn { node: draw(points).node, step: first.step + 40 };
        vec![first, second]
    });
    (single, pairs.collect())
}

#[test]
fn a_crash_between_any_two_steps_changes_no_ending_and_breaks_no_rule() {
    let counted = crash_points(SEED, &plan(), scenario);
    let (points, calm): (Vec<CrashOn>, Outcome<u64>) = counted.unwrap_or_else(|failed| panic!("{failed}"));
    let missing: Vec<_> = ledger::ENDINGS.iter().filter(|ending| !calm.stats.reached.contains_key(*ending)).collect();
    assert!(missing.is_empty(), "the scenario never leads to {missing:?}: {}", calm.stats);
    let (single, pairs) = places(&points);
    let (once, twice) = (tried(single), tried(pairs));
    let own = points.iter().filter(|point| point.node == EVERY_STEP_OF).count();
    println!("{} steps of five nodes, {own} of {EVERY_STEP_OF}", points.len());
    println!("single: {once}\npairs: {twice}");
    assert!(own > 0 && once.hit == once.places, "a place was never reached: {once}");
    assert!(twice.hit > twice.places / 2, "hardly any second crash was reached: {twice}");
}
