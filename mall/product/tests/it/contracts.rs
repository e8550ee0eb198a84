//! What product tells fits its contracts; what it hears parses every sample of the others.

use std::path::Path;

use bongsu_core::{Messages, Public, Wire};
use bongsu_testing::given::contract::{described, heard, published};
use money::Money;
use product::{
    facts::{self, of_product, of_reservation, of_stock},
    policies::follow_orders::OrderFact,
    service,
};
use product_domain::{
    events::{self, Line, Shortage},
    reservation::ReservationState,
    stock::StockState,
};

#[derive(Clone, Debug, PartialEq, Messages)]
enum Fact {
    Registered(facts::ProductRegistered),
    Changed(facts::ProductChanged),
    Retired(facts::ProductRetired),
    Received(facts::StockReceived),
    Reserved(facts::StockReserved),
    Rejected(facts::StockRejected),
    Released(facts::StockReleased),
    Committed(facts::StockCommitted),
}

fn contexts() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn decoded(public: Public) -> Fact {
    Fact::decode(public.name, public.schema, &public.data).expect("it was just encoded").expect("a known fact")
}

fn of_products() -> Vec<Public> {
    let (sku, name, price) = (|| "TV".to_owned(), || "TV".to_owned(), Money::krw(10_000));
    let events = [
        events::ProductRegistered { sku: sku(), name: name(), price, at_ms: 1 }.into(),
        events::ProductChanged { sku: sku(), name: name(), price, at_ms: 1 }.into(),
        events::ProductRetired { sku: sku(), at_ms: 1 }.into(),
    ];
    events.iter().filter_map(|event| of_product("TV", event, &None)).collect()
}

fn of_reservations() -> Vec<Public> {
    let lines = || vec![Line { sku: "TV".into(), quantity: 2 }];
    let short = vec![Shortage { sku: "TV".into(), asked: 100, available: 10 }];
    let events = [
        events::ReservationHeld { lines: lines() }.into(),
        events::ReservationRejected { short }.into(),
        events::ReservationReleased { lines: lines() }.into(),
        events::ReservationCommitted { lines: lines() }.into(),
    ];
    events.iter().filter_map(|event| of_reservation("o1", event, &ReservationState::Unknown)).collect()
}

#[test]
fn what_is_told_is_as_the_contracts_say() {
    let received = events::StockReceived { quantity: 10 }.into();
    let received = of_stock("TV", &received, &StockState { on_hand: 10, reserved: 0 });
    let (of_products, of_reservations) = (of_products(), of_reservations());
    assert!(of_products.iter().chain(&received).all(|fact| fact.key == "TV"), "products are keyed by sku");
    assert!(of_reservations.iter().all(|fact| fact.key == "o1"), "an order's life is keyed by order");
    let told = of_products.into_iter().chain(received).chain(of_reservations).map(decoded);
    published(&contexts().join("product/contracts"), &told.collect::<Vec<_>>());
}

#[test]
fn what_only_product_needs_to_know_is_not_told() {
    let stock = StockState { on_hand: 10, reserved: 2 };
    let reserved = events::StockReserved { order: "o1".into(), quantity: 2 }.into();
    assert_eq!(of_stock("TV", &reserved, &stock), None);
    let closed = events::ReservationClosed {}.into();
    assert_eq!(of_reservation("o1", &closed, &ReservationState::Ended), None);
}

#[test]
fn what_is_heard_parses_every_sample() {
    let service = service();
    let arrows = service.hears();
    let facts: Vec<&str> = arrows.iter().map(|(fact, _)| fact.as_str()).collect();
    heard::<OrderFact>(contexts(), &facts);
}

#[test]
fn the_api_is_described_as_it_is_served() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts");
    described(Path::new(folder), &product::api::api().description());
}
