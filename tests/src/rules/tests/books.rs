//! Every rule over the books of an order that was delivered, each broken in each of its ways.

use audit::inspection::{Inspections, OrderFoundInconsistent, OrderTakenUp};
use bongsu_runtime::ports::store::{CommitId, Position};
use delivery::delivery::{Deliveries, DeliveryCompleted, DeliveryDeparted, DeliveryPrepared};
use money::Money;
use ordering_domain::{
    events::{CancelledWhy, OrderCancelled, OrderCompleted, OrderConfirmed},
    order::Orders,
};
use payment::payment::{
    CaptureRequested, OrderEnded, PaymentCaptured, PaymentIntended, PaymentRefunded, Payments, StockHeld,
};
use product_domain::{
    events::{
        Line, ReservationCommitted, ReservationHeld, ReservationReleased, StockCommitted, StockReceived, StockReleased,
        StockReserved,
    },
    reservation::Reservation,
    stock::Stock,
};
use serde_json::json;

use super::{ORDER, Story, says};
use crate::{
    evidence::{Evidence, Heard},
    rules::{self, Checked, Rule},
};

const OTHER: &str = "ord_2";
const PRICE: i64 = 1_000;

fn lines() -> Vec<Line> {
    vec![Line { sku: "TV".into(), quantity: 1 }]
}

fn confirmed(order: &str) -> OrderConfirmed {
    OrderConfirmed { order: order.into(), at_ms: 0 }
}

fn cancelled(order: &str) -> OrderCancelled {
    OrderCancelled { order: order.into(), why: CancelledWhy::Customer, at_ms: 0 }
}

fn intended(order: &str) -> PaymentIntended {
    PaymentIntended { order: order.into(), customer: None, amount: Money::krw(PRICE), expires_at_ms: 1 }
}

fn prepared(order: &str) -> DeliveryPrepared {
    DeliveryPrepared { order: order.into(), customer: None, address: "here".into(), items: Vec::new(), at_ms: 0 }
}

fn charged(order: &str, times: usize, minor: i64, refunds: &[i64]) -> serde_json::Value {
    let amount = |minor: i64| json!({ "minor": minor, "currency": "KRW" });
    let capture = json!({ "order": order, "status": "captured", "capture": "c", "amount": amount(minor) });
    let refund = |minor: &i64| json!({ "capture": "c", "amount": amount(*minor) });
    json!({ "captures": vec![capture; times], "refunds": refunds.iter().map(refund).collect::<Vec<_>>() })
}

/// One order from its wish to its delivery, as every store has it.
fn delivered() -> Story {
    let reserved = StockReserved { order: ORDER.into(), quantity: 1 };
    let committed = StockCommitted { order: ORDER.into(), quantity: 1 };
    let amount = Money::krw(PRICE);
    let captured = PaymentCaptured { order: ORDER.into(), amount, capture: "c".into(), at_ms: 0 };
    let requested = CaptureRequested { order: ORDER.into(), amount, not_after_ms: 1 };
    let step = |story: Story, of, process: &str| {
        let data = json!({ "input": { "heard": process }, "effects": ["done"] });
        story.step(of, &format!("{process}/{ORDER}"), data).together(of)
    };
    let story = Story::new().did::<Stock>("product", "TV", StockReceived { quantity: 5 }).placed("placed");
    let story = step(story, "ordering", "checkout")
        .did::<Payments>("payment", ORDER, intended(ORDER))
        .did::<Stock>("product", "TV", reserved)
        .did::<Reservation>("product", ORDER, ReservationHeld { lines: lines() })
        .did::<Payments>("payment", ORDER, StockHeld { order: ORDER.into() })
        .did::<Payments>("payment", ORDER, requested)
        .did::<Payments>("payment", ORDER, captured)
        .did::<Orders>("ordering", ORDER, confirmed(ORDER));
    let story = step(story, "ordering", "fulfilment").did::<Deliveries>("delivery", ORDER, prepared(ORDER));
    let mut story = step(story, "delivery", "courier")
        .did::<Deliveries>("delivery", ORDER, DeliveryDeparted { order: ORDER.into(), at_ms: 0 })
        .did::<Deliveries>("delivery", ORDER, DeliveryCompleted { order: ORDER.into(), at_ms: 0 })
        .did::<Orders>("ordering", ORDER, OrderCompleted { order: ORDER.into(), at_ms: 0 })
        .did::<Stock>("product", "TV", committed)
        .did::<Reservation>("product", ORDER, ReservationCommitted { lines: lines() })
        .did::<Inspections>("audit", ORDER, OrderTakenUp { order: ORDER.into(), at_ms: 0 })
        .answered(&[(202, "a")]);
    story.0.ledger = charged(ORDER, 1, PRICE, &[]);
    story.row(ORDER, shown())
}

/// The order's row in MyPage.
fn shown() -> serde_json::Value {
    let amount = serde_json::to_value(Money::krw(PRICE)).expect("encodes");
    json!({
        "order": ORDER, "placed": { "customer": "ann", "lines": [], "amount": amount, "at_ms": 0 },
        "ordering": "completed", "cancellation": null, "why": null, "stock": "committed", "payment": "captured",
        "delivery": "completed", "told": [],
    })
}

fn rule(name: &str) -> fn(&Evidence) -> Checked {
    let all = rules::ALL.iter().chain([&rules::AUDITED]);
    let found: Vec<&Rule> = all.filter(|rule| rule.0.starts_with(name)).collect();
    assert_eq!(found.len(), 1, "{name} names one rule");
    found[0].1
}

fn broken(name: &str, part: &str, story: Story) {
    says(rule(name)(&story.0), part);
}

#[test]
fn an_order_that_was_delivered_breaks_no_rule_over_the_books() {
    for name in ["I1 no lost", "I1 every", "I3", "I4 every", "I7 money", "I7 our", "I8 stock", "I8 res", "I9 every"] {
        assert!(rule(name)(&delivered().0).is_ok_and(|looked| looked > 0), "{name}: {:?}", rule(name)(&delivered().0));
    }
    for name in ["I9 no", "I9 processes", "I10", "I12", "the audit"] {
        assert!(rule(name)(&delivered().0).is_ok_and(|looked| looked > 0), "{name}: {:?}", rule(name)(&delivered().0));
    }
}

#[test]
fn i1_a_lost_order_a_refused_one_that_is_there_and_one_nobody_asked_for_are_caught() {
    broken("I1 no lost", "was accepted and is lost", delivered().without("ordering", "order."));
    let mut refused = delivered();
    refused.0.history[0].heard = Heard::Refused;
    broken("I1 no lost", "was refused and is there", refused);
    let mut unasked = delivered();
    unasked.0.history.clear();
    broken("I1 no lost", "nobody asked for it", unasked);
}

#[test]
fn i1_an_order_that_has_not_ended_is_caught() {
    broken("I1 every", "Confirmed", delivered().without("ordering", "order.completed"));
    broken("I1 every", "Pending", Story::new().placed("placed"));
}

#[test]
fn i3_a_version_that_is_missing_or_twice_and_a_position_that_falls_are_caught() {
    broken("I3", "order/ord_1@3 follows @1", delivered().without("ordering", "order.confirmed"));
    let changed = |change: fn(&mut Vec<bongsu_runtime::ports::store::StoredEvent>)| {
        let mut story = delivered();
        change(&mut story.0.stores.get_mut("ordering").expect("it is there").events);
        story
    };
    broken("I3", "follows", changed(|events| events[2].version = 1));
    broken("I3", "follows", changed(|events| events[2].position = Some(Position(1))));
}

#[test]
fn i4_an_effect_that_is_missing_there_twice_or_without_its_cause_is_caught() {
    let held = || ReservationHeld { lines: lines() };
    let ended = |order: &str| OrderEnded { order: order.into() };
    broken("I4 every", "ord_1 has 0 answers of product", delivered().without("product", "reservation.held"));
    broken("I4 every", "has 2 answers", delivered().did::<Reservation>("product", ORDER, held()));
    broken("I4 every", "ord_2 has 1 answers", delivered().did::<Reservation>("product", OTHER, held()));
    broken("I4 every", "ord_1 has 0 intents", delivered().without("payment", "payment.intended"));
    broken("I4 every", "has 2 intents", delivered().did::<Payments>("payment", ORDER, intended(ORDER)));
    broken("I4 every", "ord_2 has 1 intents", delivered().did::<Payments>("payment", OTHER, intended(OTHER)));
    broken("I4 every", "ord_1 has 0 parcels", delivered().without("delivery", "delivery.prepared"));
    broken("I4 every", "has 2 parcels", delivered().did::<Deliveries>("delivery", ORDER, prepared(ORDER)));
    broken("I4 every", "ord_2 has 1 parcels", delivered().did::<Deliveries>("delivery", OTHER, prepared(OTHER)));
    broken("I4 every", "0 ends heard", delivered().did::<Orders>("ordering", ORDER, cancelled(ORDER)));
    broken("I4 every", "ord_1 has 1 ends heard", delivered().did::<Payments>("payment", ORDER, ended(ORDER)));
    broken("I4 every", "has 2 orders placed", delivered().placed("again"));
    broken("I4 every", "has 2 confirmations", delivered().did::<Orders>("ordering", ORDER, confirmed(ORDER)));
    let unplaced = Story::new().did::<Orders>("ordering", ORDER, confirmed(ORDER)).did::<Deliveries>(
        "delivery",
        ORDER,
        prepared(ORDER),
    );
    broken("I4 every", "was never placed", unplaced);
}

#[test]
fn i7_money_taken_twice_wrongly_or_kept_or_given_back_without_reason_is_caught() {
    let with = |ledger| {
        let mut story = delivered();
        story.0.ledger = ledger;
        story
    };
    broken("I7 money", "was charged 2 times", with(charged(ORDER, 2, PRICE, &[])));
    broken("I7 money", "was charged 1 times, 900", with(charged(ORDER, 1, 900, &[])));
    broken("I7 money", "got back 2000 of 1000", with(charged(ORDER, 1, PRICE, &[PRICE, PRICE])));
    broken("I7 money", "0 of 1000 is kept", with(charged(ORDER, 1, PRICE, &[PRICE])));
    broken("I7 money", "0 of 1000 is kept", with(json!(null)));
    broken("I7 money", "ord_2 of 0 was charged", with(charged(OTHER, 1, PRICE, &[])));
    broken("I7 money", "1000 of 0 is kept", delivered().did::<Orders>("ordering", ORDER, cancelled(ORDER)));
}

#[test]
fn i7_books_that_differ_from_the_providers_are_caught() {
    let refunded = PaymentRefunded { order: ORDER.into(), amount: Money::krw(PRICE), refund: "r".into(), at_ms: 0 };
    broken("I7 our", "our books say (1000, 1000)", delivered().did::<Payments>("payment", ORDER, refunded));
    broken("I7 our", "the answer is not recorded", delivered().without("payment", "payment.captured"));
    let mut unknown = delivered();
    unknown.0.ledger["captures"][0]["order"] = OTHER.into();
    broken("I7 our", "our books say (1000, 0), the provider's (0, 0)", unknown);
    let mut strange = delivered().without("payment", "payment.");
    strange.0.ledger = charged(ORDER, 1, PRICE, &[]);
    broken("I7 our", "payment knows nothing of it", strange);
}

#[test]
fn i8_stock_that_was_never_there_is_taken_twice_or_kept_is_caught() {
    let released = || StockReleased { order: ORDER.into(), quantity: 1 };
    let reserved = |quantity| StockReserved { order: OTHER.into(), quantity };
    let stock = |story: Story, event: StockReserved| story.did::<Stock>("product", "TV", event);
    broken("I8 stock", "-1 reserved", delivered().did::<Stock>("product", "TV", released()));
    broken("I8 stock", "5 reserved", stock(delivered(), reserved(5)));
    broken("I8 stock", "its reservations hold 0", stock(delivered(), reserved(1)));
    let holds = ReservationHeld { lines: vec![Line { sku: "AIR".into(), quantity: 1 }] };
    broken("I8 stock", "hold 1 of AIR", delivered().did::<Reservation>("product", OTHER, holds));
}

#[test]
fn i8_a_reservation_that_does_not_end_as_its_order_or_has_none_is_caught() {
    let open = delivered().without("product", "reservation.committed");
    broken("I8 res", "is Completed, its reservation is Held", open);
    let back = ReservationReleased { lines: lines() };
    broken("I8 res", "is Completed, its reservation is Ended", delivered().did::<Reservation>("product", ORDER, back));
    let late = delivered().did::<Orders>("ordering", ORDER, cancelled(ORDER));
    broken("I8 res", "its reservation is Committed", late);
    let strange = delivered().did::<Reservation>("product", OTHER, ReservationReleased { lines: lines() });
    broken("I8 res", "ord_2 has a reservation and was never placed", strange);
}

#[test]
fn i9_a_process_without_end_and_anything_left_to_do_are_caught() {
    let going = delivered().step("ordering", "checkout/ord_2", json!({ "input": { "heard": 1 }, "effects": [] }));
    broken("I9 every", "checkout/ord_2 goes on for ever", going);
    let late = delivered().step("ordering", "checkout/ord_1", json!({ "input": { "heard": 2 }, "effects": [] }));
    assert_eq!(rule("I9 every")(&late.0), Ok(3), "an input after the end changes nothing");
    let left = delivered().doc("ordering", "todo", "timer/checkout/ord_1/deadline", json!({ "due_ms": 1 }));
    broken("I9 no", "ordering is left with timer/checkout/ord_1/deadline", left);
}

#[test]
fn i9_an_event_whose_process_has_not_begun_with_it_is_caught() {
    for (context, event, process) in [
        ("ordering", "order.placed", "checkout"),
        ("ordering", "order.confirmed", "fulfilment"),
        ("delivery", "delivery.prepared", "courier"),
    ] {
        let mut never = delivered();
        never.dump(context).events.retain(|event| event.stream != format!("{process}/{ORDER}"));
        broken("I9 processes", &format!("{event} has begun no {process}"), never);
        let mut later = delivered();
        let step = later.dump(context).events.iter_mut().find(|event| event.stream == format!("{process}/{ORDER}"));
        step.expect("it is there").commit = CommitId(99);
        broken("I9 processes", &format!("{event} has begun no {process}"), later);
    }
}

#[test]
fn i10_a_row_that_is_missing_too_much_wrong_or_anothers_is_caught() {
    broken("I10", "ord_1 has no row", delivered().without_row(ORDER));
    broken("I10", "MyPage shows ord_2", delivered().row(OTHER, shown()));
    for part in ["ordering", "stock", "payment", "delivery"] {
        let mut row = shown();
        row[part] = if part == "ordering" { json!("pending") } else { json!(null) };
        broken("I10", "the contexts hold", delivered().without_row(ORDER).row(ORDER, row));
    }
    let mut others = shown();
    others["placed"]["customer"] = "bob".into();
    broken("I10", "ord_1 belongs to", delivered().without_row(ORDER).row(ORDER, others));
}

#[test]
fn an_audit_that_has_not_heard_of_an_order_finds_it_wrong_or_has_made_it_up_is_caught() {
    let found = OrderFoundInconsistent { order: ORDER.into(), findings: Vec::new(), since_ms: 0, at_ms: 1 };
    let taken_up = OrderTakenUp { order: OTHER.into(), at_ms: 0 };
    broken("the audit", "never heard of ord_1", delivered().without("audit", ""));
    broken("the audit", "Wrong", delivered().did::<Inspections>("audit", ORDER, found));
    broken("the audit", "ord_2, which was never placed", delivered().did::<Inspections>("audit", OTHER, taken_up));
}

#[test]
fn no_rule_passes_on_nothing() {
    for rule in rules::ALL.iter().chain([&rules::AUDITED]) {
        let judged = rules::judge(std::slice::from_ref(rule), &Story::new().0);
        says(judged, "looked at nothing");
    }
}
