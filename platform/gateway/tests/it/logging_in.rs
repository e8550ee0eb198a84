//! The way to a session, and what others try on it.

use axum::http::StatusCode;
use bongsu_runtime::ports::store::{Position, Scan};
use gateway::Sessions;
use serde_json::json;

use crate::browser::{Browser, ORIGIN, Town, callback};
use crate::provider::params;
use crate::street::{Response, Street, nobody};

async fn open(town: &Town) -> Street {
    let mut street = town.street(|sessions| sessions).await;
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    street
}

fn is_refused(answer: &Response, what: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}: {}", answer.body);
    assert!(answer.body.contains("/errors/login-failed"), "{what}: {}", answer.body);
    assert!(!answer.headers.contains_key("set-cookie"), "{what}");
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn the_issuer_is_asked_for_a_code_and_told_nothing_else() {
    let town = Town::new().await;
    let street = open(&town).await;
    let (mut browser, mut other) = (Browser::new(), Browser::new());
    let sent_to = browser.set_out(&street, "/bell").await;
    assert!(sent_to.starts_with(&format!("{}/authorize?", town.provider.issuer())), "{sent_to}");
    let asked = params(&sent_to);
    let said = |name: &str| asked[name].as_str();
    assert_eq!((said("response_type"), said("client_id"), said("scope")), ("code", "gateway", "openid profile"));
    assert_eq!(said("redirect_uri"), format!("{ORIGIN}/login/callback"));
    assert_eq!(said("code_challenge_method"), "S256");
    let again = params(&other.set_out(&street, "/bell").await);
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(asked[name], again[name], "{name}");
    }
    let secret = &browser.cookies["__Host-login"];
    assert!(!sent_to.contains(secret.as_str()), "what ties it to this browser stays there");
}

#[tokio::test]
async fn two_tabs_of_a_browser_both_come_back() {
    let town = Town::new().await;
    let street = open(&town).await;
    let mut browser = Browser::new();
    let (one, two) = (browser.set_out(&street, "/one").await, browser.set_out(&street, "/two").await);
    for (sent_to, back) in [(one, "/one"), (two, "/two")] {
        let code = town.provider.consent(&sent_to);
        let came = browser.get(&street, &callback(&sent_to, &code)).await;
        assert_eq!((came.status, came.headers["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, back));
    }
    assert_eq!(browser.who(&street).await["person"], "usr_ann");
}

#[tokio::test]
async fn a_login_that_was_begun_at_a_gateway_that_is_gone_ends_at_the_next_one() {
    let town = Town::new().await;
    let mut browser = Browser::new();
    let sent_to = browser.set_out(&open(&town).await, "/bell").await;
    let code = town.provider.consent(&sent_to);
    let next = open(&town).await;
    let came = browser.get(&next, &callback(&sent_to, &code)).await;
    assert_eq!((came.status, came.headers["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, "/bell"));
    assert!(
        town.store.scan(Scan::table("gateway-session", 10)).await.unwrap().len() == 1,
        "before it nothing was kept"
    );
}

#[tokio::test]
async fn logins_that_nobody_finishes_are_kept_nowhere() {
    let town = Town::new().await;
    let street = open(&town).await;
    for _ in 0..200 {
        let _ = Browser::new().set_out(&street, "/bell").await;
    }
    assert!(town.store.scan(Scan::table("gateway-session", 10)).await.unwrap().is_empty());
    assert_eq!(town.store.head().await.unwrap(), Position(0));
}

#[tokio::test]
async fn only_paths_of_this_system_are_returned_to() {
    let town = Town::new().await;
    let street = open(&town).await;
    for bad in [
        "https://evil.example",
        "//evil.example",
        "/%5Cevil.example",
        "%5C%5Cevil.example",
        "javascript:alert(1)",
        "/%09/evil.example",
        "/%0D%0Aset-cookie:%20a=b",
        "%20/bell",
        "bell",
        "",
        "/bell&return=/other",
    ] {
        let answer = Browser::new().get(&street, &format!("/login?return={bad}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}: {}", answer.body);
        assert!(answer.body.contains("/errors/bad-request") && !answer.headers.contains_key("location"), "{bad}");
    }
    assert_eq!(Browser::new().log_in(&street, &town, "/a%3Fb=//c%23d").await, "/a?b=//c#d");
}

#[tokio::test]
async fn a_browser_at_another_name_goes_on_at_the_one_that_is_known() {
    let town = Town::new().await;
    let street = open(&town).await;
    let answer = street.ask_at("GET", "/login?return=/bell", &[("host", "localhost:8080")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers["location"], format!("{ORIGIN}/login?return=%2Fbell"));
    let evil = street.ask_at("GET", "/login?return=/bell", &[("host", "evil.example")]).await;
    assert_eq!(evil.status, StatusCode::MISDIRECTED_REQUEST, "{}", evil.body);
}

#[tokio::test]
async fn a_code_that_was_not_got_for_this_browser_logs_nobody_in() {
    let town = Town::new().await;
    let street = open(&town).await;
    let mut attacker = Browser::new();
    let sent_to = attacker.set_out(&street, "/").await;
    let code = town.provider.consent(&sent_to);
    let his = callback(&sent_to, &code);
    // He gives his own code to somebody else, who would be logged in as him.
    let mut victim = Browser::new();
    is_refused(&victim.get(&street, &his).await, "without a login of his own");
    let own = victim.set_out(&street, "/").await;
    is_refused(&victim.get(&street, &his).await, "with one");
    let mixed = callback(&own, &code);
    is_refused(&victim.get(&street, &mixed).await, "with his own state: the verifier is another");
    let twice = format!("__Host-login={0}; __Host-login={0}", attacker.cookies["__Host-login"]);
    is_refused(&street.ask_at("GET", &his, &[("cookie", &twice)]).await, "with two cookies");
    assert_eq!(victim.who(&street).await["person"], serde_json::Value::Null);
}

#[tokio::test]
async fn what_comes_back_wrong_logs_nobody_in() {
    let town = Town::new().await;
    let street = open(&town).await;
    let mut browser = Browser::new();
    let sent_to = browser.set_out(&street, "/").await;
    let code = town.provider.consent(&sent_to);
    let right = callback(&sent_to, &code);
    let state = params(&sent_to)["state"].clone();
    for (bad, what) in [
        ("/login/callback".to_owned(), "nothing"),
        (format!("/login/callback?code={code}"), "no state"),
        (format!("/login/callback?code={code}&state="), "an empty state"),
        (format!("/login/callback?code={code}&state=garbage"), "a state of nobody's"),
        (format!("/login/callback?code={code}&state={}", "a".repeat(4_000)), "a long one"),
        (format!("/login/callback?state={state}"), "no code"),
        (format!("/login/callback?code=garbage&state={state}"), "a code of nobody's"),
        (format!("/login/callback?code={}&state={state}", "a".repeat(5_000)), "a long one"),
        (format!("/login/callback?error=access_denied&state={state}"), "a refusal"),
        (format!("{right}&iss=https://evil.example"), "another issuer"),
    ] {
        is_refused(&browser.get(&street, &bad).await, what);
    }
    let twice = browser.get(&street, &format!("{right}&code={code}")).await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.ask(&street, "HEAD", &right, &[]).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(browser.get(&street, &right).await.status, StatusCode::SEE_OTHER, "the right one still counts");
    is_refused(&browser.get(&street, &right).await, "and counts once");
}

#[tokio::test]
async fn what_the_issuer_says_has_to_be_about_this_login() {
    let town = Town::new().await;
    let street = open(&town).await;
    for (id, what) in [
        (json!({ "nonce": "another" }), "another nonce"),
        (json!({ "nonce": null }), "none"),
        (json!({ "aud": "web" }), "another client"),
        (json!({ "aud": ["gateway", "web"] }), "two clients"),
        (json!({ "azp": "web" }), "another client's"),
        (json!({ "iss": "https://evil.example" }), "another issuer"),
        (json!({ "sub": "usr_ben" }), "somebody else than the access token"),
        (json!({ "exp": 1 }), "over"),
        (json!({ "exp": "soon" }), "no time"),
    ] {
        town.provider.mood().id = id;
        let mut browser = Browser::new();
        let sent_to = browser.set_out(&street, "/").await;
        let code = town.provider.consent(&sent_to);
        is_refused(&browser.get(&street, &callback(&sent_to, &code)).await, what);
    }
    town.provider.mood().id = json!({ "aud": ["gateway", "web"], "azp": "gateway" });
    Browser::new().log_in(&street, &town, "/").await;
    town.provider.mood().sub = "vis_1";
    town.provider.mood().id = json!({ "sub": "vis_1" });
    let mut browser = Browser::new();
    let sent_to = browser.set_out(&street, "/").await;
    let code = town.provider.consent(&sent_to);
    is_refused(&browser.get(&street, &callback(&sent_to, &code)).await, "somebody who is called like a visitor");
}

#[tokio::test]
async fn a_gateway_that_has_a_secret_shows_it() {
    let mut town = Town::new().await;
    town.provider.mood().wants_secret = true;
    let street = open(&town).await;
    let mut browser = Browser::new();
    let sent_to = browser.set_out(&street, "/").await;
    let code = town.provider.consent(&sent_to);
    is_refused(&browser.get(&street, &callback(&sent_to, &code)).await, "without one");
    town.secret = Some("a+secret".into());
    let street = open(&town).await;
    assert_eq!(browser.log_in(&street, &town, "/bell").await, "/bell");
}

#[tokio::test]
async fn a_session_that_was_there_before_is_not_the_one_that_is_logged_in() {
    let town = Town::new().await;
    let street = open(&town).await;
    let mut browser = Browser::new();
    let planted = "0".repeat(64);
    browser.cookies.insert("__Host-session".into(), planted.clone());
    browser.log_in(&street, &town, "/").await;
    assert_ne!(browser.cookies["__Host-session"], planted);
    let mut attacker = Browser { cookies: [("__Host-session".to_owned(), planted)].into() };
    assert_eq!(attacker.get(&street, "/x").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_places_are_where_they_are_set_and_an_issuer_that_was_never_heard_logs_nobody_in() {
    let town = Town::new().await;
    let mut street = town.street(|sessions| Sessions { under: "/auth".into(), ..sessions }).await;
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    let sent = street.ask_at("GET", "/auth/login", &[]).await;
    let to = params(sent.headers["location"].to_str().unwrap());
    assert_eq!(to["redirect_uri"], format!("{ORIGIN}/auth/login/callback"));
    assert_eq!(street.ask_at("GET", "/login", &[]).await.status, StatusCode::UNAUTHORIZED, "a path like any other");
    assert_eq!(street.ask_at("GET", "/auth/session", &[]).await.status, StatusCode::OK);
    let mut deaf = Town::new().await;
    deaf.provider.address = nobody().await;
    let login =
        gateway::Login { cooldown_s: 1, ..gateway::Login::of(&format!("http://{}/realm", deaf.provider.address), "a") };
    let settings = gateway::Settings {
        login: Some(login),
        sessions: Some(Sessions::of(ORIGIN, "gateway")),
        ..gateway::Settings::default()
    };
    let shelf = gateway::Shelf::new(deaf.store.clone());
    let mut street = Street::set(settings.with_keys(Some(deaf.keys.clone())).with_shelf(Some(shelf)));
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    let answer = street.ask_at("GET", "/login", &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("/errors/login-unavailable"), "{}", answer.body);
}
