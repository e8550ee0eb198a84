//! Refresh tokens rotate: one successor, however many ask at once; and one that comes again later ends them all.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    browser::Browser,
    house::{Answer, House, claims},
    tokens::futures_of,
};

async fn first(house: &House) -> Value {
    let mut browser = Browser::new();
    browser.sign_up(house, "ann@house.example").await;
    browser.tokens(house, "web").await
}

async fn refresh(house: &House, token: &str, more: &[(&str, &str)]) -> Answer {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "web")];
    house.post("token", None, &[&form[..], more].concat()).await
}

fn next(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["refresh_token"].as_str().expect("a refresh token").to_owned()
}

#[tokio::test]
async fn fifty_refreshes_of_one_token_at_once_give_one_successor() {
    let house = House::open().await;
    let token = first(&house).await["refresh_token"].as_str().unwrap().to_owned();
    let all = futures_of(50, async || next(&refresh(&house, &token, &[]).await)).await;
    let successors: BTreeSet<&String> = all.iter().collect();
    assert_eq!((all.len(), successors.len()), (50, 1));
    assert_ne!(all[0], token);
    assert_ne!(next(&refresh(&house, &all[0], &[]).await), all[0]);
}

#[tokio::test]
async fn a_token_that_comes_again_after_the_grace_ends_all_that_came_of_it() {
    let house = House::open().await;
    let token = first(&house).await["refresh_token"].as_str().unwrap().to_owned();
    let second = refresh(&house, &token, &[]).await;
    let access = second.json()["access_token"].as_str().unwrap().to_owned();
    house.clock.advance(9);
    assert_eq!(next(&refresh(&house, &token, &[]).await), next(&second), "the answer may have been lost");
    house.clock.advance(2);
    assert!(house.counts(&access).await);
    assert_eq!(refresh(&house, &token, &[]).await.error(), "invalid_grant");
    assert_eq!(refresh(&house, &next(&second), &[]).await.error(), "invalid_grant");
    assert!(!house.counts(&access).await);
}

#[tokio::test]
async fn two_turns_later_even_the_grace_does_not_help() {
    let house = House::open().await;
    let token = first(&house).await["refresh_token"].as_str().unwrap().to_owned();
    let second = next(&refresh(&house, &token, &[]).await);
    let third = next(&refresh(&house, &second, &[]).await);
    assert_eq!(refresh(&house, &token, &[]).await.error(), "invalid_grant");
    assert_eq!(refresh(&house, &third, &[]).await.error(), "invalid_grant");
}

#[tokio::test]
async fn refresh_tokens_have_an_end_that_turning_does_not_move() {
    let house = House::open().await;
    let token = first(&house).await["refresh_token"].as_str().unwrap().to_owned();
    house.clock.advance(1_209_000);
    let second = next(&refresh(&house, &token, &[]).await);
    house.clock.advance(700);
    assert_eq!(refresh(&house, &second, &[]).await.error(), "invalid_grant");
}

#[tokio::test]
async fn what_is_refreshed_says_no_more_than_what_was_granted() {
    let house = House::open().await;
    let token = first(&house).await["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(refresh(&house, &token, &[("scope", "openid doors")]).await.error(), "invalid_scope");
    let fewer = refresh(&house, &token, &[("scope", "openid")]).await.json();
    assert_eq!(fewer["scope"], "openid");
    let all = refresh(&house, fewer["refresh_token"].as_str().unwrap(), &[]).await.json();
    assert_eq!(all["scope"], "email openid profile roles");
}

#[tokio::test]
async fn a_token_is_its_clients_and_given_back_it_is_dead() {
    let house = House::open().await;
    let tokens = first(&house).await;
    let (token, access) = (tokens["refresh_token"].as_str().unwrap(), tokens["access_token"].as_str().unwrap());
    let secret = Some(("rsa", crate::house::SECRET));
    let theirs = house.post("token", secret, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await;
    assert_eq!(theirs.error(), "invalid_grant");
    assert_eq!(house.post("revoke", secret, &[("token", token)]).await.status, 200);
    assert!(house.counts(access).await, "it was another client's");
    assert_eq!(house.post("revoke", None, &[("token", token), ("client_id", "web")]).await.status, 200);
    assert!(!house.counts(access).await);
    assert_eq!(refresh(&house, token, &[]).await.error(), "invalid_grant");
}

#[tokio::test]
async fn roles_are_those_of_now() {
    let house = House::open().await;
    let tokens = first(&house).await;
    let person = claims(tokens["access_token"].as_str().unwrap())["sub"].as_str().unwrap().to_owned();
    let changed = house.operate(&format!("POST persons/{person}/roles"), "k1", json!({ "roles": ["operator"] })).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let after = refresh(&house, tokens["refresh_token"].as_str().unwrap(), &[]).await.json();
    assert_eq!(claims(after["access_token"].as_str().unwrap())["roles"], json!(["operator"]));
}
