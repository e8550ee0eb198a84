//! Where all agree nothing is found, whatever is heard first; and every rule, broken.

use std::collections::BTreeSet;

use audit::{
    heard::*,
    rules::{self, findings},
};
use bongsu_testing::given::each_interleaving;
use money::Money;

use crate::words::*;

#[test]
fn every_ending_of_an_order_breaks_no_rule() {
    for (ending, contexts) in agreements() {
        assert_eq!(findings(&told(contexts.concat().iter())), [], "{ending}");
    }
}

#[test]
fn every_interleaving_ends_in_the_same_books() {
    for (ending, contexts) in agreements() {
        let expected = told(contexts.concat().iter());
        each_interleaving(&contexts, |run| assert_eq!(told(run.iter().copied()), expected, "{ending}: {run:?}"));
    }
}

#[test]
fn two_lines_of_one_product_count_together() {
    let one = Line { sku: "TV".into(), quantity: 1 };
    let held = |lines| [placed(), StockReserved { order: id(), lines }.into()];
    assert_eq!(broken(&held(two_tvs())), Vec::<String>::new());
    assert_eq!(broken(&held(vec![one.clone(), one.clone()])), Vec::<String>::new());
    assert_eq!(broken(&held(vec![one])), ["other-pieces-held"]);
}

#[test]
fn somebody_is_awaited_until_the_order_is_over_or_on_its_way() {
    let awaited = |facts: &[OrderFact]| told(facts).awaited_by_ms();
    assert_eq!(awaited(&[reserved()]), None, "nobody knows by when");
    assert_eq!(awaited(&[placed()]), Some(EXPIRES_AT_MS));
    assert_eq!(awaited(&[placed(), confirmed()]), Some(EXPIRES_AT_MS));
    assert_eq!(awaited(&[placed(), confirmed(), prepared()]), None);
    for end in [rejected(), cancelled(), completed()] {
        assert_eq!(awaited(&[placed(), end]), None);
    }
}

/// A false or missing fact: what it is, the facts, the rules broken.
type Case = (&'static str, Vec<OrderFact>, Vec<&'static str>);

/// These facts of an order that was placed.
fn order<const N: usize>(facts: [OrderFact; N]) -> Vec<OrderFact> {
    [vec![placed()], facts.to_vec()].concat()
}

fn cases() -> Vec<Case> {
    [orders(), stock(), stock_that_moves(), charges(), refunds(), parcels(), ends_of_parcels()].concat()
}

fn orders() -> Vec<Case> {
    let rejected_later = [reserved(), captured(), confirmed(), prepared(), rejected(), released(), refunded()];
    let never_stood = delivered_without(&[confirmed()]);
    vec![
        ("nobody placed it", vec![reserved()], vec!["never-placed"]),
        ("ordering forgot it", vec![rejected()], vec!["never-placed"]),
        ("rejected twice", order([rejected(), rejected()]), vec!["ended-in-contradiction"]),
        ("rejected though it stood", order(rejected_later), vec!["ended-in-contradiction"]),
        ("completed though it never stood", never_stood, vec!["ended-in-contradiction", "parcel-unconfirmed"]),
    ]
}

fn three_tvs() -> Vec<Line> {
    vec![Line { sku: "TV".into(), quantity: 3 }]
}

fn stock() -> Vec<Case> {
    let three_held = StockReserved { order: id(), lines: three_tvs() }.into();
    vec![
        ("confirmed without stock", order([captured(), confirmed()]), vec!["confirmed-without-stock"]),
        ("more is held than was ordered", order([three_held]), vec!["other-pieces-held"]),
        ("rejected, and the stock is kept", order([rejected(), reserved()]), vec!["stock-kept"]),
        ("cancelled, and the stock is kept", order([cancelled(), reserved()]), vec!["stock-kept"]),
        ("completed, and still held", delivered_without(&[committed()]), vec!["stock-not-as-completed"]),
        ("held and refused", order([reserved(), out_of_stock()]), vec!["stock-in-contradiction"]),
    ]
}

fn stock_that_moves() -> Vec<Case> {
    let three_released = StockReleased { order: id(), lines: three_tvs() }.into();
    let both = vec!["stock-given-back-early", "stock-in-contradiction"];
    vec![
        ("more comes back than was held", order([rejected(), reserved(), three_released]), vec!["other-pieces-moved"]),
        ("phantom stock is given back", order([rejected(), released()]), vec!["other-pieces-moved"]),
        ("given back while it stands", order([reserved(), released()]), vec!["stock-given-back-early"]),
        ("gone while it stands", order([reserved(), committed()]), vec!["stock-not-as-completed"]),
        ("gone, and given back", delivered_and(released()), both),
    ]
}

fn dear() -> Money {
    Money::krw(90_000)
}

fn charges() -> Vec<Case> {
    let too_much = PaymentCaptured { order: id(), amount: dear() }.into();
    vec![
        ("confirmed without money", order([reserved(), confirmed()]), vec!["confirmed-without-money"]),
        ("charged more than it costs", order([too_much]), vec!["charged-otherwise"]),
        ("charged twice", delivered_and(captured()), vec!["charged-otherwise"]),
        ("declined and charged", order([declined(), captured()]), vec!["charge-in-contradiction"]),
    ]
}

fn refunds() -> Vec<Case> {
    let too_much = PaymentRefunded { order: id(), amount: dear() }.into();
    let twice = [rejected(), captured(), refunded(), refunded()];
    vec![
        ("rejected, and the money is kept", order([rejected(), captured()]), vec!["money-kept"]),
        ("cancelled, and the money is kept", order([cancelled(), captured()]), vec!["money-kept"]),
        ("delivered, and refunded", delivered_and(refunded()), vec!["refunded-early"]),
        ("refunded while it stands", order([captured(), refunded()]), vec!["refunded-early"]),
        ("refunded without a charge", order([rejected(), refunded()]), vec!["refunded-otherwise"]),
        ("refunded twice", order(twice), vec!["refunded-otherwise"]),
        ("refunded more", order([rejected(), captured(), too_much]), vec!["refunded-otherwise"]),
    ]
}

fn parcels() -> Vec<Case> {
    vec![
        ("packed and never confirmed", order([prepared()]), vec!["parcel-unconfirmed"]),
        ("arrived without ever leaving", delivered_without(&[departed()]), vec!["parcel-in-contradiction"]),
        ("left without being packed", delivered_without(&[prepared()]), vec!["parcel-in-contradiction"]),
    ]
}

fn ends_of_parcels() -> Vec<Case> {
    let never_completed = delivered_without(&[completed(), committed()]);
    let kept = [reserved(), captured(), confirmed(), prepared(), kept_back()];
    let on_its_way = [reserved(), captured(), confirmed(), prepared(), departed(), cancelled(), released(), refunded()];
    let both = vec!["not-called-off-together", "parcel-in-contradiction"];
    vec![
        ("completed, never delivered", delivered_without(&[delivered()]), vec!["not-completed-as-delivered"]),
        ("delivered and never completed", never_completed, vec!["not-completed-as-delivered"]),
        ("kept back, and the order stands", order(kept), vec!["not-called-off-together"]),
        ("cancelled, and on its way", order(on_its_way), vec!["not-called-off-together"]),
        ("arrived and failed", delivered_and(failed()), both),
    ]
}

#[test]
fn what_cannot_all_be_true_is_found_and_nothing_else() {
    for (case, facts, rules) in cases() {
        assert_eq!(broken(&facts), rules, "{case}");
    }
}

#[test]
fn silence_is_wrong_only_when_its_time_is_over() {
    let late = |facts: &[OrderFact]| {
        let mut books = told(facts);
        assert_eq!(findings(&books), [], "in time");
        books.overdue = true;
        names(findings(&books))
    };
    assert_eq!(late(&[placed(), reserved(), captured()]), ["undecided"]);
    assert_eq!(late(&[placed(), reserved(), captured(), confirmed()]), ["not-packed"]);
    assert_eq!(late(&[placed(), reserved(), captured(), confirmed(), prepared()]), Vec::<String>::new());
    assert_eq!(late(&[placed(), rejected()]), Vec::<String>::new());
}

#[test]
fn every_rule_has_a_case_and_says_who_disagrees() {
    let mut broken = BTreeSet::from(["undecided", "not-packed"]);
    for (case, facts, rules) in cases() {
        broken.extend(rules);
        for finding in findings(&told(&facts)) {
            assert!(!finding.contexts.is_empty() && !finding.detail.is_empty(), "{case}: {finding:?}");
        }
    }
    assert_eq!(broken.len(), rules::ALL.len(), "{broken:?}");
}

#[test]
fn an_order_nobody_placed_names_whoever_spoke_of_it() {
    let findings = findings(&told(&[captured(), prepared()]));
    assert_eq!(findings[0].rule, "never-placed");
    assert_eq!(findings[0].contexts, ["ordering", "payment", "delivery"]);
}
