//! Several descriptions become one.

use serde_json::{Map, Value, json};

use crate::sessions::cookies;
use crate::table::Table;

/// What a service said of itself, or why it said nothing.
pub(crate) struct ServiceDescription {
    pub(crate) service: String,
    pub(crate) described: Result<Value, String>,
}

/// Where descriptions keep what they share; the names in here may collide.
const SHELVES: [&str; 4] = ["schemas", "responses", "parameters", "headers"];
/// The name of what a client shows.
const BEARER: &str = "bearer";
/// Who need not show anything: his browser is given a cookie.
const VISITOR: &str = "visitor";
/// What the gateway itself may answer in place of any service.
const OWN_ANSWERS: [(&str, &str); 3] = [
    ("502", "The service broke off, or answered nonsense."),
    ("503", "No instance of the service is ready; Retry-After says when."),
    ("504", "The service did not answer in time."),
];

/// One description: the paths of each service that lead to it from here, and what they refer to. Of two components
/// with one name that differ, the later one is called after its service.
pub(crate) fn merge(table: &Table, has_login: bool, descriptions: Vec<ServiceDescription>) -> Value {
    let mut paths = Map::new();
    let mut components = json!({});
    let mut missing = Vec::new();
    let mut tags = Vec::new();
    for ServiceDescription { service, described } in descriptions {
        match described {
            Ok(mut described) => {
                settle_names(&service, &mut described, &components);
                move_components(&mut described, &mut components);
                tags.push(json!({ "name": service, "description": described["info"]["description"] }));
                // What services are shown is none of a client's business.
                if let Some(shelves) = described["components"].as_object_mut() {
                    shelves.remove("securitySchemes");
                }
                let of_service = described["paths"].as_object_mut().map(std::mem::take).unwrap_or_default();
                paths.extend(of_service.into_iter().filter(|(path, _)| table.service_of(path) == Some(&service)));
            }
            Err(why) => missing.push(json!({ "service": service, "why": why })),
        }
    }
    if has_login {
        components["securitySchemes"] = ways_to_be_somebody(&paths);
    }
    for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(|path| path.values_mut()) {
        say_who_may(operation, has_login);
        add_own_answers(operation);
    }
    let info = json!({ "title": "gateway", "version": env!("CARGO_PKG_VERSION") });
    let mut merged = json!({
        "openapi": "3.1.0", "info": info, "servers": [{ "url": "/" }], "tags": tags, "paths": paths,
        "components": components,
    });
    if !missing.is_empty() {
        merged["x-bongsu-missing"] = missing.into();
    }
    merged
}

/// What a client may show: a token, and where a path is for visitors what its browser was given.
fn ways_to_be_somebody(paths: &Map<String, Value>) -> Value {
    let about = "An access token of the issuer. Where names stand beside it, one of these roles, or 'owner': whose the thing is.";
    let mut ways =
        json!({ BEARER: { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": about } });
    let visitors = json!({ "principal": [VISITOR] }).to_string();
    if paths.values().any(|path| path.to_string().contains(&visitors)) {
        let about = "Nothing has to be shown: whoever comes without a login is given this.";
        ways[VISITOR] = json!({ "type": "apiKey", "in": "cookie", "name": cookies::VISITOR, "description": about });
    }
    ways
}

/// Renames what would hide something else of the same name.
fn settle_names(service: &str, described: &mut Value, known: &Value) {
    for shelf in SHELVES {
        let own = described["components"][shelf].as_object().cloned().unwrap_or_default();
        let taken = |(name, what): &(&String, &Value)| known[shelf].get(name.as_str()).is_some_and(|it| it != *what);
        for (name, _) in own.iter().filter(taken) {
            let renamed = format!("{service}.{name}");
            let from = format!("#/components/{shelf}/{name}");
            point(described, &from, &format!("#/components/{shelf}/{renamed}"));
            if let Some(found) = described["components"][shelf].as_object_mut().and_then(|all| all.remove(name)) {
                described["components"][shelf][renamed] = found;
            }
        }
    }
}

/// Lets every reference to one place lead to another.
fn point(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(text) if key == "$ref" && text == from => to.clone_into(text),
                    _ => point(member, from, to),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| point(item, from, to)),
        _ => {}
    }
}

fn move_components(described: &mut Value, components: &mut Value) {
    for shelf in SHELVES {
        for (name, what) in described["components"][shelf].as_object_mut().map(std::mem::take).unwrap_or_default() {
            components[shelf][name] = what;
        }
    }
}

/// Who is asking, the gateway says to services by a header of its own; to the gateway a client shows a token.
fn say_who_may(operation: &mut Value, has_login: bool) {
    let Some(operation) = operation.as_object_mut() else { return };
    let Some(Value::Array(said)) = operation.remove("security") else { return };
    if has_login {
        let shown = said.iter().flat_map(|one| match one["principal"] == json!([VISITOR]) {
            // Not even the cookie, the first time.
            true => vec![json!({ VISITOR: [] }), json!({})],
            false => vec![json!({ BEARER: one["principal"] })],
        });
        operation.insert("security".to_owned(), shown.collect());
    }
}

fn add_own_answers(operation: &mut Value) {
    let Some(answers) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (status, about) in OWN_ANSWERS {
        let content = json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
        answers.entry(status).or_insert(json!({ "description": about, "content": content }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Route;

    fn described(path: &str, line: &str) -> Value {
        let schema = json!({ "$ref": "#/components/schemas/Line" });
        let answer = json!({ "content": { "application/json": { "schema": schema } } });
        json!({
            "info": { "description": path },
            "paths": { path: { "get": { "responses": { "200": answer } } } },
            "components": { "schemas": { "Line": { "type": line }, "Problem": { "type": "object" } } },
        })
    }

    fn merged(descriptions: Vec<ServiceDescription>) -> Value {
        let route = |path: &str, service: &str| Route { path: path.into(), service: service.into() };
        let routes = vec![route("/doors/*", "door"), route("/bells/*", "bell"), route("/keys", "key")];
        merge(&Table { routes, ..Table::default() }, false, descriptions)
    }

    fn said(service: &str, described: Result<Value, &str>) -> ServiceDescription {
        ServiceDescription { service: service.into(), described: described.map_err(str::to_owned) }
    }

    #[test]
    fn with_a_login_it_says_who_may_and_without_one_nothing() {
        let mut door = described("/doors/{id}", "x");
        door["paths"]["/doors/{id}"]["get"]["security"] =
            json!([{ "principal": ["owner"] }, { "principal": ["keeper"] }]);
        door["paths"]["/doors/{id}"]["put"] =
            json!({ "security": [{ "principal": ["owner"] }, { "principal": ["visitor"] }] });
        let routes = vec![Route { path: "/doors/*".into(), service: "door".into() }];
        let merged = |has_login: bool| {
            let table = Table { routes: routes.clone(), ..Table::default() };
            merge(&table, has_login, vec![said("door", Ok(door.clone()))])
        };
        let with = merged(true);
        let said = &with["paths"]["/doors/{id}"]["get"]["security"];
        assert_eq!(said, &json!([{ "bearer": ["owner"] }, { "bearer": ["keeper"] }]));
        assert_eq!(with["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
        let said = &with["paths"]["/doors/{id}"]["put"]["security"];
        assert_eq!(said, &json!([{ "bearer": ["owner"] }, { "visitor": [] }, {}]));
        assert_eq!(with["components"]["securitySchemes"]["visitor"]["in"], "cookie");
        let without = merged(false);
        assert!(without["paths"]["/doors/{id}"]["get"].get("security").is_none(), "{without}");
    }

    #[test]
    fn what_differs_under_one_name_gets_two_names() {
        let door = said("door", Ok(described("/doors/{id}", "string")));
        let merged = merged(vec![door, said("bell", Ok(described("/bells/{id}", "object")))]);
        let schema = |path: &str| {
            merged["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].clone()
        };
        assert_eq!(schema("/doors/{id}"), "#/components/schemas/Line");
        assert_eq!(schema("/bells/{id}"), "#/components/schemas/bell.Line");
        let names: Vec<&String> = merged["components"]["schemas"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["Line", "Problem", "bell.Line"]);
        assert_eq!(merged["components"]["schemas"]["bell.Line"]["type"], "object");
        assert!(merged["paths"]["/doors/{id}"]["get"]["responses"]["504"].is_object());
        assert!(merged.get("x-bongsu-missing").is_none());
    }

    #[test]
    fn a_service_that_says_nothing_is_named_and_a_path_that_leads_elsewhere_is_left_out() {
        let door = said("door", Ok(described("/doors/{id}", "string")));
        let liar = said("bell", Ok(described("/keys", "string")));
        let merged = merged(vec![door, liar, said("key", Err("no instance is ready"))]);
        assert_eq!(merged["paths"].as_object().unwrap().len(), 1, "{merged}");
        assert_eq!(merged["x-bongsu-missing"], json!([{ "service": "key", "why": "no instance is ready" }]));
    }
}
