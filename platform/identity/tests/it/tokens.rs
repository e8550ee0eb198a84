//! What a code is exchanged for, and what clients, services and userinfo make of it.

use serde_json::{Value, json};

use crate::{
    browser::{Browser, PASSWORD, VERIFIER, exchange, sent, wish},
    provider::{BACK, Provider, SECRET, claims, header},
};

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}"))
}

async fn somebody(provider: &Provider) -> Browser {
    let mut browser = Browser::new();
    browser.sign_up(provider, "ann@house.example").await;
    browser
}

#[tokio::test]
async fn a_code_becomes_tokens_that_say_who_for_whom_and_how_long() {
    let provider = Provider::open().await;
    let tokens = somebody(&provider).await.tokens(&provider, "web").await;
    let (access, id) = (text(&tokens, "access_token"), text(&tokens, "id_token"));
    assert_eq!((header(access)["typ"].as_str(), header(access)["alg"].as_str()), (Some("at+jwt"), Some("ES256")));
    assert_eq!((header(id)["typ"].as_str(), header(id)["alg"].as_str()), (Some("JWT"), Some("ES256")));
    let (access, id) = (claims(access), claims(id));
    assert!(text(&access, "sub").starts_with("usr_") && access["sub"] == id["sub"]);
    assert_eq!(
        (&access["iss"], &access["aud"], &access["client_id"]),
        (&json!(provider.issuer), &json!("house"), &json!("web"))
    );
    assert_eq!((&id["aud"], &id["nonce"]), (&json!("web"), &json!("no")));
    assert_eq!(access["roles"], json!(["member"]));
    assert_eq!(access["exp"].as_i64().unwrap() - access["iat"].as_i64().unwrap(), 300);
    assert_eq!(tokens["expires_in"], 300);
    assert!(
        access["jti"].is_string()
            && access["sid"] == id["sid"]
            && id["at_hash"].is_string()
            && id["auth_time"].is_i64()
    );
    let said = format!("{access}{id}");
    assert!(!said.contains("ann@") && !said.contains("Ann Nowhere"), "{said}");
}

#[tokio::test]
async fn userinfo_tells_what_the_scope_lets_it_as_it_is_now() {
    let provider = Provider::open().await;
    let mut browser = somebody(&provider).await;
    let tokens = browser.tokens(&provider, "web").await;
    let all = provider.userinfo(text(&tokens, "access_token")).await.json();
    assert_eq!(
        (&all["email"], &all["name"], &all["roles"]),
        (&json!("ann@house.example"), &json!("Ann Nowhere"), &json!(["member"]))
    );
    let answer = browser.authorize(&provider, "web", &[("scope", "openid")]).await;
    let few = exchange(&provider, "web", sent(&answer)["code"].as_str().unwrap()).await.json();
    let few = provider.userinfo(text(&few, "access_token")).await.json();
    assert_eq!(few.as_object().unwrap().keys().collect::<Vec<_>>(), ["sub"]);
}

#[tokio::test]
async fn a_code_counts_once_and_coming_again_takes_back_what_it_gave() {
    let provider = Provider::open().await;
    let mut browser = somebody(&provider).await;
    let code = browser.code(&provider, "web").await;
    let tokens = exchange(&provider, "web", &code).await.json();
    assert!(provider.counts(text(&tokens, "access_token")).await);
    assert_eq!(exchange(&provider, "web", &code).await.error(), "invalid_grant");
    assert!(!provider.counts(text(&tokens, "access_token")).await);
    let form =
        [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token")), ("client_id", "web")];
    assert_eq!(provider.post("token", None, &form).await.error(), "invalid_grant");
    assert_eq!(provider.userinfo(text(&tokens, "access_token")).await.status, 401);
}

#[tokio::test]
async fn fifty_exchanges_of_one_code_give_tokens_once() {
    let provider = Provider::open().await;
    let code = somebody(&provider).await.code(&provider, "web").await;
    let all = futures_of(50, async || exchange(&provider, "web", &code).await.status).await;
    assert_eq!(all.iter().filter(|status| **status == 200).count(), 1, "{all:?}");
}

/// Runs the same so many times at once.
pub(crate) async fn futures_of<T>(times: usize, run: impl AsyncFn() -> T) -> Vec<T> {
    let all: Vec<_> = (0..times).map(|_| run()).collect();
    futures::future::join_all(all).await
}

#[tokio::test]
async fn a_code_runs_out_after_a_minute() {
    let provider = Provider::open().await;
    let code = somebody(&provider).await.code(&provider, "web").await;
    provider.clock.advance(61);
    assert_eq!(exchange(&provider, "web", &code).await.error(), "invalid_grant");
}

#[tokio::test]
async fn an_access_token_is_dead_after_five_minutes() {
    let provider = Provider::open().await;
    let tokens = somebody(&provider).await.tokens(&provider, "web").await;
    provider.clock.advance(299);
    assert!(provider.counts(text(&tokens, "access_token")).await);
    provider.clock.advance(2);
    assert!(!provider.counts(text(&tokens, "access_token")).await);
    assert_eq!(provider.userinfo(text(&tokens, "access_token")).await.status, 401);
}

#[tokio::test]
async fn a_client_asks_for_itself_and_has_the_roles_it_was_given() {
    let provider = Provider::open().await;
    let answer = provider.ask("token", &[("grant_type", "client_credentials"), ("scope", "doors")]).await;
    let tokens = answer.json();
    let access = claims(text(&tokens, "access_token"));
    assert_eq!(
        (&access["sub"], &access["roles"], &access["scope"]),
        (&json!("server"), &json!(["operator"]), &json!("doors"))
    );
    assert!(tokens.get("refresh_token").is_none() && tokens.get("id_token").is_none());
    assert!(provider.counts(text(&tokens, "access_token")).await);
    assert_eq!(provider.userinfo(text(&tokens, "access_token")).await.status, 403);
    let in_body = [("grant_type", "client_credentials"), ("client_id", "server"), ("client_secret", SECRET)];
    assert_eq!(provider.post("token", None, &in_body).await.status, 200);
}

#[tokio::test]
async fn an_access_token_given_back_counts_no_more() {
    let provider = Provider::open().await;
    let tokens = somebody(&provider).await.tokens(&provider, "web").await;
    let access = text(&tokens, "access_token");
    assert_eq!(provider.ask("revoke", &[("token", access)]).await.status, 200);
    assert!(provider.counts(access).await, "it was another client's");
    assert_eq!(provider.post("revoke", None, &[("client_id", "web"), ("token", access)]).await.status, 200);
    assert!(!provider.counts(access).await);
    assert_eq!(provider.post("revoke", None, &[("client_id", "web"), ("token", "nonsense")]).await.status, 200);
}

#[tokio::test]
async fn introspection_tells_a_client_with_a_secret_what_a_token_says() {
    let provider = Provider::open().await;
    let tokens = somebody(&provider).await.tokens(&provider, "web").await;
    let told = provider.ask("introspect", &[("token", text(&tokens, "access_token"))]).await.json();
    assert_eq!(
        (&told["active"], &told["client_id"], &told["token_type"]),
        (&json!(true), &json!("web"), &json!("Bearer"))
    );
    for none in ["nonsense", "a.b.c", text(&tokens, "id_token"), text(&tokens, "refresh_token")] {
        assert_eq!(provider.ask("introspect", &[("token", none)]).await.json(), json!({ "active": false }), "{none}");
    }
    let public = provider.post("introspect", None, &[("client_id", "web"), ("token", "x")]).await;
    assert_eq!((public.status, public.error().as_str()), (401, "invalid_client"));
}

#[tokio::test]
async fn nobody_who_is_not_logged_in_gets_anything_silently() {
    let provider = Provider::open().await;
    let told = sent(&Browser::new().authorize(&provider, "web", &[("prompt", "none")]).await);
    assert_eq!((told["error"].as_str(), told["state"].as_str()), (Some("login_required"), Some("st")));
}

#[tokio::test]
async fn who_logged_in_too_long_ago_logs_in_again_when_the_client_wants_it() {
    let provider = Provider::open().await;
    let mut browser = somebody(&provider).await;
    provider.clock.advance(100);
    assert!(sent(&browser.authorize(&provider, "web", &[("max_age", "200")]).await)["code"].is_string());
    let again = browser.authorize(&provider, "web", &[("max_age", "50")]).await;
    let login = again.header("location").to_owned();
    assert!(login.starts_with(&provider.at("login?")), "{again:?}");
    let back = browser.fill(&login, &[("email", "ann@house.example"), ("password", PASSWORD)]).await;
    assert!(sent(&browser.get(back.header("location")).await)["code"].is_string());
}

#[tokio::test]
async fn a_session_has_an_end() {
    let provider = Provider::open().await;
    let mut browser = somebody(&provider).await;
    provider.clock.advance(43_201);
    assert_eq!(sent(&browser.authorize(&provider, "web", &[("prompt", "none")]).await)["error"], "login_required");
}

#[tokio::test]
async fn a_program_on_ones_own_machine_listens_on_any_port_of_it() {
    let provider = Provider::open().await;
    let mut browser = somebody(&provider).await;
    let there = "http://127.0.0.1:51234/back";
    let answer = browser.get(&wish(&provider, "app", &[("redirect_uri", there)])).await;
    assert!(answer.header("location").starts_with(&format!("{there}?code=")), "{answer:?}");
    let code = url::Url::parse(answer.header("location")).unwrap();
    let code = code.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let form = |uri| {
        [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", uri),
            ("code_verifier", VERIFIER),
            ("client_id", "app"),
        ]
    };
    assert_eq!(provider.post("token", None, &form(BACK)).await.error(), "invalid_grant");
    let tokens = provider.post("token", None, &form(there)).await.json();
    assert!(tokens.get("refresh_token").is_none() && tokens["access_token"].is_string());
    for bad in [
        "http://127.0.0.1:51234/other",
        "http://localhost:51234/back",
        "https://127.0.0.1:51234/back",
        "http://127.0.0.1:51234/back?x",
    ] {
        assert_eq!(browser.get(&wish(&provider, "app", &[("redirect_uri", bad)])).await.status, 400, "{bad}");
    }
}
