//! The contexts of the mall, from the one place that lists them, `mall/bongsu.toml`: for the harness, the API's tests, the
//! context map, the killer and the simulator. What they depend on stands in this crate's manifest.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bongsu_runtime::Service;
use serde_json::Value;

include!(concat!(env!("OUT_DIR"), "/contexts.rs"));

/// The map of a context as it is by default.
///
/// # Panics
/// When there is no such context.
pub fn map(context: &str) -> Service {
    let map = maps().into_iter().find(|map| map.name() == context);
    map.unwrap_or_else(|| panic!("there is no context {context}"))
}

/// The folder of the mall.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mall")
}

/// A list that a context can be asked for, whatever there is, from the description of its API; of one that keeps nothing, which
/// has none, what every process says of itself.
pub fn list_of(context: &str) -> String {
    let file = folder().join(context).join("contracts/openapi.json");
    let text = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let described: Value = serde_json::from_slice(&text).expect("a description is JSON");
    let paths = described["paths"].as_object().into_iter().flatten();
    let is_list = |operation: &Value| operation["operationId"].as_str().is_some_and(|id| id.starts_with("list"));
    let lists = paths.map(|(path, methods)| (path, &methods["get"])).filter(|(_, operation)| is_list(operation));
    let list = lists.min_by_key(|(path, _)| path.len());
    let Some((path, operation)) = list else { return "/info".to_owned() };
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let needed = parameters.filter(|it| it["in"] == "query" && it["required"] == true);
    let needed: Vec<String> = needed.filter_map(|it| Some(format!("{}=ord_1", it["name"].as_str()?))).collect();
    if needed.is_empty() { path.clone() } else { format!("{path}?{}", needed.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_context_has_a_map_of_its_name_and_a_list_unless_it_keeps_nothing() {
        assert_eq!(maps().map(|map| map.name()), CONTEXTS);
        let lists: Vec<String> = CONTEXTS.iter().map(|context| list_of(context)).collect();
        let without: Vec<_> = CONTEXTS.iter().zip(&lists).filter(|(_, list)| *list == "/info").collect();
        assert_eq!(without, [(&"bff-web", &"/info".to_owned())]);
        assert!(
            lists.contains(&"/orders".to_owned()) && lists.contains(&"/payments?order=ord_1".to_owned()),
            "{lists:?}"
        );
    }
}
