//! What a body may be.

use serde_json::json;

use crate::{client::Ask, fixture::Fixture};

#[tokio::test]
async fn a_body_that_is_not_json_is_400_and_another_content_type_415() {
    let fixture = Fixture::open().await;
    for garbage in ["nonsense", "{", "{\"name\":\"ann\"}}", "{\"name\":\"ann\",}"] {
        Ask::new("POST", "/greetings").json(garbage).of(fixture.addr).await.problem(400, "malformed-json");
    }
    Ask::new("POST", "/greetings").json(vec![0xff, 0x00]).of(fixture.addr).await.problem(400, "malformed-json");
    let form = Ask::new("POST", "/greetings").header("content-type", "application/x-www-form-urlencoded");
    form.body("name=ann").of(fixture.addr).await.problem(415, "unsupported-media-type");
    Ask::new("POST", "/greetings")
        .body("{\"name\":\"ann\"}")
        .of(fixture.addr)
        .await
        .problem(415, "unsupported-media-type");
    let good = Ask::new("POST", "/greetings").header("content-type", "application/json; charset=utf-8");
    let good = good.body("{\"name\":\"ann\",\"steps\":[{\"length\":2}]}").of(fixture.addr).await;
    assert_eq!((good.status, good.body.as_slice()), (200, &b"hello ann over 2"[..]));
}

#[tokio::test]
async fn unknown_fields_and_wrong_types_are_422_with_their_pointers() {
    let fixture = Fixture::open().await;
    let unknown = Ask::new("POST", "/greetings").json(r#"{"name":"ann","steps":[{"length":1,"colour":"red"}]}"#);
    let problem = unknown.of(fixture.addr).await.problem(422, "invalid-body");
    assert_eq!(problem["errors"], json!([{ "pointer": "/steps/0/colour", "detail": "unknown field" }]));
    for wrong in ["\"1\"", "-1", "1e3", "4294967296", "99999999999999999999999", "null", "{}"] {
        let body = format!(r#"{{"name":"ann","steps":[{{"length":{wrong}}}]}}"#);
        let problem = Ask::new("POST", "/greetings").json(body).of(fixture.addr).await.problem(422, "invalid-body");
        assert_eq!(problem["errors"][0]["pointer"], "/steps/0/length", "{wrong}");
    }
    let missing = Ask::new("POST", "/greetings").json("{}").of(fixture.addr).await.problem(422, "invalid-body");
    assert_eq!(missing["errors"], json!([{ "pointer": "", "detail": "missing field `name`" }]));
    let nul = Ask::new("POST", "/greetings").json(r#"{"name":"a\u0000"}"#).of(fixture.addr).await;
    assert_eq!(nul.problem(422, "invalid-body")["errors"][0]["pointer"], "/name");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413_announced_or_not() {
    let fixture = Fixture::with(|config| config.limits.body_bytes = 1_000).await;
    let body = format!(r#"{{"name":"{}"}}"#, "a".repeat(1_000));
    Ask::new("POST", "/greetings").json(body.clone()).of(fixture.addr).await.problem(413, "body-too-large");
    let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let head = "POST /greetings HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n";
    let bytes = format!("{head}transfer-encoding: chunked\r\n\r\n{chunk}");
    let answer = crate::client::exchange(fixture.addr, bytes.as_bytes()).await;
    crate::client::Got::parse(&answer).problem(413, "body-too-large");
    let exact = format!(r#"{{"name":"{}"}}"#, "a".repeat(1_000 - 11));
    assert_eq!(Ask::new("POST", "/greetings").json(exact).of(fixture.addr).await.status, 200);
}

#[tokio::test]
async fn a_body_nested_too_deeply_is_400_before_it_is_parsed() {
    let fixture = Fixture::open().await;
    for depth in [33, 100_000] {
        let body = format!(r#"{{"name":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        Ask::new("POST", "/greetings").json(body).of(fixture.addr).await.problem(400, "too-deep");
    }
}
