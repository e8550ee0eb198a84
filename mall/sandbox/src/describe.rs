//! What the provider says of its API in OpenAPI 3.1.
//!
//! Written by hand: it is an outsider with conventions of its own (no `Idempotency-Key`, errors of one field), and
//! [`api`](crate::api) has no handlers a description could be made from. A test asks what is described.

use serde_json::{Value, json};

/// Where it is served; also while the provider is down.
pub const OPENAPI_JSON: &str = "/openapi.json";

/// The description.
pub fn description() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "sandbox",
            "description": "A payment provider: takes money, gives it back, and keeps a ledger of both.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": {
            "/captures": { "post": capture() },
            "/captures/{key}": { "get": read_capture() },
            "/refunds": { "post": refund() },
            "/ledger": { "get": operation(("readLedger", "Every charge, every refund, and totals per currency."),
                &[(200, "The books.", "Ledger")]) },
            "/behaviour": { "get": operation(("readBehaviour", "How the provider behaves."),
                &[(200, "So it behaves.", "Behaviour")]), "put": behave() },
        },
        "components": { "schemas": schemas() },
    })
}

fn capture() -> Value {
    let answers = [
        (200, "The charge is settled: captured or declined.", "Charge"),
        (202, "It is still pending after 30 seconds; ask for it by its key.", "Charge"),
        (413, "The body is too large.", "Error"),
        (422, "The body is not as described, or the key was used for another charge.", "Error"),
        (503, "The provider is down, or cannot write its ledger. The charge may be settled later.", "Error"),
    ];
    let says = ("takeMoney", "Charges an amount for an order. The same key is the same charge for ever.");
    with_body(operation(says, &answers), "Capture")
}

fn read_capture() -> Value {
    let answers = [
        (200, "The charge is settled: captured or declined.", "Charge"),
        (202, "It is pending.", "Charge"),
        (404, "There is no such charge.", "Error"),
        (503, "The provider is down.", "Error"),
    ];
    let mut read = operation(("readCapture", "What became of a charge."), &answers);
    read["parameters"] = json!([{
        "name": "key", "in": "path", "required": true, "schema": { "$ref": "#/components/schemas/Name" },
        "description": "As it was given; slashes in it are not escaped.",
    }]);
    read
}

fn refund() -> Value {
    let answers = [
        (200, "It is given back, now or before under the same key.", "Refund"),
        (404, "There is no such capture.", "Error"),
        (409, "It is given back already, under another key.", "Error"),
        (413, "The body is too large.", "Error"),
        (422, "The body is not as described, or the key was used for another refund.", "Error"),
        (503, "The provider is down, or cannot write its ledger.", "Error"),
    ];
    let says = ("giveBack", "Gives a capture back, once. The same key is the same refund for ever.");
    with_body(operation(says, &answers), "GiveBack")
}

fn behave() -> Value {
    let answers = [
        (200, "So it behaves from here on.", "Behaviour"),
        (413, "The body is too large.", "Error"),
        (422, "The body is not as described.", "Error"),
        (503, "The provider cannot write its ledger.", "Error"),
    ];
    with_body(operation(("changeBehaviour", "Changes how the provider behaves."), &answers), "Behaviour")
}

fn operation((id, summary): (&str, &str), answers: &[(u16, &str, &str)]) -> Value {
    let answer = |(status, means, schema): &(u16, &str, &str)| {
        (status.to_string(), json!({ "description": means, "content": json_of(schema) }))
    };
    let responses: serde_json::Map<String, Value> = answers.iter().map(answer).collect();
    json!({ "operationId": id, "summary": summary, "tags": ["sandbox"], "responses": responses })
}

fn with_body(mut operation: Value, schema: &str) -> Value {
    operation["requestBody"] = json!({ "required": true, "content": json_of(schema) });
    operation
}

fn json_of(schema: &str) -> Value {
    json!({ "application/json": { "schema": reference(schema) } })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn schemas() -> Value {
    let (name, money) = (reference("Name"), reference("Money"));
    let whole = json!({ "type": "integer", "format": "int64" });
    json!({
        "Name": { "type": "string", "minLength": 1, "maxLength": 255, "description": "At most 255 bytes, no controls." },
        "Money": closed(json!({ "minor": whole, "currency": { "type": "string", "pattern": "^[A-Z]{3}$" } }), &[]),
        "Capture": closed(json!({ "key": name, "order": name, "amount": money, "not_after_ms": {
            "type": ["integer", "null"], "format": "int64", "description": "Declined when it arrives later.",
        } }), &["not_after_ms"]),
        "GiveBack": closed(json!({ "key": name, "capture": name }), &[]),
        "Charge": closed(json!({
            "key": name, "order": name, "amount": money, "arrived_at_ms": whole, "refunded": { "type": "boolean" },
            "status": { "enum": ["pending", "captured", "declined"] },
            "capture": { "type": "string", "description": "When captured." },
            "reason": { "type": "string", "description": "When declined." },
        }), &["capture", "reason"]),
        "Refund": closed(json!({ "key": name, "refund": { "type": "string" }, "capture": name, "amount": money }), &[]),
        "Ledger": closed(json!({
            "captures": { "type": "array", "items": reference("Charge") },
            "refunds": { "type": "array", "items": reference("Refund") },
            "totals": { "type": "object", "description": "By currency.", "additionalProperties":
                closed(json!({ "captured": whole, "refunded": whole }), &[]) },
        }), &[]),
        "Behaviour": closed(json!({
            "mode": { "enum": ["ok", "decline", "slow", "down"] },
            "delay_ms": { "type": "integer", "format": "int32", "minimum": 0, "default": 0 },
        }), &["delay_ms"]),
        "Error": closed(json!({ "error": { "type": "string" } }), &[]),
    })
}

/// An object of these fields and no others; all but `optional` are always there.
fn closed(fields: Value, optional: &[&str]) -> Value {
    let names = fields.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let required: Vec<&str> = names.filter(|name| !optional.contains(name)).collect();
    json!({ "type": "object", "properties": fields, "required": required, "additionalProperties": false })
}
