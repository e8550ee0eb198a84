//! Refresh tokens rotate: one successor, however many ask at once; and one that comes again later ends them all.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    browser::Browser,
    provider::{Provider, Response, claims},
    tokens::futures_of,
};

async fn first(provider: &Provider) -> Value {
    let mut browser = Browser::new();
    browser.sign_up(provider, "ann@house.example").await;
    browser.tokens(provider, "web").await
}

async fn refresh(provider: &Provider, token: &str, more: &[(&str, &str)]) -> Response {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "web")];
    provider.post("token", None, &[&form[..], more].concat()).await
}

fn next(answer: &Response) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["refresh_token"].as_str().expect("a refresh token").to_owned()
}

#[tokio::test]
async fn fifty_refreshes_of_one_token_at_once_give_one_successor() {
    let provider = Provider::open().await;
    let token = first(&provider).await["refresh_token"].as_str().unwrap().to_owned();
    let all = futures_of(50, async || next(&refresh(&provider, &token, &[]).await)).await;
    let successors: BTreeSet<&String> = all.iter().collect();
    assert_eq!((all.len(), successors.len()), (50, 1));
    assert_ne!(all[0], token);
    assert_ne!(next(&refresh(&provider, &all[0], &[]).await), all[0]);
}

#[tokio::test]
async fn a_token_that_comes_again_after_the_grace_ends_all_that_came_of_it() {
    let provider = Provider::open().await;
    let token = first(&provider).await["refresh_token"].as_str().unwrap().to_owned();
    let second = refresh(&provider, &token, &[]).await;
    let access = second.json()["access_token"].as_str().unwrap().to_owned();
    provider.clock.advance(9);
    assert_eq!(next(&refresh(&provider, &token, &[]).await), next(&second), "the answer may have been lost");
    provider.clock.advance(2);
    assert!(provider.counts(&access).await);
    assert_eq!(refresh(&provider, &token, &[]).await.error(), "invalid_grant");
    assert_eq!(refresh(&provider, &next(&second), &[]).await.error(), "invalid_grant");
    assert!(!provider.counts(&access).await);
}

#[tokio::test]
async fn two_turns_later_even_the_grace_does_not_help() {
    let provider = Provider::open().await;
    let token = first(&provider).await["refresh_token"].as_str().unwrap().to_owned();
    let second = next(&refresh(&provider, &token, &[]).await);
    let third = next(&refresh(&provider, &second, &[]).await);
    assert_eq!(refresh(&provider, &token, &[]).await.error(), "invalid_grant");
    assert_eq!(refresh(&provider, &third, &[]).await.error(), "invalid_grant");
}

#[tokio::test]
async fn refresh_tokens_have_an_end_that_turning_does_not_move() {
    let provider = Provider::open().await;
    let token = first(&provider).await["refresh_token"].as_str().unwrap().to_owned();
    provider.clock.advance(1_209_000);
    let second = next(&refresh(&provider, &token, &[]).await);
    provider.clock.advance(700);
    assert_eq!(refresh(&provider, &second, &[]).await.error(), "invalid_grant");
}

#[tokio::test]
async fn what_is_refreshed_says_no_more_than_what_was_granted() {
    let provider = Provider::open().await;
    let token = first(&provider).await["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(refresh(&provider, &token, &[("scope", "openid doors")]).await.error(), "invalid_scope");
    let fewer = refresh(&provider, &token, &[("scope", "openid")]).await.json();
    assert_eq!(fewer["scope"], "openid");
    let all = refresh(&provider, fewer["refresh_token"].as_str().unwrap(), &[]).await.json();
    assert_eq!(all["scope"], "email openid profile roles");
}

#[tokio::test]
async fn a_token_is_its_clients_and_given_back_it_is_dead() {
    let provider = Provider::open().await;
    let tokens = first(&provider).await;
    let (token, access) = (tokens["refresh_token"].as_str().unwrap(), tokens["access_token"].as_str().unwrap());
    let secret = Some(("rsa", crate::provider::SECRET));
    let theirs = provider.post("token", secret, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await;
    assert_eq!(theirs.error(), "invalid_grant");
    assert_eq!(provider.post("revoke", secret, &[("token", token)]).await.status, 200);
    assert!(provider.counts(access).await, "it was another client's");
    assert_eq!(provider.post("revoke", None, &[("token", token), ("client_id", "web")]).await.status, 200);
    assert!(!provider.counts(access).await);
    assert_eq!(refresh(&provider, token, &[]).await.error(), "invalid_grant");
}

#[tokio::test]
async fn roles_are_those_of_now() {
    let provider = Provider::open().await;
    let tokens = first(&provider).await;
    let person = claims(tokens["access_token"].as_str().unwrap())["sub"].as_str().unwrap().to_owned();
    let changed =
        provider.operate(&format!("POST persons/{person}/roles"), "k1", json!({ "roles": ["operator"] })).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let after = refresh(&provider, tokens["refresh_token"].as_str().unwrap(), &[]).await.json();
    assert_eq!(claims(after["access_token"].as_str().unwrap())["roles"], json!(["operator"]));
}
