//! People with a browser: signing up, logging in, another password, logging out; and forms that nobody was shown.

use crate::{
    browser::{Browser, PASSWORD, sent, wish},
    provider::Provider,
};

#[tokio::test]
async fn somebody_signs_up_on_the_way_to_a_client() {
    let provider = Provider::open().await;
    let mut browser = Browser::new();
    let away = browser.authorize(&provider, "web", &[]).await;
    assert_eq!(away.status, 303);
    let login = away.header("location").to_owned();
    assert!(login.starts_with(&provider.at("login?to=")), "{login}");
    let page = browser.get(&login).await;
    assert!(page.body.contains("sign-up?to="), "{page:?}");
    let sign_up = login.replace("/login?", "/sign-up?");
    let fields = [("email", "ann@house.example"), ("name", "Ann"), ("password", PASSWORD)];
    let back = browser.fill(&sign_up, &fields).await;
    assert!(back.header("location").starts_with(&provider.at("authorize?")), "{back:?}");
    let told = sent(&browser.get(back.header("location")).await);
    assert_eq!((told["state"].as_str(), told["iss"].as_str()), (Some("st"), Some(provider.issuer.as_str())));
    assert!(told["code"].is_string());
}

#[tokio::test]
async fn pages_are_for_people_and_for_nobody_to_frame_or_keep() {
    let provider = Provider::open().await;
    let mut browser = Browser::new();
    browser.extra = vec![("accept-language".into(), "ko-KR,en;q=0.5".into())];
    let page = browser.get(&provider.at("login")).await;
    assert!(page.body.contains("<html lang=\"ko\">") && page.body.contains("로그인"), "{page:?}");
    assert!(!page.body.contains("<script"), "{page:?}");
    assert_eq!((page.header("cache-control"), page.header("x-frame-options")), ("no-store", "DENY"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{policy}");
    assert!(policy.contains("form-action 'self' http://127.0.0.1:* http://127.0.0.1:9"), "{policy}");
    browser.extra.clear();
    let english = browser.get(&provider.at("sign-up")).await;
    assert!(english.body.contains("<html lang=\"en\">") && english.body.contains("At least 8 characters"));
    assert_eq!(browser.get(&provider.at("style.css")).await.header("content-type"), "text/css; charset=utf-8");
}

#[tokio::test]
async fn what_cannot_be_signed_up_is_said_and_changes_nothing() {
    let provider = Provider::open().await;
    let mut browser = Browser::new();
    let all = [
        ("no address", "Ann", PASSWORD, 422),
        ("ann@house.example", "", PASSWORD, 422),
        ("ann@house.example", "Ann", "short", 422),
        ("ann@house.example", "Ann", &"x".repeat(257), 422),
        ("ann@house.example", "Ann", "ann@house.example", 422),
    ];
    for (email, name, password, status) in all {
        let fields = [("email", email), ("name", name), ("password", password)];
        let answer = browser.fill(&provider.at("sign-up"), &fields).await;
        assert_eq!(answer.status, status, "{email} {name} {password}");
        assert!(answer.body.contains("role=\"alert\""), "{answer:?}");
        assert!(email == password || !answer.body.contains(password), "a password is not sent back: {answer:?}");
    }
    browser.sign_up(&provider, "ann@house.example").await;
    let again = [("email", " ANN@house.example"), ("name", "Bob"), ("password", PASSWORD)];
    assert_eq!(Browser::new().fill(&provider.at("sign-up"), &again).await.status, 409);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let provider = Provider::open().await;
    Browser::new().sign_up(&provider, "ann@house.example").await;
    let mut browser = Browser::new();
    let wrong = browser.log_in(&provider, "ann@house.example", "another password").await;
    let unknown = browser.log_in(&provider, "bob@house.example", "another password").await;
    assert_eq!((wrong.status, unknown.status), (401, 401));
    assert_eq!(wrong.body.replace("ann@", "bob@"), unknown.body);
    assert_eq!(browser.log_in(&provider, "ann@house.example", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn a_form_counts_only_from_the_page_it_was_shown_on() {
    let provider = Provider::open().await;
    Browser::new().sign_up(&provider, "ann@house.example").await;
    let fields = [("email", "ann@house.example"), ("password", PASSWORD)];
    let mut bare = Browser::new();
    assert_eq!(bare.post(&provider.at("login"), &fields).await.status, 403, "no cookie, no proof");
    let page = bare.get(&provider.at("login")).await;
    let mut other = Browser::new();
    other.get(&provider.at("login")).await;
    assert_eq!(other.submit(&page, &fields).await.status, 403, "another browser's proof");
    let sign_up = bare.get(&provider.at("sign-up")).await;
    let moved = crate::provider::Response { body: sign_up.body.replace("/sign-up\"", "/login\""), ..sign_up };
    assert_eq!(bare.submit(&moved, &fields).await.status, 403, "another form's proof");
    bare.extra = vec![("sec-fetch-site".into(), "cross-site".into())];
    assert_eq!(bare.submit(&page, &fields).await.status, 403, "another site's form");
    bare.extra.clear();
    assert_eq!(bare.submit(&page, &fields).await.status, 303);
}

#[tokio::test]
async fn another_password_ends_every_other_session() {
    let provider = Provider::open().await;
    let mut here = Browser::new();
    here.sign_up(&provider, "ann@house.example").await;
    let mut there = Browser::new();
    assert_eq!(there.log_in(&provider, "ann@house.example", PASSWORD).await.status, 303);
    let tokens = there.tokens(&provider, "web").await;
    let next = "another good password";
    let wrong = here.fill(&provider.at("password"), &[("present", "wrong password"), ("next", next)]).await;
    assert_eq!(wrong.status, 401);
    let unfit = here.fill(&provider.at("password"), &[("present", PASSWORD), ("next", "short")]).await;
    assert_eq!(unfit.status, 422);
    let done = here.fill(&provider.at("password"), &[("present", PASSWORD), ("next", next)]).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(sent(&here.authorize(&provider, "web", &[("prompt", "none")]).await)["error"], serde_json::Value::Null);
    assert_eq!(sent(&there.authorize(&provider, "web", &[("prompt", "none")]).await)["error"], "login_required");
    assert!(!provider.counts(tokens["access_token"].as_str().unwrap()).await);
    assert_eq!(Browser::new().log_in(&provider, "ann@house.example", PASSWORD).await.status, 401);
    assert_eq!(Browser::new().log_in(&provider, "ann@house.example", next).await.status, 303);
}

#[tokio::test]
async fn logging_in_ends_the_session_that_the_browser_had() {
    let provider = Provider::open().await;
    let mut browser = Browser::new();
    browser.sign_up(&provider, "ann@house.example").await;
    let before = browser.cookies.clone();
    let asked = browser.get(&wish(&provider, "web", &[("prompt", "login")])).await;
    assert!(asked.header("location").starts_with(&provider.at("login?")), "{asked:?}");
    let login = asked.header("location").to_owned();
    let back = browser.fill(&login, &[("email", "ann@house.example"), ("password", PASSWORD)]).await;
    assert!(sent(&browser.get(back.header("location")).await)["code"].is_string());
    let mut old = Browser::new();
    old.cookies = before;
    assert_eq!(sent(&old.authorize(&provider, "web", &[("prompt", "none")]).await)["error"], "login_required");
}

#[tokio::test]
async fn logging_out_is_asked_for_unless_the_client_shows_whose_session_it_is() {
    let provider = Provider::open().await;
    let mut browser = Browser::new();
    browser.sign_up(&provider, "ann@house.example").await;
    let tokens = browser.tokens(&provider, "web").await;
    let link = provider.at("logout?client_id=web&post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fbye&state=s1");
    let page = browser.get(&link).await;
    assert!(page.status == 200 && page.body.contains("Do you want to log out?"), "{page:?}");
    assert!(provider.counts(tokens["access_token"].as_str().unwrap()).await, "only asked");
    let done = browser.submit(&page, &[]).await;
    assert_eq!(done.header("location"), "http://127.0.0.1:9/bye?state=s1");
    assert!(!provider.counts(tokens["access_token"].as_str().unwrap()).await);
    browser.log_in(&provider, "ann@house.example", PASSWORD).await;
    let tokens = browser.tokens(&provider, "web").await;
    let hint = tokens["id_token"].as_str().unwrap();
    let done = browser.get(&format!("{link}&id_token_hint={hint}")).await;
    assert_eq!(done.header("location"), "http://127.0.0.1:9/bye?state=s1");
    assert_eq!(sent(&browser.authorize(&provider, "web", &[("prompt", "none")]).await)["error"], "login_required");
    let elsewhere = provider.at("logout?client_id=web&post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fevil");
    assert_eq!(browser.get(&elsewhere).await.status, 400);
}
