//! What delivery tells fits its contracts; what it hears parses every sample of the others and has something done.

use std::path::Path;

use bongsu_core::{Messages, Wire};
use bongsu_testing::given::{
    contract::{described, heard, published},
    policy,
};
use delivery::{
    CancellationRequested, Cancelled, Completed, Departed, Failed, Heard, OrderConfirmed, Prepared, Settings, api,
    delivery::*, follow_orders, service, told,
};

#[derive(Clone, Debug, PartialEq, Messages)]
enum Fact {
    Prepared(Prepared),
    Departed(Departed),
    Completed(Completed),
    Failed(Failed),
    Cancelled(Cancelled),
}

fn contexts() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn every_event_is_told_as_the_contracts_say() {
    let order = || "o1".to_owned();
    let items = vec![Item { sku: "TV".into(), name: "TV".into(), quantity: 2 }];
    let events = [
        DeliveryPrepared { order: order(), address: "Seoul".into(), items, at_ms: 1 }.into(),
        DeliveryDeparted { order: order(), at_ms: 1 }.into(),
        DeliveryCompleted { order: order(), at_ms: 1 }.into(),
        DeliveryFailed { order: order(), why: "lost".into(), at_ms: 1 }.into(),
        DeliveryCancelled { order: order(), at_ms: 1 }.into(),
    ];
    let facts = events.iter().map(|event| {
        let public = told("o1", event, &DeliveryState::default()).expect("every event is told");
        assert_eq!(public.key, "o1", "facts of an order's life are keyed by order");
        Fact::decode(public.name, public.schema, &public.data).expect("it was just encoded").expect("a known fact")
    });
    published(&contexts().join("delivery/contracts"), &facts.collect::<Vec<_>>());
}

#[test]
fn what_is_heard_parses_every_sample() {
    let service = service(&Settings::default());
    let arrows = service.hears();
    let by = |consumer: &str| -> Vec<&str> {
        arrows.iter().filter(|(_, name)| *name == consumer).map(|(fact, _)| fact.as_str()).collect()
    };
    heard::<Heard>(contexts(), &by("follow-orders"));
    assert_eq!(by("courier"), [""; 0], "a courier hears only its own context");
}

#[test]
fn the_api_is_described_as_it_is_served() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts");
    described(Path::new(folder), &api::api().description());
}

#[test]
fn a_confirmed_order_is_packed() {
    let items = || vec![Item { sku: "TV".into(), name: "TV".into(), quantity: 2 }];
    let address = || "Seoul".to_owned();
    policy(follow_orders, OrderConfirmed { order: "o1".into(), lines: items(), address: address() })
        .then([PrepareDelivery { order: "o1".into(), address: address(), items: items() }.into()]);
}

#[test]
fn an_order_the_customer_wants_back_is_kept_back() {
    policy(follow_orders, CancellationRequested { order: "o1".into() })
        .then([CancelDelivery { order: "o1".into() }.into()]);
}

#[test]
fn every_number_that_can_be_set_has_a_range() {
    assert_eq!(bongsu_testing::settings::have_ranges::<Settings>(), 2);
}
