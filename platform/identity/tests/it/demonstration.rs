//! People for demonstrations are made where the settings say so, and nowhere else.

use std::collections::BTreeSet;

use identity::demonstration::{NotSeeded, Somebody, seed};
use serde_json::json;

use crate::{
    browser::{Browser, PASSWORD},
    provider::{Provider, claims},
};

fn somebody(email: &str, role: &str) -> Somebody {
    let roles = BTreeSet::from([role.into()]);
    Somebody { email: email.into(), name: "Somebody".into(), password: PASSWORD.into(), roles }
}

#[tokio::test]
async fn people_are_made_once_and_can_log_in() {
    let provider = Provider::open().await;
    let people = || vec![somebody("1@uengine.org", "member"), somebody("2@uengine.org", "operator")];
    let made = seed(provider.handle.clone(), &provider.settings, people()).await.expect("made");
    assert_eq!(seed(provider.handle.clone(), &provider.settings, people()).await.expect("there"), made);
    let mut browser = Browser::new();
    assert_eq!(browser.log_in(&provider, "2@uengine.org", PASSWORD).await.status, 303);
    let tokens = browser.tokens(&provider, "web").await;
    assert_eq!(claims(tokens["access_token"].as_str().unwrap())["sub"], json!(made[1]));
    let unfit = seed(provider.handle.clone(), &provider.settings, vec![somebody("nobody", "member")]).await;
    assert!(matches!(unfit, Err(NotSeeded::Unfit(_))), "{unfit:?}");
    let king = seed(provider.handle.clone(), &provider.settings, vec![somebody("3@uengine.org", "king")]).await;
    assert!(matches!(king, Err(NotSeeded::Unfit(_))), "{king:?}");
}

#[tokio::test]
async fn an_operator_gets_a_token_in_somebodys_name() {
    let provider = Provider::open().await;
    let body = json!({ "email": "1@uengine.org", "name": "One", "password": PASSWORD, "roles": ["member"] });
    let made = provider.operate("POST demonstration/people", "", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let token = provider.operate("POST demonstration/tokens", "", json!({ "email": "1@uengine.org" })).await;
    let token = token.json()["access_token"].as_str().expect("a token").to_owned();
    assert_eq!((&claims(&token)["sub"], &claims(&token)["roles"]), (&made.json()["id"], &json!(["member"])));
    assert!(provider.counts(&token).await);
    assert_eq!(
        provider.operate("POST demonstration/tokens", "", json!({ "email": "9@uengine.org" })).await.status,
        404
    );
}

#[tokio::test]
async fn where_people_are_real_none_is_made() {
    let provider = Provider::with(|settings| settings["environment"] = "production".into()).await;
    let refused = seed(provider.handle.clone(), &provider.settings, vec![somebody("1@uengine.org", "member")]).await;
    assert!(matches!(refused, Err(NotSeeded::NotHere)), "{refused:?}");
    for place in ["people", "tokens"] {
        let answer = provider.operate(&format!("POST demonstration/{place}"), "", json!({})).await;
        assert_eq!(answer.status, 404, "{answer:?}");
    }
}
