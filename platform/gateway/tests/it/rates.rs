//! How often something may be asked.

use std::sync::atomic::Ordering;

use gateway::Settings;
use gateway::rates::{Per, Rate};
use serde_json::json;

use crate::issuer::{Ec, Issuer};
use crate::street::Street;
use crate::tokens::ES256;

fn rate(name: &str, per: Per, path: &str, requests: u32) -> Rate {
    // An hour: while a test runs, nothing comes back.
    Rate { name: name.into(), per, path: path.into(), requests, seconds: 3_600 }
}

#[tokio::test]
async fn what_comes_too_often_is_told_when_to_come_back_and_reaches_no_service() {
    let rates = vec![rate("all", Per::Path, "/*", 5), rate("doors", Per::Address, "/doors/*", 2)];
    let mut street = Street::set(Settings { rates, ..Settings::default() });
    let (upstream, served) = street.upstream().await;
    street.route_to(vec![upstream]);
    let limit = async |path: &str| {
        let answer = street.ask_at("GET", path, &[]).await;
        let said = |name: &str| answer.headers.get(name).map(|line| line.to_str().unwrap().to_owned());
        (answer.status.as_u16(), said("ratelimit").unwrap_or_default(), said("retry-after"), answer.body)
    };
    assert_eq!(limit("/doors/7").await.1, "\"all\";r=4, \"doors\";r=1");
    assert_eq!(limit("/bells/7").await.1, "\"all\";r=3", "a rate says nothing of another path");
    let last = limit("/doors/7").await;
    assert!(last.0 == 200 && last.1 == "\"all\";r=2, \"doors\";r=0", "{last:?}");
    let (status, left, after, body) = limit("/doors/7").await;
    assert!(status == 429 && body.contains("/errors/too-many-requests") && body.contains("rate doors"), "{body}");
    let after: u32 = after.expect("when to come back").parse().expect("seconds");
    assert!((1_790..=1_800).contains(&after) && left.ends_with(&format!("\"doors\";r=0;t={after}")), "{left}");
    assert_eq!(limit("/bells/7").await.0, 200);
    assert_eq!(limit("/bells/7").await.0, 429, "what was refused counted for the others, too");
    assert_eq!(served.load(Ordering::SeqCst), 4);
    let policy = street.ask_at("GET", "/bells/7", &[]).await.headers["ratelimit-policy"].clone();
    assert_eq!(policy, "\"all\";q=5;w=3600");
}

#[tokio::test]
async fn each_person_has_his_own_and_whoever_is_nobody_the_one_of_his_address() {
    let key = Ec::new();
    let rates = vec![rate("his", Per::Person, "/*", 2)];
    let (issuer, mut street) = Issuer::set(Some(vec![key.jwk("a")]), |settings| Settings { rates, ..settings }).await;
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    let token = |who: &str, roles: &str| key.sign(ES256, &issuer.claims(&json!({ "sub": who, "roles": [roles] })));
    let ask = async |token: Option<&str>| {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        street.ask_at("GET", "/x", &headers).await.status.as_u16()
    };
    let (ann, again, ben) = (token("usr_ann", "a"), token("usr_ann", "b"), token("usr_ben", "a"));
    for (token, expected) in [
        (Some(&ann), 200),
        (Some(&again), 200),
        (Some(&ann), 429),
        (Some(&again), 429),
        (Some(&ben), 200),
        (None, 401),
        (None, 401),
        (None, 429),
        (Some(&ben), 200),
        (Some(&ben), 429),
    ] {
        assert_eq!(ask(token.map(String::as_str)).await, expected, "{token:?}");
    }
}
