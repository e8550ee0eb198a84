//! What is shown in place of a token that counts: every kind of it that was ever taken for one somewhere.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::issuer::{Ec, Issuer, Rsa, now_s, unsigned};
use crate::tokens::ES256;

/// Each with what it is, for whoever reads of it.
pub(crate) fn bad_tokens(key: &Ec, issuer: &Issuer) -> Vec<(String, String)> {
    let claims = issuer.claims(&json!({}));
    let right = key.sign(ES256, &claims);
    let heads = bad_heads().into_iter().map(|head| (key.sign(&head, &claims), head));
    let bodies = [bad_names(issuer), bad_times(issuer), bad_roles(issuer), bad_objects(issuer)].concat();
    let bodies = bodies.into_iter().map(|claims| (key.sign(ES256, &claims), claims));
    let forms = [bad_forms(&right), badly_signed(key, &claims), unsigned_ones(&claims)].concat();
    heads.chain(bodies).chain(forms.into_iter().map(|token| (token.clone(), token))).collect()
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

/// Right claims but for one.
fn wrong(issuer: &Issuer, name: &str, values: Vec<Value>) -> Vec<String> {
    values.into_iter().map(|value| issuer.claims(&json!({ name: value }))).collect()
}

/// Issuer, subject or audience that is not there, another's, or none.
fn bad_names(issuer: &Issuer) -> Vec<String> {
    let iss = format!("http://{}/realm", issuer.address);
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
    all.extend(wrong(issuer, "iss", others));
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
    all.extend(wrong(issuer, "sub", nobodies));
    let elsewhere = vec![
        json!("other"),
        json!("house2"),
        json!("house "),
        json!("HOUSE"),
        json!(["other"]),
        json!([]),
        json!([["house"]]),
        json!({ "house": 1 }),
        json!(12),
        json!(["house", 7]),
    ];
    all.extend(wrong(issuer, "aud", elsewhere));
    all
}

/// Times that are past, to come, or none.
fn bad_times(issuer: &Issuer) -> Vec<String> {
    let now = now_s();
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
    let mut all = wrong(issuer, "exp", past);
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
        all.extend(wrong(issuer, name, future));
    }
    all
}

/// What stands where roles are, and is none.
fn bad_roles(issuer: &Issuer) -> Vec<String> {
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
    wrong(issuer, "roles", roles)
}

/// Claims that are said twice, or are no object of claims.
fn bad_objects(issuer: &Issuer) -> Vec<String> {
    let mut all = Vec::new();
    let right = issuer.claims(&json!({}));
    for twice in
        [r#""sub":"usr_root","#, r#""aud":"house","#, r#""exp":9999999999,"#, r#""iss":"http://a","#, r#""iat":1,"#]
    {
        all.push(format!("{{{twice}{}", &right[1..]));
    }
    let none = ["", "null", "[]", "7", "\"usr_ann\"", "{", "{}"];
    all.extend(none.map(str::to_owned));
    all.extend([format!("[{right}]"), format!("{right}{right}"), format!("{right},"), "[".repeat(3_000)]);
    all
}

/// What is no token at all, or one that was tampered with.
fn bad_forms(right: &str) -> Vec<String> {
    let parts: Vec<&str> = right.split('.').collect();
    let (head, body, signature) = (parts[0], parts[1], parts[2]);
    let flipped = |text: &str, at: usize| {
        let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
        format!("{}{other}{}", &text[..at], &text[at + 1..])
    };
    vec![
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
    ]
}

/// By another key, over something else, or with what everybody knows: the public key, or a guess.
fn badly_signed(key: &Ec, claims: &str) -> Vec<String> {
    let mut all = vec![
        Ec::new().sign(ES256, claims),
        Rsa::new().sign(ES256, claims),
        Rsa::new().sign(r#"{"alg":"RS256","kid":"a"}"#, claims),
        key.sign_bytes(ES256.as_bytes(), b"\xff\xfe{}"),
        key.sign_bytes(b"\xff\xfe", claims.as_bytes()),
        key.sign(ES256, &format!("{{\"pad\":\"{}\",{}", "x".repeat(10_000), &claims[1..])),
    ];
    let claims: Value = serde_json::from_str(claims).unwrap();
    for alg in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        for secret in [key.pem(), key.pem().trim().to_owned(), "secret".to_owned()] {
            let head = Header { kid: Some("a".to_owned()), ..Header::new(alg) };
            all.push(encode(&head, &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap());
        }
    }
    all
}

/// Of the algorithm that is none.
fn unsigned_ones(claims: &str) -> Vec<String> {
    let heads = ["none", "None", "NONE", "nOnE"].map(|alg| format!(r#"{{"alg":"{alg}","kid":"a"}}"#));
    heads.iter().map(|head| unsigned(head.as_bytes(), claims.as_bytes()) + ".").collect()
}
