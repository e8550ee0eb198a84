//! Keys that sign: shown before they sign, and until their last token is dead.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    browser::Browser,
    provider::{Provider, header},
};

async fn shown(provider: &Provider, alg: &str) -> BTreeSet<String> {
    let keys = provider.http.get(&provider.at("jwks")).await.json();
    let keys = keys["keys"].as_array().expect("keys").clone();
    assert!(keys.iter().all(|key| key.get("d").is_none() && key.get("p").is_none()), "only public parts: {keys:?}");
    let of = keys.into_iter().filter(|key| key["alg"] == alg);
    of.map(|key| key["kid"].as_str().expect("a name").to_owned()).collect()
}

async fn signs(provider: &Provider, client: &str, token: &str) -> String {
    let mut browser = Browser::new();
    let email = format!("{}@house.example", provider.clock_name());
    if browser.log_in(provider, &email, crate::browser::PASSWORD).await.status != 303 {
        browser.sign_up(provider, &email).await;
    }
    let tokens = browser.tokens(provider, client).await;
    header(tokens[token].as_str().expect("a token"))["kid"].as_str().expect("a name").to_owned()
}

impl Provider {
    fn clock_name(&self) -> &'static str {
        "keeper"
    }
}

#[tokio::test]
async fn the_next_key_is_shown_before_it_signs_and_the_last_until_its_tokens_are_dead() {
    let provider = Provider::with(|settings| {
        settings["key_cache_s"] = 100.into();
        settings["key_life_s"] = 10_000.into();
    })
    .await;
    let first = signs(&provider, "web", "access_token").await;
    assert_eq!(shown(&provider, "ES256").await, BTreeSet::from([first.clone()]));
    provider.clock.advance(9_850);
    let both = shown(&provider, "ES256").await;
    assert_eq!(both.len(), 2, "the next one is shown");
    assert_eq!(signs(&provider, "web", "access_token").await, first, "and does not sign yet");
    provider.clock.advance(195);
    assert_eq!(signs(&provider, "web", "access_token").await, first);
    provider.clock.advance(10);
    let second = signs(&provider, "web", "access_token").await;
    assert!(second != first && both.contains(&second));
    provider.clock.advance(300);
    assert_eq!(shown(&provider, "ES256").await, both, "a token of the first may still live");
    provider.clock.advance(100);
    assert_eq!(shown(&provider, "ES256").await, BTreeSet::from([second]));
}

#[tokio::test]
async fn a_client_that_asks_for_it_gets_id_tokens_with_rsa() {
    let provider = Provider::open().await;
    let mut browser = Browser::new();
    browser.sign_up(&provider, "ann@house.example").await;
    let tokens = browser.tokens(&provider, "rsa").await;
    let id = header(tokens["id_token"].as_str().unwrap());
    assert_eq!(id["alg"], "RS256");
    assert!(shown(&provider, "RS256").await.contains(id["kid"].as_str().unwrap()));
    assert_eq!(header(tokens["access_token"].as_str().unwrap())["alg"], "ES256");
}

#[tokio::test]
async fn what_is_offered_is_told_and_may_be_kept() {
    let provider = Provider::open().await;
    let told = provider.http.get(&provider.at(".well-known/openid-configuration")).await;
    assert_eq!(told.header("cache-control"), "public, max-age=300");
    assert_eq!(told.header("access-control-allow-origin"), "*");
    let told = told.json();
    assert_eq!(told["issuer"], provider.issuer.as_str());
    assert_eq!(told["code_challenge_methods_supported"], serde_json::json!(["S256"]));
    let algs = told["id_token_signing_alg_values_supported"].as_array().unwrap();
    assert!(algs.contains(&Value::from("RS256")) && algs.contains(&Value::from("ES256")));
}
