//! Several descriptions become one.

use serde_json::{Map, Value, json};

use crate::table::Table;

/// What a service said of itself, or why it said nothing.
pub(crate) struct ServiceDescription {
    pub(crate) service: String,
    pub(crate) described: Result<Value, String>,
}

/// Where descriptions keep what they share; the names in here may collide.
const SHELVES: [&str; 4] = ["schemas", "responses", "parameters", "headers"];
/// What the gateway itself may answer in place of any service.
const OWN_ANSWERS: [(&str, &str); 3] = [
    ("502", "The service broke off, or answered nonsense."),
    ("503", "No instance of the service is ready; Retry-After says when."),
    ("504", "The service did not answer in time."),
];

/// One description: the paths of each service that lead to it from here, and what they refer to. Of two components
/// with one name that differ, the later one is called after its service.
pub(crate) fn merge(table: &Table, descriptions: Vec<ServiceDescription>) -> Value {
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
                // Who is asking, the gateway says: by a header of its own towards the services, none of a client's.
                if let Some(shelves) = described["components"].as_object_mut() {
                    shelves.remove("securitySchemes");
                }
                let of_service = described["paths"].as_object_mut().map(std::mem::take).unwrap_or_default();
                paths.extend(of_service.into_iter().filter(|(path, _)| table.service_of(path) == Some(&service)));
            }
            Err(why) => missing.push(json!({ "service": service, "why": why })),
        }
    }
    paths.values_mut().for_each(add_own_answers);
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

fn add_own_answers(path: &mut Value) {
    for operation in path.as_object_mut().into_iter().flatten().filter_map(|(_, it)| it.as_object_mut()) {
        operation.remove("security");
        let Some(answers) = operation.get_mut("responses").and_then(Value::as_object_mut) else { continue };
        for (status, about) in OWN_ANSWERS {
            let content =
                json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
            answers.entry(status).or_insert(json!({ "description": about, "content": content }));
        }
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
        merge(&Table { routes, ..Table::default() }, descriptions)
    }

    fn said(service: &str, described: Result<Value, &str>) -> ServiceDescription {
        ServiceDescription { service: service.into(), described: described.map_err(str::to_owned) }
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
