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

fn object(api: &Value, schema: &Value) -> Value {
    let needed = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let members: Map<String, Value> =
        needed.map(|name| (name.to_owned(), of(api, &schema["properties"][name]))).collect();
    members.into()
}
