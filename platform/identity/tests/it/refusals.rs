//! What must not work: each is refused clearly, and nothing is let in.

use http::Method;

use crate::{
    browser::{Browser, CHALLENGE, VERIFIER, sent, wish},
    provider::{BACK, Provider, SECRET, basic, written},
};

/// Wishes that are answered on a page, because it is not known whom to tell.
#[tokio::test]
async fn nothing_is_sent_to_an_address_that_is_not_proven() {
    let provider = Provider::open().await;
    let mut browser = Browser::new();
    browser.sign_up(&provider, "ann@house.example").await;
    let long = format!("{BACK}{}", "a".repeat(5_000));
    let bad = [
        "https://evil.example/back",
        "http://127.0.0.1:9/back/",
        "http://127.0.0.1:9/Back",
        "http://127.0.0.1:9/back?x=1",
        "http://127.0.0.1:9/back#x",
        "http://127.0.0.1:9/back/../back",
        "http://127.0.0.1:10/back",
        "http://localhost:9/back",
        "http://127.0.0.1:9@evil.example/back",
        "http://evil.example\\@127.0.0.1:9/back",
        "//127.0.0.1:9/back",
        "javascript:alert(1)",
        "data:text/html,x",
        " http://127.0.0.1:9/back",
        "http://127.0.0.1:9/back%00",
        &long,
    ];
    for uri in bad {
        let answer = browser.get(&wish(&provider, "web", &[("redirect_uri", uri)])).await;
        assert!(matches!(answer.status, 400 | 414), "{uri}: {answer:?}");
        assert_eq!(answer.header("location"), "", "{uri}");
    }
    for (name, value) in [("client_id", "nobody"), ("client_id", ""), ("redirect_uri", ""), ("client_id", "server")] {
        let answer = browser.get(&wish(&provider, "web", &[(name, value)])).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{name}={value}: {answer:?}");
        assert!(answer.header("content-type").starts_with("text/html"), "{answer:?}");
    }
    let good = wish(&provider, "web", &[]);
    for twice in ["redirect_uri=x", "client_id=web", "state=a", "%73tate=a", "scope=openid"] {
        let answer = browser.get(&format!("{good}&{twice}")).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{twice}: {answer:?}");
    }
    assert!(sent(&browser.get(&good).await)["code"].is_string(), "and the good one works");
}

/// Wishes of a proven client that it is told about.
#[tokio::test]
async fn a_wish_that_cannot_be_granted_goes_back_to_its_client() {
    let provider = Provider::open().await;
    let mut browser = Browser::new();
    browser.sign_up(&provider, "ann@house.example").await;
    let long = "x".repeat(1_025);
    let long_challenge = "a".repeat(44);
    let bad = [
        ("response_type", "", "unsupported_response_type"),
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "code id_token", "unsupported_response_type"),
        ("response_mode", "fragment", "invalid_request"),
        ("response_mode", "form_post", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge", &long_challenge, "invalid_request"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "s256", "invalid_request"),
        ("scope", "openid doors", "invalid_scope"),
        ("scope", "openid\u{a0}email", "invalid_scope"),
        ("state", &long, "invalid_request"),
        ("nonce", &long, "invalid_request"),
        ("prompt", "none login", "invalid_request"),
        ("prompt", "something", "invalid_request"),
        ("max_age", "-1", "invalid_request"),
        ("max_age", "soon", "invalid_request"),
        ("request", "e30.e30.", "request_not_supported"),
        ("request_uri", "https://evil.example/wish", "request_uri_not_supported"),
    ];
    for (name, value, error) in bad {
        let told = sent(&browser.get(&wish(&provider, "web", &[(name, value)])).await);
        assert_eq!(told["error"], error, "{name}={value}: {told}");
        assert!(told.get("code").is_none() && told["iss"] == provider.issuer.as_str(), "{told}");
    }
}

/// What is instead of a part of a good exchange, and how `/token` refuses it.
const EXCHANGES: [(&str, &str, u16, &str); 19] = [
    ("grant_type", "", 400, "invalid_request"),
    ("grant_type", "password", 400, "unsupported_grant_type"),
    ("grant_type", "urn:ietf:params:oauth:grant-type:device_code", 400, "unsupported_grant_type"),
    ("grant_type", "client_credentials", 400, "unauthorized_client"),
    ("code", "", 400, "invalid_request"),
    ("code", "nonsense", 400, "invalid_grant"),
    ("redirect_uri", "", 400, "invalid_request"),
    ("redirect_uri", "https://evil.example/back", 400, "invalid_grant"),
    ("redirect_uri", "http://127.0.0.1:9/back/", 400, "invalid_grant"),
    ("code_verifier", "", 400, "invalid_request"),
    ("code_verifier", "short", 400, "invalid_request"),
    ("code_verifier", "dBjftJeZ4CVP+mB92K27uhbUJU1p1r/wW1gFWFOEjXk", 400, "invalid_request"),
    ("code_verifier", CHALLENGE, 400, "invalid_grant"),
    ("code_verifier", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 400, "invalid_grant"),
    ("client_id", "", 401, "invalid_client"),
    ("client_id", "nobody", 401, "invalid_client"),
    ("client_id", "app", 400, "invalid_grant"),
    ("client_id", "rsa", 401, "invalid_client"),
    ("client_secret", SECRET, 401, "invalid_client"),
];

#[tokio::test]
async fn tokens_are_given_for_nothing_less_than_all_of_it() {
    let provider = Provider::open().await;
    let mut browser = Browser::new();
    browser.sign_up(&provider, "ann@house.example").await;
    let code = browser.code(&provider, "web").await;
    let good = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
        ("client_id", "web"),
    ];
    for (name, value, status, error) in EXCHANGES {
        let kept = good.into_iter().filter(|(other, _)| *other != name);
        let form: Vec<(&str, &str)> = kept.chain((!value.is_empty()).then_some((name, value))).collect();
        let answer = provider.post("token", None, &form).await;
        assert_eq!((answer.status, answer.error().as_str()), (status, error), "{name}={value}");
    }
    let answer = provider.post("token", None, &good).await;
    assert_eq!(answer.status, 200, "nothing of this used the code up: {answer:?}");
}

const GRANT: &str = "grant_type=client_credentials&scope=doors";

/// Headers, a body, and how it is refused.
type Refused<'t> = (Vec<(String, String)>, String, u16, &'t str);

/// Sends what `/token` must refuse.
async fn refused(provider: &Provider, all: Vec<Refused<'_>>) {
    for (headers, body, status, error) in all {
        let answer = provider.http.send(Method::POST, &provider.at("token"), &headers, body.clone()).await;
        assert_eq!((answer.status, answer.error().as_str()), (status, error), "{headers:?} {body}");
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401, "{answer:?}");
    }
}

fn kind(kind: &str) -> Vec<(String, String)> {
    vec![("content-type".to_owned(), kind.to_owned())]
}

fn form() -> Vec<(String, String)> {
    kind("application/x-www-form-urlencoded")
}

#[tokio::test]
async fn a_body_of_another_form_is_refused() {
    let provider = Provider::open().await;
    let named = format!("{GRANT}&client_id=server&client_secret={SECRET}");
    let more = |more: &str| format!("{named}&{more}");
    let all = vec![
        (kind("application/json"), named.clone(), 400, "invalid_request"),
        (kind("text/plain"), named.clone(), 400, "invalid_request"),
        (Vec::new(), named.clone(), 400, "invalid_request"),
        (form(), more("scope=doors"), 400, "invalid_request"),
        (form(), more("grant%5Ftype=client_credentials"), 400, "invalid_request"),
        (form(), more("x=%00"), 400, "invalid_request"),
        (form(), more("x=%ff"), 400, "invalid_request"),
        (form(), more(&format!("x={}", "a".repeat(5_000))), 400, "invalid_request"),
        (form(), more(&format!("x={}", "a".repeat(20_000))), 413, "invalid_request"),
        (form(), format!("{GRANT}&client_id=server"), 401, "invalid_client"),
        (form(), format!("{GRANT}&client_id=server&client_secret=wrong"), 401, "invalid_client"),
        (form(), String::new(), 401, "invalid_client"),
    ];
    refused(&provider, all).await;
    let good = provider.http.send(Method::POST, &provider.at("token"), &form(), named).await;
    assert_eq!(good.status, 200, "{good:?}");
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        assert_eq!(provider.http.send(method, &provider.at("token"), &form(), String::new()).await.status, 405);
    }
}

#[tokio::test]
async fn a_client_says_in_one_way_who_it_is() {
    let provider = Provider::open().await;
    let by = |header: (String, String)| [form(), vec![header]].concat();
    let says = |value: &str| by(("authorization".to_owned(), value.to_owned()));
    let right = || by(basic(("server", SECRET)));
    let named = format!("{GRANT}&client_id=server&client_secret={SECRET}");
    let twice = [right(), vec![basic(("server", SECRET))]].concat();
    let all = vec![
        (by(basic(("server", "wrong"))), GRANT.into(), 401, "invalid_client"),
        (by(basic(("nobody", SECRET))), GRANT.into(), 401, "invalid_client"),
        (by(basic(("web", ""))), GRANT.into(), 401, "invalid_client"),
        (says("Basic !!!"), GRANT.into(), 401, "invalid_client"),
        (says("Basic"), GRANT.into(), 401, "invalid_client"),
        (says("Bearer x"), GRANT.into(), 401, "invalid_client"),
        (right(), named, 400, "invalid_request"),
        (twice, GRANT.into(), 401, "invalid_client"),
        (right(), format!("{GRANT}%20openid"), 400, "invalid_scope"),
        (right(), "grant_type=refresh_token&refresh_token=x".into(), 400, "unauthorized_client"),
    ];
    refused(&provider, all).await;
    let good = provider.http.send(Method::POST, &provider.at("token"), &right(), GRANT.into()).await;
    assert_eq!(good.status, 200, "{good:?}");
}

/// Access tokens that are none.
#[tokio::test]
async fn a_token_that_is_not_ours_opens_nothing() {
    let provider = Provider::open().await;
    let mut browser = Browser::new();
    browser.sign_up(&provider, "ann@house.example").await;
    let tokens = browser.tokens(&provider, "web").await;
    let good = tokens["access_token"].as_str().unwrap();
    let (head, rest) = good.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0";
    let hmac = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9";
    let bad = [
        String::new(),
        "x".into(),
        format!("{head}.{body}."),
        format!("{head}.{body}.{}", signature.chars().rev().collect::<String>()),
        format!("{none}.{body}."),
        format!("{none}.{body}.{signature}"),
        format!("{hmac}.{body}.{signature}"),
        format!("{head}.{}.{signature}", body.replace('a', "b")),
        tokens["id_token"].as_str().unwrap().into(),
        tokens["refresh_token"].as_str().unwrap().into(),
    ];
    for token in bad {
        let answer = provider.userinfo(&token).await;
        assert_eq!(answer.status, 401, "{token}: {answer:?}");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{answer:?}");
    }
    let bare = provider.http.get(&provider.at("userinfo")).await;
    assert_eq!((bare.status, bare.header("www-authenticate")), (401, "Bearer realm=\"identity\""));
    assert_eq!(provider.userinfo(good).await.status, 200);
}

/// Pages answer forms, not everything.
#[tokio::test]
async fn a_page_takes_one_form_of_a_sane_size() {
    let provider = Provider::open().await;
    for page in ["login", "sign-up", "password", "logout", "authorize"] {
        let json = kind("application/json");
        let answer = provider.http.send(Method::POST, &provider.at(page), &json, "{}".into()).await;
        assert_eq!(answer.status, 400, "{page}: {answer:?}");
        let large = written(&[("email", &"x".repeat(20_000))]);
        let answer = provider.http.send(Method::POST, &provider.at(page), &form(), large).await;
        assert_eq!(answer.status, 413, "{page}: {answer:?}");
        let twice = provider.http.send(Method::POST, &provider.at(page), &form(), "to=a&to=b".into()).await;
        assert_eq!(twice.status, 400, "{page}: {twice:?}");
        assert!(twice.header("content-type").starts_with("text/html"), "{twice:?}");
    }
    let mut browser = Browser::new();
    for evil in ["https://evil.example/", "//evil.example", "authorize?x", "%0d%0aset-cookie:x=1"] {
        let page = browser.get(&format!("{}?{}", provider.at("login"), written(&[("to", evil)]))).await;
        assert!(page.status == 200 && page.header("location").is_empty(), "{page:?}");
    }
    browser.sign_up(&provider, "ann@house.example").await;
    let login = format!("{}?{}", provider.at("login"), written(&[("to", "https://evil.example/")]));
    let fields = [("email", "ann@house.example"), ("password", crate::browser::PASSWORD)];
    let answer = browser.fill(&login, &fields).await;
    assert!(answer.header("location").starts_with(&provider.at("authorize?")), "only ever to our own page: {answer:?}");
}
