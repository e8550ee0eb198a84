//! Tokens that count, and those that do not.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::StatusCode;
use gateway::Login;
use serde_json::json;

use crate::bad_tokens::bad_tokens;
use crate::issuer::{AUDIENCE, Ec, Issuer, Rsa, now_s};
use crate::street::{Response, Street};

pub(crate) const ES256: &str = r#"{"alg":"ES256","kid":"a","typ":"at+jwt"}"#;

async fn shown(street: &Street, token: &str) -> Response {
    street.ask_at("GET", "/x", &[("authorization", &format!("Bearer {token}"))]).await
}

async fn is_refused(street: &Street, token: &str, what: &str) {
    let answer = shown(street, token).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}: {}", answer.body);
    assert!(answer.body.contains("/errors/invalid-token"), "{what}: {}", answer.body);
    let challenge = answer.headers["www-authenticate"].to_str().unwrap();
    assert!(challenge.starts_with("Bearer error=\"invalid_token\", error_description=\""), "{what}: {challenge}");
}

#[tokio::test]
async fn a_token_of_the_issuer_for_us_and_now_names_somebody() {
    let (key, rsa) = (Ec::new(), Rsa::new());
    let (issuer, mut street) = Issuer::open(Some(vec![key.jwk("a"), rsa.jwk("r")])).await;
    let (upstream, served) = street.upstream().await;
    street.route_to(vec![upstream]);
    let right = [
        key.sign(ES256, &issuer.claims(&json!({}))),
        key.sign(r#"{"alg":"ES256","kid":"a"}"#, &issuer.claims(&json!({ "roles": null }))),
        key.sign(r#"{"alg":"ES256","kid":"a","typ":"JWT"}"#, &issuer.claims(&json!({ "aud": ["other", AUDIENCE] }))),
        key.sign(ES256, &issuer.claims(&json!({ "nbf": now_s(), "scope": "openid", "x": { "y": [1, null] } }))),
        key.sign(ES256, &issuer.claims(&json!({ "exp": now_s() - 10 }))),
        key.sign(ES256, &issuer.claims(&json!({ "iat": now_s() + 10 }))),
        rsa.sign(r#"{"alg":"RS256","kid":"r","typ":"JWT"}"#, &issuer.claims(&json!({}))),
    ];
    for token in &right {
        for _ in 0..2 {
            let answer = shown(&street, token).await;
            assert_eq!(answer.status, StatusCode::OK, "{token}: {}", answer.body);
        }
    }
    assert_eq!(served.load(Ordering::SeqCst), 14);
    assert_eq!(street.ask_at("GET", "/x", &[]).await.status, StatusCode::UNAUTHORIZED, "nobody is nobody");
}

#[tokio::test]
async fn a_table_of_bad_tokens_of_which_none_gets_in() {
    let (key, rsa) = (Ec::new(), Rsa::new());
    // Two keys: which one is meant has to be said.
    let (issuer, mut street) = Issuer::open(Some(vec![key.jwk("a"), rsa.jwk("r")])).await;
    let (upstream, served) = street.upstream().await;
    street.route_to(vec![upstream]);
    // Where anybody may come, a token that counts for nothing is refused, too.
    street.table.access =
        vec![gateway::Access { service: "door".into(), method: "*".into(), path: "/*".into(), who: "public".into() }];
    street.route_to(vec![upstream]);
    let right = key.sign(ES256, &issuer.claims(&json!({})));
    assert_eq!(shown(&street, &right).await.status, StatusCode::OK, "the table starts from one that counts");
    let bad = bad_tokens(&key, &issuer);
    assert!(bad.len() >= 120, "{} are too few", bad.len());
    for (token, what) in &bad {
        is_refused(&street, token, &what.chars().take(300).collect::<String>()).await;
    }
    no_other_head_lets_it_in(&street, &right).await;
    assert_eq!(served.load(Ordering::SeqCst), 1, "nothing of it reached the service");
    assert_eq!(shown(&street, &right).await.status, StatusCode::OK, "and the right one still counts");
}

/// A right token, shown as it must not be.
async fn no_other_head_lets_it_in(street: &Street, right: &str) {
    let bearer = format!("Bearer {right}");
    let heads: [&[(&str, &str)]; 6] = [
        &[("authorization", &bearer), ("authorization", &bearer)],
        &[("authorization", "Bearer")],
        &[("authorization", "Basic dXNyX2FubjpzZWNyZXQ=")],
        &[("authorization", right)],
        &[("authorization", "DPoP x")],
        &[("authorization", "")],
    ];
    for head in heads {
        assert_eq!(street.ask_at("GET", "/x", head).await.status, StatusCode::UNAUTHORIZED, "{head:?}");
    }
    let huge = format!("Bearer {}", "A".repeat(1 << 20));
    assert_eq!(street.ask_at("GET", "/x", &[("authorization", &huge)]).await.status.as_u16(), 431, "a head has an end");
}

#[tokio::test]
async fn keys_that_nobody_has_make_the_issuer_be_asked_once() {
    let key = Ec::new();
    let (issuer, mut street) =
        Issuer::with(Some(vec![key.jwk("a")]), |login| Login { cooldown_s: 3_600, ..login }).await;
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    let claims = issuer.claims(&json!({}));
    let flood = (0..500).map(|number| key.sign(&format!(r#"{{"alg":"ES256","kid":"{number}"}}"#), &claims));
    futures::future::join_all(flood.map(async |token| is_refused(&street, &token, "an unknown key").await)).await;
    assert_eq!(issuer.asked(), 1);
    assert_eq!(shown(&street, &key.sign(ES256, &claims)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_new_key_counts_at_once_and_one_that_was_taken_away_no_longer() {
    let (old, new) = (Ec::new(), Ec::new());
    let (issuer, mut street) = Issuer::open(Some(vec![old.jwk("a")])).await;
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    let claims = issuer.claims(&json!({}));
    let (by_old, by_new) = (old.sign(ES256, &claims), new.sign(r#"{"alg":"ES256","kid":"b"}"#, &claims));
    assert_eq!(shown(&street, &by_old).await.status, StatusCode::OK);
    issuer.tells(Some(vec![new.jwk("b")]));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(shown(&street, &by_new).await.status, StatusCode::OK, "an unknown key is asked for");
    is_refused(&street, &by_old, "remembered, but its key is gone").await;
}

#[tokio::test]
async fn whoever_comes_while_the_issuer_starts_waits_for_it() {
    let key = Ec::new();
    let (issuer, mut street) = Issuer::open(None).await;
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    let token = key.sign(ES256, &issuer.claims(&json!({})));
    let start = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        issuer.tells(Some(vec![key.jwk("a")]));
    };
    let (answers, ()) = tokio::join!(futures::future::join_all((0..20).map(|_| shown(&street, &token))), start);
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK), "{:?}", answers[0].body);
    assert!(issuer.asked() < 10, "everybody waits for the same answer: {}", issuer.asked());
}

#[tokio::test]
async fn while_the_issuer_is_down_whoever_is_logged_in_goes_on() {
    let key = Ec::new();
    let (issuer, mut street) = Issuer::open(None).await;
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    let token = key.sign(ES256, &issuer.claims(&json!({})));
    let answer = shown(&street, &token).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.body);
    assert!(answer.body.contains("/errors/login-unavailable") && answer.headers.contains_key("retry-after"));
    issuer.tells(Some(vec![key.jwk("a")]));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(shown(&street, &token).await.status, StatusCode::OK, "one that is about to start is asked soon again");
    issuer.tells(None);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let other = key.sign(ES256, &issuer.claims(&json!({ "sub": "usr_bob" })));
    assert_eq!(shown(&street, &other).await.status, StatusCode::OK, "known keys count on");
    is_refused(&street, &key.sign(r#"{"alg":"ES256","kid":"b"}"#, &issuer.claims(&json!({}))), "nobody knows b").await;
    assert_eq!(shown(&street, &other).await.status, StatusCode::OK);
}
