//! What every description has in common, added from what an operation says of itself.
//!
//! An operation with an `Idempotency-Key` is a command, one with `If-Match` a change, one with `If-None-Match` a read of
//! one thing, one with `cursor` a list; security means that somebody must be logged in, or have a role.

use serde_json::{Map, Value, json};

use crate::{
    list::{LONGEST, MOST, USUAL},
    problem::PROBLEM_JSON,
};

/// The methods a path may have.
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// Completes a description as `utoipa` makes it.
pub fn apply(api: &mut Value, context: &str) {
    let paths = api["paths"].as_object_mut();
    for (path, item) in paths.into_iter().flatten() {
        for method in METHODS {
            let Some(operation) = item.get_mut(method) else { continue };
            operation["tags"] = json!([context]);
            name_path_parameters(path, operation);
            parameters_are_never_null(operation);
            streams_are_of_events(operation);
            answer_conventionally(operation);
        }
    }
    for (name, schema) in shared_schemas() {
        api["components"]["schemas"][name] = schema;
    }
    refuse_unknown_fields(api);
    let who = "The gateway says who is asking; towards a service itself, this header does.";
    api["components"]["securitySchemes"]["principal"] =
        json!({ "type": "apiKey", "in": "header", "name": crate::principal::PRINCIPAL, "description": who });
}

/// Every `{name}` of a path is a text.
fn name_path_parameters(path: &str, operation: &mut Value) {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    for name in names.filter(|name| !has_parameter(operation, name)).collect::<Vec<_>>() {
        let parameter =
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } });
        let known = operation["parameters"].as_array_mut();
        match known {
            Some(known) => known.push(parameter),
            None => operation["parameters"] = json!([parameter]),
        }
    }
}

/// A parameter is there or not: unlike a field of a body it cannot be null, and the text `null` is a text.
fn parameters_are_never_null(operation: &mut Value) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let kinds = parameter["schema"]["type"].as_array().cloned().unwrap_or_default();
        let mut others = kinds.into_iter().filter(|kind| kind != "null");
        if let (Some(kind), None) = (others.next(), others.next()) {
            parameter["schema"]["type"] = kind;
        }
    }
}

/// What a handler says of a stream is the data of its events; what is streamed are events, whose data is JSON as text.
fn streams_are_of_events(operation: &mut Value) {
    for (_, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        let Some(stream) = response.pointer_mut("/content/text~1event-stream/schema") else { continue };
        let data = json!({ "type": "string", "contentMediaType": "application/json", "contentSchema": stream.take() });
        *stream = json!({
            "type": "object", "required": ["id", "event", "data"],
            "properties": { "id": { "type": "string" }, "event": { "type": "string" }, "data": data },
        });
    }
}

fn has_parameter(operation: &Value, name: &str) -> bool {
    operation["parameters"].as_array().into_iter().flatten().any(|parameter| parameter["name"] == name)
}

/// What an operation is, told by its parameters.
struct Kind {
    command: bool,
    change: bool,
    read: bool,
    list: bool,
    body: bool,
    secured: bool,
    for_roles: bool,
    in_path: bool,
}

impl Kind {
    fn of(operation: &Value) -> Self {
        let has = |name: &str| has_parameter(operation, name);
        let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        let command = has("Idempotency-Key");
        let security = operation["security"].as_array().map_or(&[][..], Vec::as_slice);
        let may = |who: &str| security.iter().any(|one| one["principal"] == json!([who]));
        Self {
            command,
            change: has("If-Match"),
            read: has("If-None-Match"),
            list: has("cursor"),
            body: operation.get("requestBody").is_some(),
            secured: command || !security.is_empty(),
            for_roles: !security.is_empty()
                && !may("owner")
                && security.iter().all(|one| one["principal"] != json!([])),
            in_path: parameters.iter().any(|parameter| parameter["in"] == "path"),
        }
    }

    /// Status, whether such an operation may answer it, and what it means.
    fn answers(&self) -> [(&'static str, bool, &'static str); 16] {
        let Self { command, change, read, body, secured, for_roles, .. } = *self;
        [
            ("304", read, "What the client has is what there is."),
            ("400", true, "The request makes no sense."),
            ("401", secured, "Nobody is logged in."),
            ("403", for_roles, "This is for another role."),
            ("404", self.in_path, "There is no such thing, or not for this principal."),
            ("408", body, "The body did not arrive in time."),
            ("409", command || change, "A rule forbids it now, or somebody else was faster."),
            ("412", change, "It has changed since it was read."),
            ("413", body, "The body is too large."),
            ("414", true, "The request's target is too long."),
            ("415", body, "The body is not JSON."),
            ("422", body || command, "Something in the body cannot be meant, or the key came with another request."),
            ("428", change, "If-Match is missing."),
            ("431", true, "The request's head is too large."),
            ("500", true, "Something went wrong here."),
            ("503", true, "Not now; Retry-After says when."),
        ]
    }

    /// Headers of an answer: name, whether it has it, and what it means.
    fn headers(&self, status: &str) -> [(&'static str, bool, &'static str); 3] {
        let good = status.starts_with('2');
        [
            ("ETag", good && (self.read || self.change) || status == "304", "The version, strong."),
            ("Link", good && self.list, "`rel=\"next\"`: the next page, if there is one."),
            ("Idempotency-Replayed", good && self.command, "`true`: this answer was given before."),
        ]
    }
}

fn answer_conventionally(operation: &mut Value) {
    let kind = Kind::of(operation);
    if kind.command && operation["security"].as_array().is_none_or(Vec::is_empty) {
        operation["security"] = json!([{ "principal": [] }]);
    }
    // An empty body is as good as `{}`.
    if operation["requestBody"].to_string().contains("/NoBody\"") {
        operation["requestBody"]["required"] = json!(false);
    }
    for (status, _, about) in kind.answers().into_iter().filter(|(_, applies, _)| *applies) {
        if operation["responses"].get(status).is_none() {
            operation["responses"][status] = answer(status, about);
        }
    }
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        if status.starts_with(['4', '5']) && response.get("content").is_none() {
            response["content"] = answer(status, "")["content"].take();
        }
        for (name, _, about) in kind.headers(status).into_iter().filter(|(_, applies, _)| *applies) {
            response["headers"][name] = json!({ "description": about, "schema": { "type": "string" } });
        }
    }
    operation["responses"].as_object_mut().into_iter().for_each(Map::sort_keys);
}

fn answer(status: &str, about: &str) -> Value {
    let content = json!({ PROBLEM_JSON: { "schema": { "$ref": "#/components/schemas/Problem" } } });
    let later = json!({ "Retry-After": { "description": "Seconds.", "schema": { "type": "integer", "minimum": 0 } } });
    match status {
        "304" => json!({ "description": about }),
        "503" => json!({ "description": about, "headers": later, "content": content }),
        _ => json!({ "description": about, "content": content }),
    }
}

fn shared_schemas() -> [(&'static str, Value); 10] {
    // A list of entity tags (RFC 9110 §8.8.3) of visible ASCII.
    let tag = "(W/)?\"[!#-~]*\"";
    let position = json!({
        "type": "string", "description": "Opaque: `position` of a command's answer.",
        "pattern": "^[^@/\\x00]+/[^@\\x00]+@[0-9]{1,18}:[0-9]{1,18}$", "maxLength": 512,
    });
    let cursor = json!({
        "type": "string", "description": "Opaque; belongs to one list, principal and filter.",
        "pattern": "^([0-9a-f]{2})+$", "minLength": 2, "maxLength": LONGEST,
    });
    let key = json!({
        "type": "string", "description": "Visible ASCII.",
        "pattern": "^[!-~]([ -~]*[!-~])?$", "minLength": 1, "maxLength": 255,
    });
    [
        ("Problem", problem()),
        ("Fault", fault()),
        ("Cursor", cursor),
        ("Limit", json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": MOST, "default": USUAL })),
        ("EntityTags", json!({ "type": "string", "pattern": format!("^(\\*|{tag}(, ?{tag})*)$") })),
        ("SeenTags", text("A list of entity tags, or `*`; what is none names nothing.")),
        ("IdempotencyKey", key),
        ("Position", position),
        ("Time", json!({ "type": "string", "format": "date-time", "description": "RFC 3339, not in the future." })),
        ("Version", json!({ "type": "integer", "format": "int64", "minimum": 1 })),
    ]
}

fn text(about: &str) -> Value {
    json!({ "type": "string", "description": about })
}

fn fault() -> Value {
    json!({
        "type": "object",
        "description": "What is wrong with one place of the body.",
        "required": ["pointer", "detail"],
        "properties": { "pointer": text("JSON pointer; empty for the whole body."), "detail": text("What is wrong there.") },
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "Why a request was not answered (RFC 9457). Some problems have members of their own.",
        "required": ["type", "title", "status"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference", "description": "`/errors/<code>`, stable." },
            "title": text("The same every time."),
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": text("What happened this time."),
            "traceId": text("W3C trace id, to be told to the operators."),
            "errors": { "type": "array", "items": { "$ref": "#/components/schemas/Fault" } },
        },
    })
}

/// A field of a body that nobody reads is refused: said of every object a body is made of.
fn refuse_unknown_fields(api: &mut Value) {
    let mut reached = Vec::new();
    let paths = api["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(_, item)| METHODS.iter().filter_map(|method| item.get(method)));
    operations.for_each(|operation| references(&operation["requestBody"], &mut reached));
    let mut next = 0;
    while let Some(name) = reached.get(next).cloned() {
        references(&api["components"]["schemas"][name.as_str()], &mut reached);
        if let Some(schema) = api["components"]["schemas"].get_mut(name.as_str()).filter(|it| it["type"] == "object") {
            schema["additionalProperties"] = json!(false);
        }
        next += 1;
    }
}

/// The schemas a value refers to, each once.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match member.as_str().and_then(|it| it.strip_prefix("#/components/schemas/")).filter(|_| key == "$ref")
                {
                    Some(name) if !found.iter().any(|known| known == name) => found.push(name.to_owned()),
                    _ => references(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}
