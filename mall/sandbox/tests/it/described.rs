//! The API is what its description says: each operation is asked for each of its answers.

use std::{collections::BTreeSet, path::Path};

use bongsu_testing::given::contract::described;
use sandbox::{
    api::{self, Reply},
    describe::description,
    provider::Provider,
};
use serde_json::{Value, json};

#[test]
fn the_api_is_described_as_it_is_served() {
    described(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/contracts")), &description());
}

/// Asks, and finds the answer in the description; (operation, status).
fn ask(provider: &mut Provider, method: &str, path: &str, body: &Value) -> (String, u16) {
    let answer = api::answer(provider, method, path, body.to_string().as_bytes(), 0);
    answer.entries.iter().for_each(|entry| provider.apply(entry));
    provider.settle(0).iter().for_each(|entry| provider.apply(entry));
    let (status, said) = match answer.reply {
        Reply::Now(status, body) => (status, body),
        Reply::Settled(key) => api::outcome(provider, &key),
    };
    let described = description();
    let path = if path.starts_with("/captures/") { "/captures/{key}" } else { path };
    let operation = &described["paths"][path][method.to_lowercase()];
    let content = &operation["responses"][status.to_string()]["content"]["application/json"]["schema"];
    assert!(!content.is_null(), "{method} {path} answers {status}, which is not described");
    fits(&described, content, &said);
    (operation["operationId"].as_str().unwrap_or_default().to_owned(), status)
}

/// What is said has the described fields and no others.
#[track_caller]
fn fits(described: &Value, schema: &Value, said: &Value) {
    let schema = match schema["$ref"].as_str() {
        Some(name) => &described["components"]["schemas"][name.rsplit('/').next().unwrap_or_default()],
        None => schema,
    };
    if let Some(items) = schema.get("items") {
        said.as_array().into_iter().flatten().for_each(|item| fits(described, items, item));
    }
    let Some(fields) = schema["properties"].as_object() else { return };
    let said = said.as_object().expect("an object");
    for (name, value) in said {
        assert!(fields.contains_key(name), "{name} is not described");
        fits(described, &fields[name], value);
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        assert!(said.contains_key(name), "{name} is not there");
    }
}

#[test]
fn every_answer_is_described_and_every_described_answer_is_given() {
    let mut provider = Provider::default();
    let charge = |key: &str| json!({ "key": key, "order": "o1", "amount": { "minor": 5, "currency": "KRW" } });
    let refund = |key: &str, capture: &str| json!({ "key": key, "capture": capture });
    let (nothing, bad) = (Value::Null, json!({ "what": 1 }));
    let asked = [
        ("POST", "/captures", charge("k/1")),
        ("GET", "/captures/k/1", nothing.clone()),
        ("GET", "/captures/k2", nothing.clone()),
        ("POST", "/captures", bad.clone()),
        ("POST", "/refunds", refund("r1", "cap_1")),
        ("POST", "/refunds", refund("r2", "cap_1")),
        ("POST", "/refunds", refund("r3", "cap_9")),
        ("POST", "/refunds", bad.clone()),
        ("PUT", "/behaviour", bad),
        ("PUT", "/behaviour", json!({ "mode": "decline" })),
        ("POST", "/captures", charge("k3")),
        ("PUT", "/behaviour", json!({ "mode": "slow", "delay_ms": 9 })),
        ("POST", "/captures", charge("k4")),
        ("GET", "/captures/k4", nothing.clone()),
        ("GET", "/ledger", nothing.clone()),
        ("PUT", "/behaviour", json!({ "mode": "down", "delay_ms": 0 })),
        ("GET", "/behaviour", nothing.clone()),
        ("POST", "/captures", charge("k5")),
        ("POST", "/refunds", refund("r5", "cap_1")),
        ("GET", "/captures/k1", nothing),
    ];
    let mut given = BTreeSet::new();
    for (method, path, body) in &asked {
        given.insert(ask(&mut provider, method, path, body));
    }
    let mut promised = BTreeSet::new();
    let described = description();
    for item in described["paths"].as_object().into_iter().flatten().flat_map(|(_, item)| item.as_object()) {
        for operation in item.values() {
            let statuses = operation["responses"].as_object().into_iter().flatten();
            let id = operation["operationId"].as_str().unwrap_or_default();
            promised.extend(statuses.map(|(status, _)| (id.to_owned(), status.parse::<u16>().unwrap_or_default())));
        }
    }
    // Of the server, not of the books: a body that is too large, and a ledger that cannot be written.
    let server = |(id, status): &(String, u16)| *status == 413 || (id == "changeBehaviour" && *status == 503);
    promised.retain(|answer| !server(answer));
    assert_eq!(given, promised);
}
