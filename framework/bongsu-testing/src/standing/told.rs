//! What a context tells fits its contracts.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use bongsu_core::type_of;
use bongsu_given::{
    bless::{Bless, keep},
    contract::fits,
};
use bongsu_runtime::{Kind, Service};
use serde_json::{Map, Value, json};

use super::{
    files::{self, event_of, stem},
    stored,
};

/// The description of an API, beside the schemas of facts.
const OPENAPI: &str = "openapi";
/// The stream of which something is told.
const ID: &str = "o1";

/// An event of a stream: name, schema, body.
type Happened = (String, u32, Vec<u8>);
/// Bodies by the type of the fact.
type FactBodies = BTreeMap<String, BTreeSet<String>>;

/// Has every golden event told, alone, after each other one and after all of them: every fact fits its schema strictly, every
/// schema has a fact and samples, every sample fits, and what a schema describes is told or shown.
///
/// # Panics
/// When any of that does not hold.
#[track_caller]
pub fn told(folder: &Path, service: &Service) {
    let bless = Bless::asked();
    let _pen = bless.pen();
    look(folder, service, &bless);
}

/// The same for whoever has the pen, who drafts the events first.
#[track_caller]
pub(super) fn look(folder: &Path, service: &Service, bless: &Bless) {
    if bless.adds() {
        stored::look(folder, service, bless);
    }
    let contracts = folder.join("contracts");
    let told = facts(folder, service);
    let mut checked = 0;
    let mut all = Vec::new();
    for (fact, bodies) in &told {
        assert!(
            fact.starts_with(&format!("{}.", service.name())),
            "{fact} is told by {}, and not its own",
            service.name()
        );
        let bodies: Vec<Value> =
            bodies.iter().map(|body| serde_json::from_str(body).expect("a fact is JSON")).collect();
        let schema = schema(&contracts, fact, &bodies, bless);
        for body in &bodies {
            fits(&schema, body, true).unwrap_or_else(|fault| panic!("{fact} is told as {body}: {fault}"));
        }
        let samples = samples(&contracts, fact, &bodies, bless);
        for sample in &samples {
            let body = files::read(sample);
            fits(&schema, &body, true).unwrap_or_else(|fault| panic!("{}: {fault}", sample.display()));
        }
        let shown: Vec<Value> = bodies.iter().cloned().chain(samples.iter().map(|path| files::read(path))).collect();
        if let Some(place) = never_shown(&schema, &shown.iter().collect::<Vec<_>>()) {
            panic!("the schema of {fact} describes {place}, which no event tells and no sample has");
        }
        checked += shown.len();
        all.extend(samples);
    }
    let schemas = files::jsons(&contracts).iter().map(|path| stem(path)).filter(|stem| stem != OPENAPI).collect();
    let facts: BTreeSet<String> = told.keys().map(|fact| event_of(fact).to_owned()).collect();
    assert_eq!(facts, schemas, "what is told of golden events, and the schemas in {}", contracts.display());
    keep(folder, &contracts.join("samples"), &all, bless);
    println!("{}: {checked} bodies of {} facts fit their schemas", service.name(), facts.len());
}

fn facts(folder: &Path, service: &Service) -> FactBodies {
    let mut told = FactBodies::new();
    for words in service.words().iter().filter(|words| words.kind == Kind::Event) {
        let events: Vec<Happened> = words.names.iter().flat_map(|named| samples_of(folder, *named)).collect();
        for stream in streams(&events) {
            let stream: Vec<_> =
                stream.iter().map(|(name, schema, body)| (name.as_str(), *schema, body.as_slice())).collect();
            for fact in service.told_of(&words.of, ID, &stream) {
                let body = String::from_utf8(fact.data).expect("a fact is JSON");
                told.entry(type_of(fact.name, fact.schema)).or_default().insert(body);
            }
        }
    }
    told
}

/// The golden samples of an event.
fn samples_of(folder: &Path, (name, schema): (&str, u32)) -> Vec<Happened> {
    let kind = type_of(name, schema);
    let golden = files::jsons(&files::golden(folder));
    let of_it = |it: &str| it.strip_prefix(&kind).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let golden = golden.iter().filter(|path| of_it(&stem(path)));
    golden.map(|path| (name.to_owned(), schema, files::read(path).to_string().into_bytes())).collect()
}

/// Every event alone, after each other one, and after all of them.
fn streams(events: &[Happened]) -> Vec<Vec<&Happened>> {
    let mut streams = Vec::new();
    for last in events {
        streams.push(vec![last]);
        streams.extend(events.iter().map(|first| vec![first, last]));
        streams.push(events.iter().chain([last]).collect());
    }
    streams
}

/// The schema of a fact; where there is none, one that fits what is told, if that may be written.
#[track_caller]
fn schema(contracts: &Path, fact: &str, bodies: &[Value], bless: &Bless) -> Value {
    let path = contracts.join(format!("{}.json", event_of(fact)));
    if !path.exists() {
        assert!(bless.adds(), "{fact} has no schema: BLESS=1 drafts {}", path.display());
        let mut schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": fact, "title": fact,
        });
        schema.as_object_mut().expect("an object").extend(described(bodies.iter().collect()));
        files::write(&path, &schema);
    }
    files::read(&path)
}

/// A schema that values fit: what all of them have is required.
fn described(values: Vec<&Value>) -> Map<String, Value> {
    let kind = |value: &&Value| match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::Null => "null",
    };
    let kinds: BTreeSet<&str> = values.iter().map(kind).collect();
    let mut schema = Map::new();
    let kinds: Vec<&str> = kinds.into_iter().collect();
    schema.insert("type".into(), if let [kind] = kinds[..] { json!(kind) } else { json!(kinds) });
    let objects: Vec<&Map<String, Value>> = values.iter().filter_map(|value| value.as_object()).collect();
    if !objects.is_empty() {
        let names: BTreeSet<&String> = objects.iter().flat_map(|object| object.keys()).collect();
        let required: Vec<_> = names.iter().filter(|name| objects.iter().all(|it| it.contains_key(**name))).collect();
        schema.insert("required".into(), json!(required));
        let of = |name: &String| json!(described(objects.iter().filter_map(|object| object.get(name)).collect()));
        let properties: Map<String, Value> = names.iter().map(|name| ((*name).clone(), of(name))).collect();
        schema.insert("properties".into(), Value::Object(properties));
    }
    let items: Vec<&Value> = values.iter().filter_map(|value| value.as_array()).flatten().collect();
    if !items.is_empty() {
        schema.insert("items".into(), json!(described(items)));
    }
    schema
}

/// The first member that a schema describes and none of these has.
fn never_shown(schema: &Value, values: &[&Value]) -> Option<String> {
    let members = schema["properties"].as_object().into_iter().flatten().find_map(|(name, described)| {
        let of_it: Vec<&Value> = values.iter().filter_map(|value| value.get(name)).collect();
        let inner = if of_it.is_empty() { Some(String::new()) } else { never_shown(described, &of_it) };
        inner.map(|inner| format!("/{name}{inner}"))
    });
    let items = || {
        let of_it: Vec<&Value> = values.iter().filter_map(|value| value.as_array()).flatten().collect();
        never_shown(schema.get("items")?, &of_it).map(|inner| format!("/*{inner}"))
    };
    members.or_else(items)
}

/// The samples of a fact; where there is none, one that was told, if that may be written.
#[track_caller]
fn samples(contracts: &Path, fact: &str, bodies: &[Value], bless: &Bless) -> Vec<std::path::PathBuf> {
    let samples = files::samples(contracts, event_of(fact));
    if !samples.is_empty() {
        return samples;
    }
    let path = contracts.join("samples").join(event_of(fact)).join("typical.json");
    assert!(bless.adds(), "{fact} has no sample: BLESS=1 writes {}", path.display());
    files::write(&path, &bodies[0]);
    vec![path]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_schema_describes_and_nobody_tells_is_named_at_every_depth() {
        let line =
            json!({ "type": "object", "properties": { "size": { "type": "string" }, "gift": { "type": "boolean" } } });
        let schema = json!({ "type": "object", "properties": { "lines": { "type": "array", "items": line } } });
        let body = |line: Value| json!({ "lines": [{ "size": "S" }, line] });
        assert_eq!(never_shown(&schema, &[&body(json!({}))]).as_deref(), Some("/lines/*/gift"));
        assert_eq!(never_shown(&schema, &[&json!({})]).as_deref(), Some("/lines"));
        assert_eq!(never_shown(&schema, &[&body(json!({})), &body(json!({ "gift": true }))]), None);
    }
}
