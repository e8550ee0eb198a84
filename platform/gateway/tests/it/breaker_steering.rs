//! What operators see of breakers and do to them, and what is answered while one is open.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use bongsu_keys::{GATEWAY, Keys, OPERATOR, Roots};
use gateway::Settings;
use gateway::breaker::Rules;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::street::{Act, Street};

const BAD: &[Act] = &[Act::Say("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n")];
const WELL: &[Act] = &[Act::Say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nwell")];

struct System {
    _folder: TempDir,
    roots: Roots,
    keys: Keys,
}

impl System {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let roots = Roots::open_or_make(folder.path()).unwrap();
        let file = folder.path().join("gateway.json");
        roots.write_keys(&file, GATEWAY).unwrap();
        let keys = Keys::open(&file).unwrap();
        Self { _folder: folder, roots, keys }
    }

    fn street(&self, settings: Settings) -> Street {
        Street::set(settings.with_keys(Some(self.keys.clone())))
    }

    fn bearer(&self, name: &str) -> String {
        format!("Bearer {}", self.roots.key(name, GATEWAY).bearer())
    }
}

/// What is said to somebody who shows that, and its body.
async fn say(street: &Street, method: &str, path: &str, bearer: &str, body: &str) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path).header("authorization", bearer);
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let answer = street.gateway.router().oneshot(request).await.unwrap();
    let (head, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    (head.status, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn only_operators_see_and_steer_breakers_and_no_service_hears_of_it() {
    let system = System::new();
    let mut street = system.street(Settings::default());
    let (upstream, seen) = street.raw(WELL).await;
    street.route_to(vec![upstream]);
    let asked = [
        ("GET", "/bongsu/breakers"),
        ("PUT", "/bongsu/breakers/door"),
        ("GET", "/bongsu/breakers/"),
        ("GET", "/bongsu/breakers/x/y"),
    ];
    for (method, path) in asked {
        assert_eq!(street.ask_at(method, path, &[]).await.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        let door = system.bearer("door");
        assert_eq!(say(&street, method, path, &door, "").await.0, StatusCode::FORBIDDEN, "{method} {path}");
    }
    let operator = system.bearer(OPERATOR);
    let refused = [
        ("POST", "/bongsu/breakers", "", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "/bongsu/breakers/door", "", StatusCode::METHOD_NOT_ALLOWED),
        ("PUT", "/bongsu/breakers/", "{\"state\":\"open\"}", StatusCode::NOT_FOUND),
        ("PUT", "/bongsu/breakers/nobody", "{\"state\":\"open\"}", StatusCode::NOT_FOUND),
        ("PUT", "/bongsu/breakers/door", "", StatusCode::BAD_REQUEST),
        ("PUT", "/bongsu/breakers/door", "{\"state\":\"ajar\"}", StatusCode::BAD_REQUEST),
        ("PUT", "/bongsu/breakers/door", "{\"state\":\"open\",\"minutes\":0}", StatusCode::BAD_REQUEST),
        ("PUT", "/bongsu/breakers/door", "{\"state\":\"open\",\"minutes\":1441}", StatusCode::BAD_REQUEST),
        ("PUT", "/bongsu/breakers/door", "{\"state\":\"open\",\"hours\":1}", StatusCode::BAD_REQUEST),
    ];
    for (method, path, body, status) in refused {
        assert_eq!(say(&street, method, path, &operator, body).await.0, status, "{method} {path} {body}");
    }
    assert_eq!(*seen.lock().unwrap(), Vec::<String>::new());
    assert_eq!(say(&street, "GET", "/x", &operator, "").await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_operator_sees_why_a_breaker_opened_and_may_hold_it() {
    let system = System::new();
    let mut street = system.street(Settings::default());
    let (upstream, seen) = street.raw(BAD).await;
    street.route_to(vec![upstream]);
    let operator = system.bearer(OPERATOR);
    for _ in 0..6 {
        street.ask("POST", &[], "").await;
    }
    let (status, shown) = say(&street, "GET", "/bongsu/breakers", &operator, "").await;
    assert_eq!(status, StatusCode::OK);
    let breaker = &shown["breakers"][0];
    assert_eq!((&breaker["service"], &breaker["route"]), (&json!("door"), &json!("/*")));
    assert_eq!((&breaker["state"], &breaker["refused"]), (&json!("open"), &json!(1)));
    assert_eq!(breaker["why"], "5 calls in a row failed; the last: the answer was 500");
    let path = "/bongsu/breakers/door";
    let (_, shown) = say(&street, "PUT", path, &operator, "{\"state\":\"closed\",\"minutes\":1}").await;
    assert_eq!((&shown["breakers"][0]["state"], &shown["breakers"][0]["forced"]), (&json!("closed"), &json!(true)));
    for _ in 0..30 {
        assert_eq!(street.ask("POST", &[], "").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    }
    assert_eq!(seen.lock().unwrap().len(), 35);
    say(&street, "PUT", path, &operator, "{\"state\":\"open\",\"minutes\":2}").await;
    let answer = street.ask("POST", &[], "").await;
    assert!(answer.body.contains("/errors/circuit-open"), "{}", answer.body);
    assert_eq!(answer.headers["retry-after"], "120");
    say(&street, "PUT", path, &operator, "{\"state\":\"auto\"}").await;
    assert_eq!(street.ask("POST", &[], "").await.status, StatusCode::INTERNAL_SERVER_ERROR, "a probe");
}

#[tokio::test]
async fn without_breakers_everything_is_asked_and_nothing_can_be_held() {
    let system = System::new();
    let mut street = system.street(Settings { breaker: None, ..Settings::default() });
    let (upstream, seen) = street.raw(BAD).await;
    street.route_to(vec![upstream]);
    for _ in 0..30 {
        assert_eq!(street.ask("POST", &[], "").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    }
    assert_eq!(seen.lock().unwrap().len(), 30);
    let operator = system.bearer(OPERATOR);
    let (_, shown) = say(&street, "GET", "/bongsu/breakers", &operator, "").await;
    assert_eq!(shown, json!({ "state": "off", "breakers": [] }));
    let (status, _) = say(&street, "PUT", "/bongsu/breakers/door", &operator, "{\"state\":\"open\"}").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn while_it_is_open_who_reads_gets_the_answer_that_was_written_for_that_and_who_writes_the_truth() {
    let fallback = json!([{ "path": "/x/*", "status": 203, "body": { "doors": [] } }]);
    let written = json!({ "fallback": fallback, "breaker": Rules { failed_percent: 0, ..Rules::default() } });
    let settings: Settings = serde_json::from_value(written).unwrap();
    let mut street = Street::set(settings);
    let (upstream, seen) = street.raw(BAD).await;
    street.route_to(vec![upstream]);
    for _ in 0..5 {
        assert_eq!(street.ask_at("GET", "/x/1", &[]).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    }
    let answer = street.ask_at("GET", "/x/1", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (203, "{\"doors\":[]}"));
    assert_eq!(answer.headers["x-bongsu-fallback"], "fixed");
    for (method, path) in [("POST", "/x/1"), ("GET", "/y")] {
        let answer = street.ask_at(method, path, &[]).await;
        assert!(answer.body.contains("/errors/circuit-open"), "{method} {path}: {}", answer.body);
        assert!(!answer.headers.contains_key("x-bongsu-fallback"));
    }
    assert_eq!(seen.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn what_an_operator_holds_outlives_the_gateway_and_holds_at_another_within_a_second() {
    let (system, folder) = (System::new(), tempfile::tempdir().unwrap());
    let held = folder.path().join("held.json");
    let open = async || {
        let mut street = system.street(Settings { held: Some(held.clone()), ..Settings::default() });
        let (upstream, _) = street.raw(WELL).await;
        street.route_to(vec![upstream]);
        street
    };
    let (one, other) = (open().await, open().await);
    let operator = system.bearer(OPERATOR);
    let status = async |street: &Street| street.ask_at("GET", "/x", &[]).await.status;
    let wish = "{\"state\":\"open\",\"minutes\":5}";
    assert_eq!(say(&one, "PUT", "/bongsu/breakers/door", &operator, wish).await.0, StatusCode::OK);
    assert_eq!(status(&one).await, StatusCode::SERVICE_UNAVAILABLE);
    drop(one);
    let next = open().await;
    assert_eq!(status(&next).await, StatusCode::SERVICE_UNAVAILABLE, "the next one");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(status(&other).await, StatusCode::SERVICE_UNAVAILABLE, "another one");
    let shown = say(&other, "GET", "/bongsu/breakers", &operator, "").await.1;
    assert_eq!((&shown["breakers"][0]["forced"], &shown["breakers"][0]["state"]), (&true.into(), &"open".into()));
    assert!(shown["breakers"][0]["left_ms"].as_u64().unwrap() <= 300_000);
    say(&other, "PUT", "/bongsu/breakers/door", &operator, "{\"state\":\"auto\"}").await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!((status(&other).await, status(&next).await), (StatusCode::OK, StatusCode::OK));
}

#[tokio::test]
async fn breakers_are_measured_with_the_reason_why_they_opened() {
    let system = System::new();
    let rules = Rules { consecutive: 2, ..Rules::default() };
    let mut street = system.street(Settings { breaker: Some(rules), ..Settings::default() });
    let (upstream, _) = street.raw(BAD).await;
    street.route_to(vec![upstream]);
    for _ in 0..3 {
        street.ask_at("GET", "/x", &[]).await;
    }
    assert_eq!(street.ask_at("GET", "/bongsu/metrics", &[]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        say(&street, "PUT", "/bongsu/metrics", &system.bearer(OPERATOR), "").await.0,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let bearer = system.bearer(OPERATOR);
    let answer = street.ask_at("GET", "/bongsu/metrics", &[("authorization", &bearer)]).await;
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let one = "gateway=\"gateway\",service=\"door\",route=\"/*\"";
    for line in [
        format!("bongsu_gateway_breaker_state{{{one}}} 2"),
        format!("bongsu_gateway_breaker_failed_calls{{{one}}} 2"),
        format!("bongsu_gateway_breaker_openings_total{{{one}}} 1"),
        format!("bongsu_gateway_breaker_refused_calls_total{{{one}}} 1"),
        format!(
            "bongsu_gateway_breaker_reason{{{one},reason=\"2 calls in a row failed; the last: the answer was 500\"}} 1"
        ),
        format!("bongsu_gateway_instance_out{{gateway=\"gateway\",service=\"door\",instance=\"{upstream}\"}} 0"),
        "bongsu_gateway_open_streams{gateway=\"gateway\"} 0".to_owned(),
    ] {
        assert!(answer.body.lines().any(|said| said == line), "{line} is not in\n{}", answer.body);
    }
}
