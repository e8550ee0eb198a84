//! The price list.

use bongsu_given::rows;
use money::Money;
use ordering_domain::{
    heard::{ProductChanged, ProductRegistered, ProductRetired},
    price_list::{Offer, PastPrice, PriceFact, PriceList},
};

fn registered(price: i64) -> PriceFact {
    ProductRegistered { sku: "TV".into(), name: "TV".into(), price: Money::krw(price), at_ms: 0 }.into()
}

fn changed(price: i64, at_ms: i64) -> PriceFact {
    ProductChanged { sku: "TV".into(), name: "TV".into(), price: Money::krw(price), at_ms }.into()
}

fn list(facts: Vec<PriceFact>) -> Offer {
    rows::<PriceList>(&[facts])["TV"].clone()
}

fn past(price: i64, until_ms: i64) -> PastPrice {
    PastPrice { price: Money::krw(price), until_ms }
}

#[test]
fn a_new_product_has_one_price() {
    let offer = list(vec![registered(10)]);
    assert_eq!((offer.price, offer.past, offer.retired), (Money::krw(10), vec![], false));
}

#[test]
fn every_price_of_the_last_minute_is_remembered() {
    let offer = list(vec![registered(10), changed(20, 100_000), changed(30, 130_000)]);
    assert_eq!((offer.price, offer.past), (Money::krw(30), vec![past(10, 100_000), past(20, 130_000)]));
}

#[test]
fn a_price_that_ended_longer_ago_is_forgotten() {
    let offer = list(vec![registered(10), changed(20, 100_000), changed(30, 160_001)]);
    assert_eq!(offer.past, vec![past(20, 160_001)]);
}

#[test]
fn a_new_name_does_not_end_a_price() {
    let offer = list(vec![registered(10), changed(10, 100_000)]);
    assert_eq!((offer.price, offer.past), (Money::krw(10), vec![]));
}

#[test]
fn a_retired_product_is_not_sold_until_it_is_registered_again() {
    let retired = || ProductRetired { sku: "TV".into() }.into();
    assert!(list(vec![registered(10), retired()]).retired);
    assert!(!list(vec![registered(10), retired(), registered(10)]).retired);
}

#[test]
fn products_do_not_touch_each_other() {
    let mask = ProductRegistered { sku: "MASK".into(), name: "MASK".into(), price: Money::krw(7), at_ms: 0 };
    let list = rows::<PriceList>(&[vec![registered(10), changed(20, 5)], vec![mask.into()]]);
    assert_eq!((list["TV"].price, list["MASK"].price), (Money::krw(20), Money::krw(7)));
}
