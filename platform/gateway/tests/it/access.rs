//! Who may ask what, and what a service hears of him.

use axum::http::StatusCode;
use gateway::{Access, Login};
use serde_json::json;

use crate::issuer::{Ec, Issuer};
use crate::street::{Act, Street};

const WELL: &[Act] = &[Act::Say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nwell")];
const ES256: &str = r#"{"alg":"ES256","kid":"a","typ":"at+jwt"}"#;

fn rule(who: &str, request: &str) -> Access {
    let (method, path) = request.split_once(' ').unwrap();
    Access { service: "door".into(), method: method.into(), path: path.into(), who: who.into() }
}

fn doors(street: &mut Street) {
    street.table.access = vec![
        rule("public", "GET /doors/*"),
        rule("operator", "GET /doors/secret"),
        rule("keeper", "PUT /doors/*"),
        rule("operator", "PUT /doors/*"),
        rule("operator", "* /vault/*"),
    ];
}

#[tokio::test]
async fn routes_say_who_may_and_a_role_counts_more_than_that_something_is_open() {
    let key = Ec::new();
    let (issuer, mut street) = Issuer::open(Some(vec![key.jwk("a")])).await;
    doors(&mut street);
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    let bearer = |roles: &[&str]| format!("Bearer {}", key.sign(ES256, &issuer.claims(&json!({ "roles": roles }))));
    let people =
        [None, Some(bearer(&[])), Some(bearer(&["guest"])), Some(bearer(&["keeper"])), Some(bearer(&["operator"]))];
    for (method, path, expected) in [
        ("GET", "/doors/7", [200, 200, 200, 200, 200]),
        ("HEAD", "/doors/7", [200, 200, 200, 200, 200]),
        ("POST", "/doors/7", [401, 200, 200, 200, 200]),
        ("GET", "/elsewhere", [401, 200, 200, 200, 200]),
        ("GET", "/doors/secret", [401, 403, 403, 403, 200]),
        ("GET", "/doors/%73ecret", [401, 403, 403, 403, 200]),
        ("GET", "/doors//secret", [401, 403, 403, 403, 200]),
        ("GET", "/doors/x/../7", [401, 200, 200, 200, 200]),
        ("PUT", "/doors/7", [401, 403, 403, 200, 200]),
        ("DELETE", "/vault/a/b", [401, 403, 403, 403, 200]),
    ] {
        for (who, status) in people.iter().zip(expected) {
            let heads: Vec<(&str, &str)> = who.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
            let answer = street.ask_at(method, path, &heads).await;
            assert_eq!(answer.status.as_u16(), status, "{method} {path} as {who:?}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_service_hears_who_it_is_and_his_roles_and_never_sees_the_token() {
    let key = Ec::new();
    let nested = |login| Login { roles: "realm_access.roles".into(), ..login };
    let (issuer, mut street) = Issuer::with(Some(vec![key.jwk("a")]), nested).await;
    doors(&mut street);
    let (upstream, seen) = street.raw(WELL).await;
    street.route_to(vec![upstream]);
    let claims = json!({ "roles": ["operator"], "realm_access": { "roles": ["guest", "keeper"] } });
    let bearer = format!("Bearer {}", key.sign(ES256, &issuer.claims(&claims)));
    let lies = [("authorization", bearer.as_str()), ("x-bongsu-principal", "usr_root"), ("x-bongsu-roles", "operator")];
    assert_eq!(street.ask_at("PUT", "/doors/7", &lies).await.status, StatusCode::OK);
    assert_eq!(street.ask_at("GET", "/doors/7", &lies[1..]).await.status, StatusCode::OK);
    let seen = seen.lock().unwrap().clone();
    let lines = |at: usize, name: &str| {
        let all = seen[at].lines().filter_map(|line| line.split_once(": "));
        all.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(lines(0, "x-bongsu-principal"), ["usr_ann"]);
    assert_eq!(lines(0, "x-bongsu-roles"), ["guest,keeper"]);
    assert_eq!(lines(0, "authorization"), Vec::<String>::new());
    assert_eq!(lines(1, "x-bongsu-principal"), Vec::<String>::new(), "a visitor is nobody");
    assert_eq!(lines(1, "x-bongsu-roles"), Vec::<String>::new());
}
