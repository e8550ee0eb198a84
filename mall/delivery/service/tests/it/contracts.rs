//! What delivery tells fits its contracts; what it hears parses every sample of the others.

use std::path::Path;

use bongsu_core::{Wire, wire};
use bongsu_testing::given::contract::{described, heard, published};
use delivery_domain::{
    delivery::DeliveryState,
    events::{self, Item},
};
use delivery_service::{
    facts::{self, of_delivery},
    policies::follow_orders::OrderFact,
    service,
    settings::Settings,
};

wire! {
    enum Fact {
        Prepared(facts::DeliveryPrepared),
        Departed(facts::DeliveryDeparted),
        Completed(facts::DeliveryCompleted),
        Failed(facts::DeliveryFailed),
        Cancelled(facts::DeliveryCancelled),
    }
}

fn contexts() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn every_event_is_told_as_the_contracts_say() {
    let order = || "o1".to_owned();
    let items = vec![Item { sku: "TV".into(), name: "TV".into(), quantity: 2 }];
    let events = [
        events::DeliveryPrepared { order: order(), address: "Seoul".into(), items, at_ms: 1 }.into(),
        events::DeliveryDeparted { order: order(), at_ms: 1 }.into(),
        events::DeliveryCompleted { order: order(), at_ms: 1 }.into(),
        events::DeliveryFailed { order: order(), why: "lost".into(), at_ms: 1 }.into(),
        events::DeliveryCancelled { order: order(), at_ms: 1 }.into(),
    ];
    let told = events.iter().map(|event| {
        let public = of_delivery("o1", event, &DeliveryState::default()).expect("every event is told");
        assert_eq!(public.key, "o1", "facts of an order's life are keyed by order");
        Fact::decode(public.name, public.schema, &public.data).expect("it was just encoded").expect("a known fact")
    });
    published(&contexts().join("delivery/contracts"), &told.collect::<Vec<_>>());
}

#[test]
fn what_is_heard_parses_every_sample() {
    let service = service(&Settings::default());
    let arrows = service.hears();
    let by = |consumer: &str| -> Vec<&str> {
        arrows.iter().filter(|(_, name)| *name == consumer).map(|(fact, _)| fact.as_str()).collect()
    };
    heard::<OrderFact>(contexts(), &by("follow-orders"));
    assert_eq!(by("courier"), [""; 0], "a courier hears only its own context");
}

#[test]
fn the_api_is_described_as_it_is_served() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts");
    described(Path::new(folder), &delivery_service::api::api().description());
}
