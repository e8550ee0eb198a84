//! What operators do holds at once for sessions, and tokens say so within five minutes; failures make attempts slow.

use serde_json::{Value, json};

use crate::{
    browser::{Browser, PASSWORD, exchange, sent},
    provider::{Provider, claims},
};

async fn somebody(provider: &Provider) -> (Browser, Value, String) {
    let mut browser = Browser::new();
    browser.sign_up(provider, "ann@house.example").await;
    let tokens = browser.tokens(provider, "web").await;
    let access = tokens["access_token"].as_str().expect("a token");
    let person = claims(access)["sub"].as_str().expect("a subject").to_owned();
    (browser, tokens, person)
}

#[tokio::test]
async fn a_lock_holds_at_once() {
    let provider = Provider::open().await;
    let (mut browser, tokens, person) = somebody(&provider).await;
    let code = browser.code(&provider, "web").await;
    let locked = provider.operate(&format!("POST persons/{person}/lock"), "k1", json!({})).await;
    assert_eq!(locked.status, 200, "{locked:?}");
    let access = tokens["access_token"].as_str().unwrap();
    assert!(!provider.counts(access).await);
    assert_eq!(provider.userinfo(access).await.status, 401);
    assert_eq!(exchange(&provider, "web", &code).await.error(), "invalid_grant");
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("client_id", "web"),
    ];
    assert_eq!(provider.post("token", None, &form).await.error(), "invalid_grant");
    assert_eq!(sent(&browser.authorize(&provider, "web", &[("prompt", "none")]).await)["error"], "login_required");
    let refused = Browser::new().log_in(&provider, "ann@house.example", PASSWORD).await;
    assert!(refused.status == 403 && refused.body.contains("This account is locked."), "{refused:?}");
    provider.operate(&format!("POST persons/{person}/unlock"), "k2", json!({})).await;
    assert_eq!(Browser::new().log_in(&provider, "ann@house.example", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn what_operators_do_is_for_operators() {
    let provider = Provider::open().await;
    let (_, _, person) = somebody(&provider).await;
    let headers = [("x-bongsu-principal".to_owned(), person.clone())];
    let read = provider
        .http
        .send(http::Method::GET, &provider.at(&format!("persons/{person}")), &headers, String::new())
        .await;
    assert_eq!(read.json()["type"], "/errors/forbidden");
    let told = provider.operate(&format!("GET persons/{person}"), "", Value::Null).await.json();
    assert_eq!(told, json!({ "id": person, "standing": "ACTIVE", "roles": ["member"] }));
    for unknown in ["usr_nobody", "ann@house.example", "x"] {
        assert_eq!(provider.operate(&format!("GET persons/{unknown}"), "", Value::Null).await.status, 404, "{unknown}");
    }
    let king = provider.operate(&format!("POST persons/{person}/roles"), "k1", json!({ "roles": ["king"] })).await;
    assert_eq!((king.status, king.json()["type"].as_str()), (422, Some("/errors/unknown-role")));
}

#[tokio::test]
async fn after_five_failures_attempts_slow_down_also_for_who_is_not_there() {
    let provider = Provider::open().await;
    somebody(&provider).await;
    for email in ["ann@house.example", "nobody@house.example"] {
        let mut browser = Browser::new();
        for _ in 0..6 {
            assert_eq!(browser.log_in(&provider, email, "a wrong password").await.status, 401);
        }
        let early = browser.log_in(&provider, email, PASSWORD).await;
        assert_eq!((early.status, early.header("retry-after")), (429, "1"), "{email}");
        provider.clock.advance(2);
        assert_eq!(browser.log_in(&provider, email, "a wrong password").await.status, 401);
        let early = browser.log_in(&provider, email, PASSWORD).await;
        assert_eq!((early.status, early.header("retry-after")), (429, "2"), "{email}");
        provider.clock.advance(3);
    }
    let mut browser = Browser::new();
    assert_eq!(browser.log_in(&provider, "ann@house.example", PASSWORD).await.status, 303);
    assert_eq!(
        browser.log_in(&provider, "ann@house.example", "a wrong password").await.status,
        401,
        "and it begins anew"
    );
}

#[tokio::test]
async fn guesses_at_once_are_counted_before_they_are_compared() {
    let provider = Provider::open().await;
    somebody(&provider).await;
    let all = crate::tokens::futures_of(20, async || {
        Browser::new().log_in(&provider, "ann@house.example", "a wrong password").await.status
    });
    let all = all.await;
    let compared = all.iter().filter(|status| **status == 401).count();
    assert!(compared <= 8 && all.contains(&429), "{all:?}");
}

#[tokio::test]
async fn a_place_that_fails_often_waits_whatever_address_it_tries() {
    let provider = Provider::open().await;
    let mut browser = Browser::new();
    browser.extra = vec![("x-forwarded-for".into(), "192.0.2.7".into())];
    for at in 0..31 {
        assert_eq!(browser.log_in(&provider, &format!("a{at}@house.example"), "guess").await.status, 401, "{at}");
    }
    assert_eq!(browser.log_in(&provider, "another@house.example", "guess").await.status, 429);
    browser.extra = vec![("x-forwarded-for".into(), "192.0.2.8".into())];
    assert_eq!(browser.log_in(&provider, "another@house.example", "guess").await.status, 401);
}

#[tokio::test]
async fn the_audit_trail_says_what_happened_and_who_did_it() {
    let provider = Provider::open().await;
    let (_, _, person) = somebody(&provider).await;
    provider.operate(&format!("POST persons/{person}/lock"), "k1", json!({})).await;
    let trail = provider.handle.trail::<identity::person::Persons>(&person, 0, 100).await.expect("a trail");
    let names: Vec<&str> = trail.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["identity.registered", "identity.logged-in", "identity.locked"]);
    let actors: Vec<&str> = trail.iter().map(|entry| entry.actor.as_str()).collect();
    assert_eq!(actors, [person.as_str(), person.as_str(), "operator"]);
}
