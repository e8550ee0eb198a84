//! Tokens that count, and a table of those that do not.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::StatusCode;
use gateway::Login;
use serde_json::{Value, json};

use crate::issuer::{AUDIENCE, Ec, Issuer, Rsa, now_s, unsigned};
use crate::street::{Response, Street};

const ES256: &str = r#"{"alg":"ES256","kid":"a","typ":"at+jwt"}"#;

async fn shown(street: &Street, token: &str) -> Response {
    street.ask_at("GET", "/x", &[("authorization", &format!("Bearer {token}"))]).await
}

async fn is_refused(street: &Street, token: &str, what: &str) {
    let answer = shown(street, token).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}: {}", answer.body);
    assert!(answer.body.contains("/errors/invalid-token"), "{what}: {}", answer.body);
    let challenge = answer.headers["www-authenticate"].to_str().unwrap();
    assert!(challenge.starts_with("Bearer error=\"invalid_token\", error_description=\""), "{what}: {challenge}");
}

#[tokio::test]
async fn a_token_of_the_issuer_for_us_and_now_names_somebody() {
    let (key, rsa) = (Ec::new(), Rsa::new());
    let (issuer, mut street) = Issuer::open(Some(vec![key.jwk("a"), rsa.jwk("r")])).await;
    let (upstream, served) = street.upstream().await;
    street.route_to(vec![upstream]);
    let right = [
        key.sign(ES256, &issuer.claims(&json!({}))),
        key.sign(r#"{"alg":"ES256","kid":"a"}"#, &issuer.claims(&json!({ "roles": null }))),
        key.sign(r#"{"alg":"ES256","kid":"a","typ":"JWT"}"#, &issuer.claims(&json!({ "aud": ["other", AUDIENCE] }))),
        key.sign(ES256, &issuer.claims(&json!({ "nbf": now_s(), "scope": "openid", "x": { "y": [1, null] } }))),
        key.sign(ES256, &issuer.claims(&json!({ "exp": now_s() - 10 }))),
        key.sign(ES256, &issuer.claims(&json!({ "iat": now_s() + 10 }))),
        rsa.sign(r#"{"alg":"RS256","kid":"r","typ":"JWT"}"#, &issuer.claims(&json!({}))),
    ];
    for token in &right {
        for _ in 0..2 {
            let answer = shown(&street, token).await;
            assert_eq!(answer.status, StatusCode::OK, "{token}: {}", answer.body);
        }
    }
    assert_eq!(served.load(Ordering::SeqCst), 14);
    assert_eq!(street.ask_at("GET", "/x", &[]).await.status, StatusCode::UNAUTHORIZED, "nobody is nobody");
}

/// Heads that spoil a token which is otherwise signed right.
fn bad_heads() -> Vec<String> {
    let algs = [
        "\"none\"",
        "\"None\"",
        "\"nOnE\"",
        "\"HS256\"",
        "\"HS384\"",
        "\"HS512\"",
        "\"ES384\"",
        "\"RS256\"",
        "\"RS512\"",
        "\"PS256\"",
        "\"EdDSA\"",
        "\"es256\"",
        "\"\"",
        "256",
        "null",
        "[\"ES256\"]",
        "{}",
        "\"ES256\\u0000\"",
    ];
    let algs = algs.iter().map(|alg| format!(r#"{{"alg":{alg},"kid":"a"}}"#));
    let kids = [
        "\"b\"",
        "\"../../../../etc/passwd\"",
        "\"a' OR '1'='1\"",
        "\"/dev/null\"",
        "\"\"",
        "\"A\"",
        "\"a\\u0000\"",
        "1",
        "[\"a\"]",
        "{}",
        "true",
    ];
    let kids = kids.iter().map(|kid| format!(r#"{{"alg":"ES256","kid":{kid}}}"#));
    let more = [
        r#""jku":"http://evil.example/jwks""#,
        r#""x5u":"http://evil.example/cert""#,
        r#""x5c":["MIIB"]"#,
        r#""jwk":{"kty":"oct","k":"c2VjcmV0"}"#,
        r#""crit":["exp"],"exp":1"#,
        r#""crit":["b64"],"b64":false"#,
        r#""crit":[]"#,
        r#""typ":"id_token+jwt""#,
        r#""typ":"dpop+jwt""#,
        r#""typ":"logout+jwt""#,
        r#""typ":7"#,
        r#""alg":"none""#,
        r#""kid":"b""#,
    ];
    let more = more.iter().map(|more| format!(r#"{{"alg":"ES256","kid":"a",{more}}}"#));
    let none =
        ["", "{", "[]", "null", "7", "\"ES256\"", r#"{"kid":"a"}"#, r#"{"alg":"ES256"}"#, "{}{}"].map(str::to_owned);
    algs.chain(kids).chain(more).chain(none).collect()
}

/// Claims that name nobody.
fn bad_claims(issuer: &Issuer) -> Vec<String> {
    let now = now_s();
    let iss = format!("http://{}/realm", issuer.address);
    let wrong = |name: &str, values: Vec<Value>| {
        values.into_iter().map(|value| issuer.claims(&json!({ name: value }))).collect::<Vec<_>>()
    };
    let null =
        |name: &str| issuer.claims(&json!({})).replace(&format!("\"{name}\":"), &format!("\"{name}\":null,\"_\":"));
    let mut all = Vec::new();
    for name in ["iss", "sub", "aud", "exp"] {
        all.push(issuer.claims(&json!({ name: null })));
        all.push(null(name));
    }
    let others = vec![
        json!("http://evil.example"),
        json!(format!("{iss}/")),
        json!(iss.to_uppercase()),
        json!(format!(" {iss}")),
        json!([iss]),
        json!(1),
        json!(""),
    ];
    all.extend(wrong("iss", others));
    let nobodies = vec![
        json!(""),
        json!("a b"),
        json!("a\nb"),
        json!("문"),
        json!("a".repeat(256)),
        json!(1),
        json!(["usr_ann"]),
        json!({}),
        json!(true),
    ];
    all.extend(wrong("sub", nobodies));
    let elsewhere = vec![
        json!("other"),
        json!("12street2"),
        json!("12street "),
        json!("12STREET"),
        json!(["other"]),
        json!([]),
        json!([["12street"]]),
        json!({ "12street": 1 }),
        json!(12),
        json!(["12street", 7]),
    ];
    all.extend(wrong("aud", elsewhere));
    let past = vec![
        json!(now - 31),
        json!(0),
        json!(1),
        json!(-1),
        json!((now + 300).to_string()),
        json!(1.5),
        json!(true),
        json!([now + 300]),
        json!({}),
        json!(1e300),
    ];
    all.extend(wrong("exp", past));
    for name in ["nbf", "iat"] {
        let future = vec![
            json!(now + 60),
            json!(i64::MAX),
            json!(now.to_string()),
            json!(-1),
            json!([now]),
            json!(false),
            json!(0.5),
        ];
        all.extend(wrong(name, future));
    }
    let roles = vec![
        json!("operator"),
        json!(7),
        json!({ "operator": true }),
        json!([1]),
        json!([null]),
        json!([""]),
        json!(["a,operator"]),
        json!(["a b"]),
        json!(vec!["r"; 33]),
        json!([["operator"]]),
    ];
    all.extend(wrong("roles", roles));
    let right = issuer.claims(&json!({}));
    for twice in
        [r#""sub":"usr_root","#, r#""aud":"12street","#, r#""exp":9999999999,"#, r#""iss":"http://a","#, r#""iat":1,"#]
    {
        all.push(format!("{{{twice}{}", &right[1..]));
    }
    let none = ["", "null", "[]", "7", "\"usr_ann\"", "{", "{}"];
    all.extend(none.map(str::to_owned));
    all.extend([format!("[{right}]"), format!("{right}{right}"), format!("{right},"), "[".repeat(3_000)]);
    all
}

/// What is no token at all, or one that was tampered with.
fn bad_forms(key: &Ec, right: &str, claims: &str) -> Vec<String> {
    let parts: Vec<&str> = right.split('.').collect();
    let (head, body, signature) = (parts[0], parts[1], parts[2]);
    let flipped = |text: &str, at: usize| {
        let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
        format!("{}{other}{}", &text[..at], &text[at + 1..])
    };
    let mut all = vec![
        "".into(),
        ".".into(),
        "..".into(),
        "...".into(),
        "garbage".into(),
        "operator.0000".into(),
        format!("{head}.{body}"),
        format!("{head}.{body}."),
        format!(".{body}.{signature}"),
        format!("{head}..{signature}"),
        format!("{right}."),
        format!("{right}.{signature}"),
        format!("{right}.{signature}.{signature}"),
        format!("{right}="),
        format!("{right} {right}"),
        format!("\"{right}\""),
        format!("{right},{right}"),
        right.replace('.', "%2E"),
        format!("{head}.{body}.{}", &signature[..signature.len() - 2]),
        format!("{head}.{body}.{}", "A".repeat(86)),
        format!("{head}.{}.{signature}", flipped(body, 20)),
        format!("{}.{body}.{signature}", flipped(head, 5)),
        format!("{head}.{body}.{}", flipped(signature, 40)),
        Ec::new().sign(ES256, claims),
        Rsa::new().sign(ES256, claims),
        Rsa::new().sign(r#"{"alg":"RS256","kid":"a"}"#, claims),
        key.sign_bytes(ES256.as_bytes(), b"\xff\xfe{}"),
        key.sign_bytes(b"\xff\xfe", claims.as_bytes()),
        key.sign(ES256, &format!("{{\"pad\":\"{}\",{}", "x".repeat(10_000), &claims[1..])),
    ];
    for (alg, name) in [(jsonwebtoken::Algorithm::HS256, "a"), (jsonwebtoken::Algorithm::HS512, "a")] {
        let mut head = jsonwebtoken::Header::new(alg);
        head.kid = Some(name.to_owned());
        let claims: Value = serde_json::from_str(claims).unwrap();
        for secret in [key.pem(), key.pem().trim().to_owned(), "secret".to_owned()] {
            let secret = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
            all.push(jsonwebtoken::encode(&head, &claims, &secret).unwrap());
        }
    }
    for alg in ["none", "None", "NONE", "nOnE"] {
        all.push(unsigned(format!(r#"{{"alg":"{alg}","kid":"a"}}"#).as_bytes(), claims.as_bytes()) + ".");
    }
    all
}

#[tokio::test]
async fn a_table_of_bad_tokens_of_which_none_gets_in() {
    let (key, rsa) = (Ec::new(), Rsa::new());
    // Two keys: which one is meant has to be said.
    let (issuer, mut street) = Issuer::open(Some(vec![key.jwk("a"), rsa.jwk("r")])).await;
    let (upstream, served) = street.upstream().await;
    street.route_to(vec![upstream]);
    // Where anybody may come, a token that counts for nothing is refused, too.
    street.table.access =
        vec![gateway::Access { service: "door".into(), method: "*".into(), path: "/*".into(), who: "public".into() }];
    street.route_to(vec![upstream]);
    let claims = issuer.claims(&json!({}));
    let right = key.sign(ES256, &claims);
    assert_eq!(shown(&street, &right).await.status, StatusCode::OK, "the table starts from one that counts");
    let heads = bad_heads().into_iter().map(|head| (key.sign(&head, &claims), head));
    let bodies = bad_claims(&issuer).into_iter().map(|claims| (key.sign(ES256, &claims), claims));
    let forms = bad_forms(&key, &right, &claims).into_iter().map(|token| (token.clone(), token));
    let bad: Vec<(String, String)> = heads.chain(bodies).chain(forms).collect();
    assert!(bad.len() >= 120, "{} are too few", bad.len());
    for (token, what) in &bad {
        is_refused(&street, token, &what.chars().take(300).collect::<String>()).await;
    }
    let bearer = format!("Bearer {right}");
    let heads: [&[(&str, &str)]; 6] = [
        &[("authorization", &bearer), ("authorization", &bearer)],
        &[("authorization", "Bearer")],
        &[("authorization", "Basic dXNyX2FubjpzZWNyZXQ=")],
        &[("authorization", &right)],
        &[("authorization", "DPoP x")],
        &[("authorization", "")],
    ];
    for head in heads {
        assert_eq!(street.ask_at("GET", "/x", head).await.status, StatusCode::UNAUTHORIZED, "{head:?}");
    }
    let huge = format!("Bearer {}", "A".repeat(1 << 20));
    assert_eq!(street.ask_at("GET", "/x", &[("authorization", &huge)]).await.status.as_u16(), 431, "a head has an end");
    assert_eq!(served.load(Ordering::SeqCst), 1, "nothing of it reached the service");
    assert_eq!(shown(&street, &right).await.status, StatusCode::OK, "and the right one still counts");
}

#[tokio::test]
async fn keys_that_nobody_has_make_the_issuer_be_asked_once() {
    let key = Ec::new();
    let (issuer, mut street) =
        Issuer::with(Some(vec![key.jwk("a")]), |login| Login { cooldown_s: 3_600, ..login }).await;
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    let claims = issuer.claims(&json!({}));
    let flood = (0..500).map(|number| key.sign(&format!(r#"{{"alg":"ES256","kid":"{number}"}}"#), &claims));
    futures::future::join_all(flood.map(async |token| is_refused(&street, &token, "an unknown key").await)).await;
    assert_eq!(issuer.asked(), 1);
    assert_eq!(shown(&street, &key.sign(ES256, &claims)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_new_key_counts_at_once_and_one_that_was_taken_away_no_longer() {
    let (old, new) = (Ec::new(), Ec::new());
    let (issuer, mut street) = Issuer::open(Some(vec![old.jwk("a")])).await;
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    let claims = issuer.claims(&json!({}));
    let (by_old, by_new) = (old.sign(ES256, &claims), new.sign(r#"{"alg":"ES256","kid":"b"}"#, &claims));
    assert_eq!(shown(&street, &by_old).await.status, StatusCode::OK);
    issuer.tells(Some(vec![new.jwk("b")]));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(shown(&street, &by_new).await.status, StatusCode::OK, "an unknown key is asked for");
    is_refused(&street, &by_old, "remembered, but its key is gone").await;
}

#[tokio::test]
async fn while_the_issuer_is_down_whoever_is_logged_in_goes_on() {
    let key = Ec::new();
    let (issuer, mut street) = Issuer::open(None).await;
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    let token = key.sign(ES256, &issuer.claims(&json!({})));
    let answer = shown(&street, &token).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.body);
    assert!(answer.body.contains("/errors/login-unavailable") && answer.headers.contains_key("retry-after"));
    issuer.tells(Some(vec![key.jwk("a")]));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(shown(&street, &token).await.status, StatusCode::OK);
    issuer.tells(None);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let other = key.sign(ES256, &issuer.claims(&json!({ "sub": "usr_bob" })));
    assert_eq!(shown(&street, &other).await.status, StatusCode::OK, "known keys count on");
    is_refused(&street, &key.sign(r#"{"alg":"ES256","kid":"b"}"#, &issuer.claims(&json!({}))), "nobody knows b").await;
    assert_eq!(shown(&street, &other).await.status, StatusCode::OK);
}
