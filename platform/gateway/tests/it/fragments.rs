//! `/web/fragments.json`: whose pages there are, whatever a service says of its own.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::street::{Act, Street};

const MINE: Act = Act::Say("HTTP/1.1 200 OK\r\ncontent-length: 35\r\n\r\n{\"context\":\"door\",\"build\":\"first\" }");

async fn asked(street: &Street) -> Value {
    let answer = street.ask_at("GET", "/web/fragments.json", &[("host", "localhost")]).await;
    assert_eq!((answer.status, answer.headers["cache-control"].as_bytes()), (StatusCode::OK, &b"no-store"[..]));
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test]
async fn everybodys_manifest_is_in_one_answer_and_however_many_ask_each_is_asked_once() {
    let mut street = Street::new(|standard| standard);
    let (door, seen) = street.raw(&[MINE]).await;
    street.route_paths_to(&["/doors/*", "/web/door/*"], vec![door]);
    let whole = json!({ "fragments": [{ "context": "door", "build": "first" }], "missing": [] });
    for _ in 0..5 {
        assert_eq!(asked(&street).await, whole);
    }
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen[0].starts_with("GET /web/door/manifest.json "), "{seen:?}");
}

#[tokio::test]
async fn who_is_away_is_named_beside_what_he_last_said() {
    let mut street = Street::new(|standard| standard);
    let (door, _) = street.raw(&[MINE]).await;
    street.route_paths_to(&["/web/door/*"], vec![door]);
    assert_eq!(asked(&street).await["missing"], json!([]));
    street.table.revision = 1;
    street.route_paths_to(&["/web/door/*", "/doors/*"], vec![]);
    street.tables.send_modify(|table| std::sync::Arc::make_mut(table).revision = 2);
    let whole = asked(&street).await;
    assert_eq!(whole["fragments"][0]["build"], "first");
    assert_eq!(whole["missing"], json!([{ "service": "door", "why": "no instance is ready" }]));
}

#[tokio::test]
async fn garbage_is_one_services_and_nobody_elses() {
    const LIES: &[Act] = &[
        Act::Say("HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{\"context\":\"bell\"}"),
        Act::Say("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n<html"),
        Act::Say("HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n["),
        Act::Say("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
        Act::Say("nonsense"),
        Act::Reset,
        Act::Hang,
    ];
    for lie in LIES {
        let mut street = Street::new(|standard| standard);
        let (door, _) = street.raw(std::slice::from_ref(lie)).await;
        street.route_paths_to(&["/web/door/*"], vec![door]);
        let whole = asked(&street).await;
        assert_eq!(whole["fragments"], json!([]));
        assert_eq!(whole["missing"][0]["service"], "door", "{whole}");
    }
    let street = Street::new(|standard| standard);
    street.route_paths_to(&["/*"], vec![]);
    let refused = street.ask_at("POST", "/web/fragments.json", &[("host", "localhost")]).await;
    assert_eq!(
        (refused.status, refused.headers["allow"].as_bytes()),
        (StatusCode::METHOD_NOT_ALLOWED, &b"GET, HEAD"[..])
    );
}
