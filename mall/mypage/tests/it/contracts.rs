//! What MyPage hears parses every sample of the others.

use std::path::Path;

use bongsu_testing::given::contract::{described, heard};
use mypage::{heard::OrderFact, service};

#[test]
fn what_is_heard_parses_every_sample() {
    let service = service();
    let arrows = service.hears();
    let facts: Vec<&str> = arrows.iter().map(|(fact, _)| fact.as_str()).collect();
    assert_eq!(facts.len(), 19, "every fact of an order's life is heard");
    heard::<OrderFact>(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")), &facts);
}

#[test]
fn the_api_is_described_as_it_is_served() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts");
    described(Path::new(folder), &mypage::api::api().description());
}
