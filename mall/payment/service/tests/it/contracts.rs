//! What payment tells fits its contracts; what it hears parses every sample of the others.

use std::path::Path;

use bongsu_core::{Wire, wire};
use bongsu_testing::given::contract::{described, heard, published};
use money::Money;
use payment_domain::{events, payment::PaymentState};
use payment_service::{
    facts::{self, of_payment},
    policies::follow_orders::OrderFact,
    service,
    settings::Settings,
};

wire! {
    enum Fact {
        Captured(facts::PaymentCaptured),
        Declined(facts::PaymentDeclined),
        Refunded(facts::PaymentRefunded),
    }
}

fn contexts() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn what_is_told_is_as_the_contracts_say() {
    let (order, amount) = (|| "o1".to_owned(), Money::krw(20_000));
    let events = [
        events::PaymentCaptured { order: order(), amount, capture: "cap_1".into(), at_ms: 1 }.into(),
        events::PaymentDeclined { order: order(), reason: "insufficient-funds".into(), at_ms: 1 }.into(),
        events::PaymentRefunded { order: order(), amount, refund: "ref_1".into(), at_ms: 1 }.into(),
    ];
    let told = events.iter().map(|event| {
        let public = of_payment("o1", event, &PaymentState::default()).expect("what the provider did is told");
        assert_eq!(public.key, "o1", "facts of an order's life are keyed by order");
        Fact::decode(public.name, public.schema, &public.data).expect("it was just encoded").expect("a known fact")
    });
    published(&contexts().join("payment/contracts"), &told.collect::<Vec<_>>());
}

#[test]
fn what_payment_only_remembers_is_not_told() {
    let remembered = [
        events::StockHeld { order: "o1".into() }.into(),
        events::OrderEnded { order: "o1".into() }.into(),
        events::CaptureForgone { order: "o1".into() }.into(),
        events::RefundRequested { order: "o1".into(), capture: "cap_1".into() }.into(),
    ];
    for event in remembered {
        assert_eq!(of_payment("o1", &event, &PaymentState::default()), None, "{event:?}");
    }
}

#[test]
fn what_is_heard_parses_every_sample() {
    let service = service(&Settings::default());
    let arrows = service.hears();
    let facts: Vec<&str> = arrows.iter().map(|(fact, _)| fact.as_str()).collect();
    heard::<OrderFact>(contexts(), &facts);
}

#[test]
fn the_api_is_described_as_it_is_served() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts");
    described(Path::new(folder), &payment_service::api::api().description());
}
