//! What only operators may ask, and what a service learns of who is asking.

use axum::http::StatusCode;
use bongsu_keys::{Audience, GATEWAY, Keys, OPERATOR, Roots, Vouched};
use bongsu_runtime::ports::env::Env as _;
use tempfile::TempDir;

use crate::street::{Act, Street};

const WELL: &[Act] = &[Act::Say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nwell")];
const OPERATORS: &[&str] = &["PUT /doors/*", "POST /doors/*/keys", "* /vault/*", "GET /ledger"];

/// Requests that fit them, each as some service might read it.
const GUARDED: &[(&str, &str)] = &[
    ("PUT", "/doors/7"),
    ("PUT", "/doors/7?x=1"),
    ("PUT", "/doors//7/"),
    ("PUT", "/%64oors/7"),
    ("PUT", "/x/../doors/7"),
    ("PUT", "/./DOORS/7"),
    ("POST", "/doors/a%2Fb/keys"),
    ("POST", "/doors/7/keys"),
    ("GET", "/vault"),
    ("DELETE", "/vault/a/b/c"),
    ("BREW", "/vault/"),
    ("GET", "/ledger"),
    ("HEAD", "/ledger"),
];

fn system() -> (TempDir, Roots, Keys) {
    let folder = tempfile::tempdir().unwrap();
    let roots = Roots::open_or_make(folder.path()).unwrap();
    let file = folder.path().join("gateway.json");
    roots.write_keys(&file, GATEWAY).unwrap();
    let keys = Keys::open(&file).unwrap();
    (folder, roots, keys)
}

fn bearer(roots: &Roots, from: &str, to: &str) -> String {
    format!("Bearer {}", roots.key(from, to).bearer())
}

#[tokio::test]
async fn what_only_operators_may_ask_is_refused_to_everybody_else_however_it_is_written() {
    let (_folder, roots, keys) = system();
    let mut street = Street::with_keys(keys, OPERATORS);
    let (upstream, seen) = street.raw(WELL).await;
    street.route_to(vec![upstream]);
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Roots::open_or_make(elsewhere.path()).unwrap();
    let nobodies = [
        "Bearer operator".to_owned(),
        "Basic b3BlcmF0b3I6".to_owned(),
        bearer(&other, OPERATOR, GATEWAY),
        bearer(&roots, OPERATOR, "door"),
        format!("Bearer operator.{}", "0".repeat(64)),
    ];
    for &(method, path) in GUARDED {
        let asked = street.ask_at(method, path, &[]).await;
        assert_eq!(asked.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        assert!(method == "HEAD" || asked.body.contains("/errors/key-needed"), "{}", asked.body);
        assert_eq!(asked.headers["www-authenticate"], "Bearer");
        for nobody in &nobodies {
            let asked = street.ask_at(method, path, &[("authorization", nobody)]).await;
            assert_eq!(asked.status, StatusCode::UNAUTHORIZED, "{method} {path} {nobody}");
        }
        let door = bearer(&roots, "door", GATEWAY);
        let asked = street.ask_at(method, path, &[("authorization", &door)]).await;
        assert_eq!(asked.status, StatusCode::FORBIDDEN, "{method} {path}");
        assert!(method == "HEAD" || asked.body.contains("/errors/operators-only"), "{}", asked.body);
    }
    assert_eq!(*seen.lock().unwrap(), Vec::<String>::new(), "nothing of it reached the service");
    let operator = bearer(&roots, OPERATOR, GATEWAY);
    for &(method, path) in GUARDED {
        let asked = street.ask_at(method, path, &[("authorization", &operator)]).await;
        assert_eq!(asked.status, StatusCode::OK, "{method} {path}");
    }
    for (method, path) in [("GET", "/doors/7"), ("POST", "/doors/7"), ("PATCH", "/doors/7"), ("POST", "/ledger")] {
        assert_eq!(street.ask_at(method, path, &[]).await.status, StatusCode::OK, "{method} {path} is for everybody");
    }
}

#[tokio::test]
async fn a_service_sees_who_is_asking_signed_for_it_and_never_an_operators_key() {
    let (folder, roots, keys) = system();
    let mut street = Street::with_keys(keys, OPERATORS);
    let (upstream, seen) = street.raw(WELL).await;
    street.route_to(vec![upstream]);
    let operator = bearer(&roots, OPERATOR, GATEWAY);
    let lies = [("x-bongsu-principal", "admin"), ("x-bongsu-roles", "operator"), ("authorization", operator.as_str())];
    street.ask_at("GET", "/doors/7", &lies).await;
    street.ask_at("PUT", "/doors/7", &lies).await;
    street.ask_at("GET", "/doors/7", &[("authorization", "Bearer of-a-client")]).await;
    let seen = seen.lock().unwrap().clone();
    let header = |at: usize, name: &str| {
        let mut lines = seen[at].lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let file = folder.path().join("door.json");
    roots.write_keys(&file, "door").unwrap();
    let door = Keys::open(&file).unwrap();
    let now = bongsu_host::TokioEnv::new(None).unwrap().wall_ms();
    for (at, name) in ["demo", OPERATOR, "demo"].into_iter().enumerate() {
        let token = header(at, "x-bongsu-principal").unwrap();
        let roles = if name == OPERATOR { vec![OPERATOR.to_owned()] } else { Vec::new() };
        let who = Vouched { roles, ..Vouched::named(name) };
        assert_eq!(door.vouched(&token, now), Some(who), "{token}");
        assert_eq!(header(at, "x-bongsu-roles"), None, "what a client claims is gone");
        assert_eq!(header(at, "host"), Some(upstream.to_string()), "an instance is asked by its own address");
    }
    assert_eq!((header(0, "authorization"), header(1, "authorization")), (None, None));
    assert_eq!(header(2, "authorization").as_deref(), Some("Bearer of-a-client"), "what is not ours goes on");
}

#[tokio::test]
async fn who_is_asking_is_said_to_a_service_and_to_those_it_declares_to_ask_and_to_nobody_else() {
    let (folder, roots, keys) = system();
    let mut street = Street::with_keys(keys, OPERATORS);
    let asks = |names: &[&str]| Audience::of("door", &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let (upstream, seen) = street.raw(WELL).await;
    let now = bongsu_host::TokioEnv::new(None).unwrap().wall_ms();
    let believes = |name: &str, token: &str| {
        let file = folder.path().join(format!("{name}.json"));
        roots.write_keys(&file, name).unwrap();
        Keys::open(&file).unwrap().vouched(token, now).is_some()
    };
    let cases: [(&[&str], [bool; 3]); 3] =
        [(&[], [true, false, false]), (&["bell"], [true, true, false]), (&["bell", "tower"], [true; 3])];
    for (at, (names, believed)) in cases.into_iter().enumerate() {
        street.table.asks = [("door".to_owned(), asks(names)), ("other".to_owned(), asks(&["tower"]))].into();
        street.route_to(vec![upstream]);
        street.ask_at("GET", "/doors/7", &[]).await;
        let request = seen.lock().unwrap()[at].clone();
        let token = request.lines().find_map(|line| line.strip_prefix("x-bongsu-principal: ")).unwrap();
        assert_eq!(["door", "bell", "tower"].map(|name| believes(name, token)), believed, "{names:?}");
    }
}

#[tokio::test]
async fn a_gateway_without_keys_lets_nobody_in_where_operators_are_meant() {
    let mut street = Street::new(|standard| standard);
    street.table.access =
        vec![gateway::Access { service: "door".into(), method: "*".into(), path: "/*".into(), who: "operator".into() }];
    let (upstream, served) = street.upstream().await;
    street.route_to(vec![upstream]);
    assert_eq!(street.ask_at("GET", "/x", &[]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(served.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_that_was_made_to_lead_here_is_refused() {
    let mut street = Street::new(|standard| standard);
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    let asked = street.ask_at("GET", "/x", &[("host", "evil.example")]).await;
    assert_eq!(asked.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(asked.body.contains("/errors/wrong-host"), "{}", asked.body);
    assert_eq!(street.ask_at("GET", "/x", &[("host", "localhost:8080")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_keyed_request_is_sent_again_only_to_a_service_that_knows_keys() {
    let mut street = Street::new(|standard| standard);
    let (upstream, seen) = street.raw(&[Act::Reset]).await;
    street.table.idempotent.clear();
    street.route_to(vec![upstream]);
    let answer = street.ask("POST", &[("idempotency-key", "1")], "hello").await;
    assert_eq!((answer.status, seen.lock().unwrap().len()), (StatusCode::BAD_GATEWAY, 1));
}

#[tokio::test]
async fn services_are_asked_for_their_descriptions_once_however_many_ask() {
    const TOLD: &[Act] = &[Act::Say(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\nconnection: close\r\n\r\n{\"paths\":{}}",
    )];
    let mut street = Street::new(|standard| standard);
    let (upstream, seen) = street.raw(TOLD).await;
    street.route_to(vec![upstream]);
    let ask = || street.ask_at("GET", "/openapi.json", &[]);
    let all = futures::future::join_all((0..20).map(|_| ask())).await;
    assert!(all.iter().all(|answer| answer.status == StatusCode::OK && answer.body.contains("\"openapi\"")));
    assert_eq!(seen.lock().unwrap().len(), 1);
    street.tables.send_modify(|table| std::sync::Arc::make_mut(table).revision = 2);
    assert_eq!(ask().await.status, StatusCode::OK);
    assert_eq!(seen.lock().unwrap().len(), 2, "who is there has changed");
}
