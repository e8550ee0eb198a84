//! Where all agree nothing is found, whatever is heard first.

use audit_domain::{heard::*, rules};
use bongsu_given::each_interleaving;

use crate::words::*;

#[test]
fn every_ending_of_an_order_breaks_no_rule() {
    for (ending, contexts) in agreements() {
        assert_eq!(rules::findings(&told(contexts.concat().iter())), [], "{ending}");
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
