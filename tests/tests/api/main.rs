//! The mall's API as a stranger sees it: one description at the gateway, and a program that believes every word of it
//! and tries everything it allows and forbids.

mod guide;
mod matrix;
mod readme;
mod schemathesis;

use serde_json::Value;
use system_tests::{
    harness::{Mall, system::System},
    mall::CONTEXTS,
};

/// Services that describe themselves, by name. The sandbox stands for the outside world and does not, and the shell has no API.
fn described() -> Vec<&'static str> {
    let mut contexts = CONTEXTS.to_vec();
    contexts.push("identity");
    contexts.sort_unstable();
    contexts
}

fn tags(described: &Value) -> Vec<&str> {
    described["tags"].as_array().into_iter().flatten().filter_map(|tag| tag["name"].as_str()).collect()
}

fn missing(described: &Value) -> Vec<&str> {
    let missing = described["x-bongsu-missing"].as_array().into_iter().flatten();
    missing.filter_map(|missing| missing["service"].as_str()).collect()
}

#[test]
fn the_gateway_describes_every_service_and_says_which_it_could_not_ask() {
    let mall = Mall::start(System::of_the_mall());
    let all = mall.get("/openapi.json").expect(200).json();
    assert_eq!((tags(&all), missing(&all)), (described(), vec!["sandbox", "shell"]));
    for path in [
        "/orders/{id}/events",
        "/identity/persons/{person}",
        "/products/{sku}",
        "/stock/{sku}/receipts",
        "/deliveries",
        "/mypage/orders",
        "/bff/web/orders/{id}",
    ] {
        assert!(all["paths"][path].is_object(), "{path}");
    }
    mall.stop("payment");
    let rest = mall.get("/openapi.json").expect(200).json();
    assert_eq!(missing(&rest), ["payment", "sandbox", "shell"]);
    assert!(rest["paths"].get("/payments").is_none() && rest["paths"]["/orders"].is_object());
    assert_eq!(mall.ask("POST", "/openapi.json", None, None).expect("an answer").status, 405);
}
