//! What the audit tells fits its contracts; what it hears parses every sample of the others.

use std::path::Path;

use audit_domain::{events, heard::OrderFact, inspection::InspectionState, rules::Finding};
use audit_service::{
    facts::{self, of_inspection},
    projections::disagreements::Heard,
    service,
    settings::Settings,
};
use bongsu_core::{Messages, Wire};
use bongsu_testing::given::contract::{described, heard, published};

#[derive(Clone, Debug, PartialEq, Messages)]
enum Fact {
    Watched(facts::OrderWatched),
    Inconsistent(facts::OrderInconsistent),
    Consistent(facts::OrderConsistent),
}

fn contexts() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn what_is_told_is_as_the_contracts_say() {
    let order = || "o1".to_owned();
    let finding =
        Finding { rule: "money-kept".into(), contexts: vec!["ordering".into()], detail: "not given back".into() };
    let events = [
        events::OrderTakenUp { order: order(), at_ms: 1 }.into(),
        events::OrderFoundInconsistent { order: order(), findings: vec![finding], since_ms: 1, at_ms: 2 }.into(),
        events::OrderFoundConsistent { order: order(), since_ms: 1, at_ms: 3 }.into(),
    ];
    let told = events.iter().map(|event| {
        let public = of_inspection("o1", event, &InspectionState::default()).expect("every event is told");
        assert_eq!(public.key, "o1", "facts of an order's life are keyed by order");
        Fact::decode(public.name, public.schema, &public.data).expect("it was just encoded").expect("a known fact")
    });
    published(&contexts().join("audit/contracts"), &told.collect::<Vec<_>>());
}

#[test]
fn what_is_heard_parses_every_sample() {
    let service = service(&Settings::default());
    let arrows = service.hears();
    let by = |who: &str| arrows.iter().filter(|(_, it)| *it == who).map(|(fact, _)| fact.as_str()).collect::<Vec<_>>();
    assert_eq!(by("watch").len(), OrderFact::names().len());
    heard::<OrderFact>(contexts(), &by("watch"));
    heard::<Heard>(contexts(), &["audit.order-inconsistent.v1", "audit.order-consistent.v1"]);
    heard::<facts::OrderWatched>(contexts(), &["audit.order-watched.v1"]);
}

#[test]
fn the_api_is_described_as_it_is_served() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts");
    described(Path::new(folder), &audit_service::api::api().description());
}
