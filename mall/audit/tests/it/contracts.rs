//! What the audit tells fits its contracts, what it hears parses every sample of the others, and what it stored once can be
//! read for ever.

use std::path::Path;

use audit::{
    OrderConsistent, OrderInconsistent, OrderWatched, Settings, api, heard::OrderFact, inspection::*, service, told,
    views::Heard,
};
use bongsu_core::{Messages, Wire};
use bongsu_testing::given::contract::{described, golden, heard, published};

use crate::watching::*;

#[derive(Clone, Debug, PartialEq, Messages)]
enum Fact {
    Watched(OrderWatched),
    Inconsistent(OrderInconsistent),
    Consistent(OrderConsistent),
}

fn contexts() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn what_is_told_is_as_the_contracts_say() {
    let facts = [taken_up(), found(kept(), 6_500), agreed()].map(|event| {
        let public = told("o1", &event, &InspectionState::default()).expect("every event is told");
        assert_eq!(public.key, "o1", "facts of an order's life are keyed by order");
        Fact::decode(public.name, public.schema, &public.data).expect("it was just encoded").expect("a known fact")
    });
    published(&contexts().join("audit/contracts"), &facts);
}

#[test]
fn what_is_heard_parses_every_sample() {
    let service = service(&Settings::default());
    let arrows = service.hears();
    let by = |who: &str| arrows.iter().filter(|(_, it)| *it == who).map(|(fact, _)| fact.as_str()).collect::<Vec<_>>();
    assert_eq!(by("watch").len(), OrderFact::names().len());
    heard::<OrderFact>(contexts(), &by("watch"));
    heard::<Heard>(contexts(), &["audit.order-inconsistent.v1", "audit.order-consistent.v1"]);
    heard::<OrderWatched>(contexts(), &["audit.order-watched.v1"]);
}

#[test]
fn the_api_is_described_as_it_is_served() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts");
    described(Path::new(folder), &api::api().description());
}

#[test]
fn every_number_that_can_be_set_has_a_range() {
    assert_eq!(bongsu_testing::settings::have_ranges::<Settings>(), 2);
}

#[test]
fn what_was_stored_once_is_read_for_ever() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"));
    golden::<InspectionEvent>(folder, &[taken_up(), found(kept(), 6_500), agreed()]);
    golden::<InspectionCommand>(folder, &[take_up(), report(kept(), 6_500), settle()]);
    golden(folder, &[InspectionRejection::AlreadyTakenUp]);
}
