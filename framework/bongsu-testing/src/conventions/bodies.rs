//! Bodies that a generous reader would take: other spellings of a command, and what is almost JSON.

use serde_json::{Value, json};

use super::{
    ask::{Asked, Route},
    sample::{full, resolved},
};

/// A list is no object, an object no name, a text no number, at any depth; and nothing is said twice.
pub(super) async fn have_one_spelling(asked: &mut Asked, route: &Route, api: &Value) {
    let Some(schema) = route.body_schema() else { return };
    let body = full(api, schema);
    let mut spellings = Vec::new();
    respell(api, schema, &body, String::new(), &mut spellings);
    for (pointer, other) in spellings {
        let mut respelled = body.clone();
        *respelled.pointer_mut(&pointer).expect("a place of the body") = other;
        let what = format!("{respelled}");
        let answer = asked.refused(route, &what, route.request().json(&respelled), 422, "invalid-body").await;
        let at = answer.body["errors"][0]["pointer"].as_str().unwrap_or_default();
        let is_there = at.strip_prefix(pointer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        assert!(is_there, "{route:?}, {what}: {pointer} is wrong and {answer:?} says {at:?}");
    }
    for (name, value) in body.as_object().into_iter().flatten() {
        let text = body.to_string();
        let twice = format!("{},{}:{value}}}", text.strip_suffix('}').unwrap_or_default(), json!(name));
        let answer = asked.refused(route, &twice, route.request().bytes(twice.as_bytes()), 422, "invalid-body").await;
        let pointer = answer.body["errors"][0]["pointer"].as_str().unwrap_or_default();
        assert_eq!(pointer, format!("/{name}"), "{route:?}, {twice}: {answer:?}");
    }
}

/// Other spellings of a value's places: (pointer, what stands there instead).
fn respell(api: &Value, schema: &Value, value: &Value, at: String, found: &mut Vec<(String, Value)>) {
    let schema = resolved(api, schema);
    match value {
        Value::Object(members) => {
            if !at.is_empty() {
                found.push((at.clone(), members.values().cloned().collect::<Vec<_>>().into()));
            }
            for (name, member) in members {
                respell(api, &schema["properties"][name], member, format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                respell(api, &schema["items"], item, format!("{at}/{index}"), found);
            }
        }
        Value::String(name) if schema["enum"].is_array() => {
            found.push((at.clone(), json!({ name.as_str(): null })));
            found.push((at, json!([name])));
        }
        Value::String(text) => found.push((at, json!([text]))),
        Value::Number(number) => found.extend([(at.clone(), json!(number.to_string())), (at, json!(1.5))]),
        Value::Bool(_) => found.push((at, json!(1))),
        Value::Null => {}
    }
}

/// What is almost JSON is not guessed at.
pub(super) async fn are_json(asked: &mut Asked, route: &Route, api: &Value) {
    let Some(schema) = route.body_schema() else { return };
    let body = full(api, schema).to_string();
    let almost: [&[u8]; 9] = [
        b"\xef\xbb\xbf{}",
        b"{\"a\":NaN}",
        b"{\"a\":Infinity}",
        b"{\"a\":1e999}",
        b"{\"a\":\"\\ud800\"}",
        b"{\"a\":\"\xff\"}",
        b"{'a':1}",
        b"{\"a\":01}",
        b"{} {}",
    ];
    for bad in almost {
        let what = String::from_utf8_lossy(bad).into_owned();
        asked.refused(route, &what, route.request().bytes(bad), 400, "malformed-json").await;
    }
    let json = || route.request().body("application/json", &body);
    for other in [
        route.request().body("application/jsonp; charset=utf-8", &body),
        route.request().body("application/json; charset=iso-8859-1", &body),
        json().also("content-type", "text/plain"),
        json().header("content-encoding", "gzip"),
    ] {
        asked.refused(route, "another kind of body", other, 415, "unsupported-media-type").await;
    }
    let nul = route.request().bytes(b"{\"a\":{\"b\":[\"\\u0000\"]}}");
    let answer = asked.refused(route, "U+0000", nul, 422, "invalid-body").await;
    assert_eq!(answer.body["errors"][0]["pointer"], "/a/b/0", "{route:?}: {answer:?}");
}
