//! What requests mean, as a function: the same one a simulator calls.

use money::Money;
use sandbox::{
    api::{self, Reply},
    provider::{Entry, Provider},
};
use serde_json::{Value, json};

/// Answers a request and takes over what it writes.
fn ask(provider: &mut Provider, method: &str, path: &str, body: Value) -> (u16, Value) {
    raw(provider, method, path, body.to_string().as_bytes())
}

fn raw(provider: &mut Provider, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
    let answer = api::answer(provider, method, path, body, 0);
    answer.entries.iter().for_each(|entry| provider.apply(entry));
    provider.settle(0).iter().for_each(|entry| provider.apply(entry));
    match answer.reply {
        Reply::Now(status, body) => (status, body),
        Reply::Settled(key) => api::outcome(provider, &key),
    }
}

fn charge(key: &str) -> Value {
    json!({ "key": key, "order": "o1", "amount": { "minor": 20_000, "currency": "KRW" } })
}

#[test]
fn a_charge_answers_what_became_of_it() {
    let mut provider = Provider::default();
    let (status, body) = ask(&mut provider, "POST", "/captures", charge("payment/o1@3"));
    assert_eq!((status, &body["status"], &body["capture"]), (200, &json!("captured"), &json!("cap_1")));
    let shown = ask(&mut provider, "GET", "/captures/payment/o1@3", Value::Null);
    assert_eq!(shown, (200, body));
    assert_eq!(ask(&mut provider, "GET", "/captures/other", Value::Null).0, 404);
}

#[test]
fn a_declined_charge_says_why() {
    let mut provider = Provider::default();
    ask(&mut provider, "PUT", "/behaviour", json!({ "mode": "decline" }));
    let (status, body) = ask(&mut provider, "POST", "/captures", charge("k1"));
    assert_eq!((status, &body["status"], &body["reason"]), (200, &json!("declined"), &json!("insufficient-funds")));
}

#[test]
fn a_provider_that_is_down_says_so_but_its_operator_can_still_talk_to_it() {
    let mut provider = Provider::default();
    ask(&mut provider, "PUT", "/behaviour", json!({ "mode": "down", "delay_ms": 0 }));
    assert_eq!(ask(&mut provider, "POST", "/captures", charge("k1")).0, 503);
    assert_eq!(ask(&mut provider, "GET", "/captures/k1", Value::Null).0, 503);
    assert_eq!(ask(&mut provider, "POST", "/refunds", json!({ "key": "r1", "capture": "cap_1" })).0, 503);
    assert_eq!(ask(&mut provider, "GET", "/anything", Value::Null).0, 503);
    let (status, ledger) = ask(&mut provider, "GET", "/ledger", Value::Null);
    assert_eq!((status, &ledger["captures"][0]["status"]), (200, &json!("pending")));
    ask(&mut provider, "PUT", "/behaviour", json!({ "mode": "ok" }));
    assert_eq!(ask(&mut provider, "GET", "/captures/k1", Value::Null).1["status"], "captured");
}

#[test]
fn the_ledger_adds_up() {
    let mut provider = Provider::default();
    for key in ["k1", "k2"] {
        ask(&mut provider, "POST", "/captures", charge(key));
    }
    let refund = json!({ "key": "r1", "capture": "cap_2" });
    let first = ask(&mut provider, "POST", "/refunds", refund.clone());
    assert_eq!((first.0, &first.1["refund"]), (200, &json!("ref_1")));
    assert_eq!(ask(&mut provider, "POST", "/refunds", refund), first);
    let (_, ledger) = ask(&mut provider, "GET", "/ledger", Value::Null);
    assert_eq!(ledger["totals"], json!({ "KRW": { "captured": 40_000, "refunded": 20_000 } }));
    assert_eq!((&ledger["captures"][0]["refunded"], &ledger["captures"][1]["refunded"]), (&json!(false), &json!(true)));
    assert_eq!(ledger["refunds"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_cannot_be_meant_is_refused_and_not_written_down() {
    let mut provider = Provider::default();
    ask(&mut provider, "POST", "/captures", charge("k1"));
    let money = |minor: i64| json!({ "minor": minor, "currency": "KRW" });
    let bad = [
        ("POST", "/captures", json!({ "key": "k2", "order": "o1", "amount": money(0) }), 422),
        ("POST", "/captures", json!({ "key": "k2", "order": "o1", "amount": money(-5) }), 422),
        ("POST", "/captures", json!({ "key": "", "order": "o1", "amount": money(1) }), 422),
        ("POST", "/captures", json!({ "key": "x".repeat(256), "order": "o1", "amount": money(1) }), 422),
        ("POST", "/captures", json!({ "key": "k1", "order": "o1", "amount": money(1) }), 422),
        ("POST", "/captures", json!({ "key": "k2", "order": "o1", "amount": money(1), "more": 1 }), 422),
        ("POST", "/refunds", json!({ "key": "r1", "capture": "cap_9" }), 404),
        ("PUT", "/behaviour", json!({ "mode": "asleep" }), 422),
        ("PUT", "/behaviour", json!({ "mode": "slow", "delay_ms": -1 }), 422),
        ("DELETE", "/ledger", json!({}), 405),
        ("GET", "/", json!({}), 404),
    ];
    for (method, path, body, expected) in bad {
        assert_eq!(ask(&mut provider, method, path, body.clone()).0, expected, "{method} {path} {body}");
    }
    assert_eq!(raw(&mut provider, "POST", "/captures", b"\xff{").0, 400);
    assert_eq!(provider.charges().len(), 1);
}

#[test]
fn what_can_be_charged_has_an_end_and_the_books_bear_what_older_ones_took() {
    let mut provider = Provider::default();
    let of =
        |key: &str, minor: i64| json!({ "key": key, "order": key, "amount": { "minor": minor, "currency": "KRW" } });
    for too_much in [Money::MOST + 1, i64::MAX, 0, -1, i64::MIN] {
        assert_eq!(ask(&mut provider, "POST", "/captures", of("k", too_much)).0, 422, "{too_much}");
    }
    assert_eq!(ask(&mut provider, "POST", "/captures", of("k", Money::MOST)).0, 200);
    assert_eq!(ask(&mut provider, "GET", "/ledger", Value::Null).1["totals"]["KRW"]["captured"], json!(Money::MOST));
    for key in ["old1", "old2"] {
        let amount = Money::krw(i64::MAX);
        let arrived = Entry::Arrived { key: key.into(), order: key.into(), amount, not_after_ms: None, at_ms: 0 };
        provider.apply(&arrived);
        provider.settle(0).iter().for_each(|entry| provider.apply(entry));
    }
    let (status, ledger) = ask(&mut provider, "GET", "/ledger", Value::Null);
    let sum = i128::from(i64::MAX) * 2 + i128::from(Money::MOST);
    assert_eq!((status, &ledger["totals"]["KRW"]["captured"]), (200, &json!(sum.to_string())));
}

#[test]
fn a_request_has_one_spelling() {
    let mut provider = Provider::default();
    for bad in [
        r#"["k","o1",{"minor":1,"currency":"KRW"}]"#,
        r#"{"key":"k","order":"o1","amount":[1,"KRW"]}"#,
        r#"{"key":"k","key":"l","order":"o1","amount":{"minor":1,"currency":"KRW"}}"#,
        r#"{"key":"k","order":"o1","amount":{"minor":"1","currency":"KRW"}}"#,
    ] {
        assert_eq!(raw(&mut provider, "POST", "/captures", bad.as_bytes()).0, 422, "{bad}");
    }
    assert_eq!(raw(&mut provider, "PUT", "/behaviour", br#"{"mode":{"down":null}}"#).0, 422);
}

#[test]
fn a_refusal_is_a_problem_that_points_to_what_is_wrong() {
    let mut provider = Provider::default();
    ask(&mut provider, "POST", "/captures", charge("k1"));
    let money = |minor: i64| json!({ "minor": minor, "currency": "KRW" });
    let bad = [
        (json!({ "key": "k2", "order": "o1", "amount": money(0) }), "/amount/minor"),
        (json!({ "key": "k2", "order": "o1", "amount": { "minor": "1", "currency": "KRW" } }), "/amount/minor"),
        (json!({ "key": "", "order": "o1", "amount": money(1) }), "/key"),
        (json!({ "key": "k2", "order": "a\nb", "amount": money(1) }), "/order"),
        (json!({ "key": "k1", "order": "o1", "amount": money(1) }), "/key"),
        (json!({ "key": "k2", "order": "o1", "amount": money(1), "more": 1 }), "/more"),
    ];
    for (body, place) in bad {
        let (status, told) = ask(&mut provider, "POST", "/captures", body.clone());
        assert_eq!(
            (status, &told["type"], &told["errors"][0]["pointer"]),
            (422, &json!("/errors/invalid-body"), &json!(place)),
            "{body}"
        );
        assert!(told["errors"][0]["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{told}");
    }
    let (status, told) = raw(&mut provider, "POST", "/captures", b"{");
    assert_eq!((status, &told["type"]), (400, &json!("/errors/malformed-json")));
    let (status, told) = ask(&mut provider, "POST", "/refunds", json!({ "key": "r1", "capture": "cap_9" }));
    assert_eq!((status, &told["type"]), (404, &json!("/errors/not-found")));
}
