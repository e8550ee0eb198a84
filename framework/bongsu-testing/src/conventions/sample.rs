//! A body that fits a schema, as small as can be: only what is needed to reach the reader of a body.

use serde_json::{Map, Value, json};

/// The smallest value of a schema.
pub(super) fn of(api: &Value, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|it| it.strip_prefix("#/components/schemas/")) {
        return of(api, &api["components"]["schemas"][name]);
    }
    if let Some(first) = schema["enum"].get(0).or(schema.get("example")) {
        return first.clone();
    }
    let kind = schema["type"].as_str().or(schema["type"][0].as_str()).unwrap_or("object");
    match kind {
        "string" => json!("x".repeat(schema["minLength"].as_u64().unwrap_or(1) as usize)),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "boolean" => json!(true),
        "array" => json!(vec![of(api, &schema["items"]); schema["minItems"].as_u64().unwrap_or(0) as usize]),
        _ => object(api, schema),
    }
}

/// A value with everything a schema knows: every member, and one item of every list.
pub(super) fn full(api: &Value, schema: &Value) -> Value {
    let schema = resolved(api, schema);
    if let Some(first) = schema["enum"].get(0).or(schema.get("example")) {
        return first.clone();
    }
    match schema["type"].as_str().or(schema["type"][0].as_str()) {
        Some("array") => json!([full(api, &schema["items"])]),
        Some("object") | None => {
            let members = schema["properties"].as_object().into_iter().flatten();
            members.map(|(name, member)| (name.clone(), full(api, member))).collect::<Map<String, Value>>().into()
        }
        Some(_) => of(api, schema),
    }
}

/// The schema that is meant: what is referred to, and of alternatives the first that is not null.
pub(super) fn resolved<'a>(api: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|it| it.strip_prefix("#/components/schemas/")) {
        return resolved(api, &api["components"]["schemas"][name]);
    }
    let alternatives = ["oneOf", "anyOf", "allOf"].iter().filter_map(|kind| schema[*kind].as_array()).flatten();
    match alternatives.into_iter().find(|it| it["type"] != "null") {
        Some(first) => resolved(api, first),
        None => schema,
    }
}

fn object(api: &Value, schema: &Value) -> Value {
    let needed = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let members: Map<String, Value> =
        needed.map(|name| (name.to_owned(), of(api, &schema["properties"][name]))).collect();
    members.into()
}
