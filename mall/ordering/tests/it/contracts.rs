//! What ordering tells fits its contracts; what it hears parses every sample of the others.

use std::path::Path;

use bongsu_core::{Aggregate, Messages, Wire};
use bongsu_testing::given::contract::{described, heard, published};
use money::Money;
use ordering::{
    facts::{self, of_order},
    projections::orders_of_customer::OrderFact,
    service,
    settings::Settings,
};
use ordering_domain::{
    checkout::CheckoutHeard,
    events::{self, CancelledWhy, Method, OrderEvent, OrderLine, RejectedWhy, Shortage},
    fulfilment::FulfilmentHeard,
    order::{OrderState, Orders},
    price_list::PriceFact,
};

#[derive(Clone, Debug, PartialEq, Messages)]
enum Fact {
    Placed(facts::OrderPlaced),
    Confirmed(facts::OrderConfirmed),
    Rejected(facts::OrderRejected),
    CancellationRequested(facts::CancellationRequested),
    CancellationRefused(facts::CancellationRefused),
    Cancelled(facts::OrderCancelled),
    Completed(facts::OrderCompleted),
}

fn contexts() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn placed() -> OrderEvent {
    let line = OrderLine { sku: "TV".into(), name: "TV".into(), quantity: 2, price: Money::krw(10_000) };
    events::OrderPlaced {
        order: "o1".into(),
        customer: "ann".into(),
        lines: vec![line],
        amount: Money::krw(20_000),
        method: Method::Card,
        address: "Seoul".into(),
        placed_at_ms: 1,
        expires_at_ms: 2,
    }
    .into()
}

fn everything_that_happens() -> Vec<OrderEvent> {
    let order = || "o1".to_owned();
    let short = vec![Shortage { sku: "TV".into(), asked: 100, available: 10 }];
    let rejected = |why, short| events::OrderRejected { order: order(), why, short, at_ms: 3 }.into();
    let cancelled = |why| events::OrderCancelled { order: order(), why, at_ms: 3 }.into();
    vec![
        placed(),
        events::OrderConfirmed { order: order(), at_ms: 3 }.into(),
        rejected(RejectedWhy::OutOfStock, short),
        rejected(RejectedWhy::PaymentDeclined, vec![]),
        rejected(RejectedWhy::Deadline, vec![]),
        events::CancellationRequested { order: order(), at_ms: 3 }.into(),
        events::CancellationRefused { order: order(), at_ms: 3 }.into(),
        cancelled(CancelledWhy::Customer),
        cancelled(CancelledWhy::DeliveryFailed),
        events::OrderCompleted { order: order(), at_ms: 3 }.into(),
    ]
}

#[test]
fn every_event_is_told_as_the_contracts_say() {
    let mut state = OrderState::default();
    Orders::evolve(&mut state, &placed());
    let told = everything_that_happens().into_iter().map(|event| {
        let public = of_order("o1", &event, &state).expect("every event of an order is told");
        assert_eq!(public.key, "o1", "facts of an order's life are keyed by order");
        Fact::decode(public.name, public.schema, &public.data).expect("it was just encoded").expect("a known fact")
    });
    published(&contexts().join("ordering/contracts"), &told.collect::<Vec<_>>());
}

#[test]
fn what_is_heard_parses_every_sample() {
    let service = service(&Settings::default());
    let arrows = service.hears();
    // A projection's consumer carries the version of its rows behind an `@`.
    let by = |consumer: &str| -> Vec<&str> {
        arrows
            .iter()
            .filter(|(_, name)| name.split('@').next() == Some(consumer))
            .map(|(fact, _)| fact.as_str())
            .collect()
    };
    heard::<CheckoutHeard>(contexts(), &by("checkout"));
    heard::<FulfilmentHeard>(contexts(), &by("fulfilment"));
    heard::<PriceFact>(contexts(), &by("price-list"));
    heard::<OrderFact>(contexts(), &by("orders-of-customer"));
}

#[test]
fn the_api_is_described_as_it_is_served() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts");
    described(Path::new(folder), &ordering::api::api().description());
}
