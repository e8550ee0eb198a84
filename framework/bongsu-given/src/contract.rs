//! Contracts: what a context publishes fits its schema and samples; what another hears parses them.
//!
//! A contracts folder holds `<event>.v<n>.json`, a JSON Schema, and `samples/<event>.v<n>/*.json`, bodies as
//! they stand in the log for ever. The schema reader knows the few keywords contracts need and refuses every
//! other, so that no rule is skipped unnoticed; a full validator would be a large dependency for ten keywords.

use std::{
    collections::BTreeSet,
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
};

use bongsu_core::{Wire, split_type, type_of};
use serde_json::{Map, Value};

use crate::bless::Bless;

/// The description of an API, beside the schemas of facts.
const OPENAPI: &str = "openapi.json";

/// Checks the publishing side.
///
/// Every name of `F` must have a schema, at least one sample and at least one example; samples and encoded
/// examples must fit the schema without a field it does not describe; a sample decodes and encodes to itself;
/// the folder describes nothing else.
///
/// # Panics
/// When any of that does not hold.
#[track_caller]
pub fn published<F: Wire + Debug>(folder: &Path, examples: &[F]) {
    let facts: BTreeSet<String> = F::names().into_iter().map(|(name, schema)| type_of(name, schema)).collect();
    let described: BTreeSet<String> = json_files(folder).iter().map(|path| stem(path)).collect();
    let expected: BTreeSet<String> = facts.iter().map(|fact| event_of(fact).to_owned()).collect();
    assert_eq!(described, expected, "the schemas in {} and the facts differ", folder.display());
    for fact in &facts {
        let schema = read(&folder.join(format!("{}.json", event_of(fact))));
        for sample in samples(folder, fact) {
            fits_strictly(&schema, &read(&sample), &sample.display().to_string());
            let decoded = decode::<F>(fact, &sample);
            let again: Value = serde_json::from_slice(&decoded.encode()).expect("a fact encodes as JSON");
            assert_eq!(again, read(&sample), "{} does not encode to itself", sample.display());
        }
        let of_this = |example: &&F| type_of(example.name().0, example.name().1) == *fact;
        let mine: Vec<_> = examples.iter().filter(of_this).collect();
        assert!(!mine.is_empty(), "no example of {fact} was given");
        for example in mine {
            let body = serde_json::from_slice(&example.encode()).expect("a fact encodes as JSON");
            fits_strictly(&schema, &body, &format!("{example:?}"));
        }
    }
}

/// Checks that the API's description in the contracts folder is the one the service serves.
///
/// With `BLESS=1` in the environment it is written down instead.
///
/// # Panics
/// When it differs, with the command that refreshes it; the difference itself is for `git diff` to show.
#[track_caller]
pub fn described(folder: &Path, api: &Value) {
    let file = folder.join(OPENAPI);
    let text = format!("{api:#}\n");
    println!("{} of {} operations", file.display(), operations(api));
    if Bless::asked() == Bless::New {
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file, text));
        return written.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
    let known = fs::read_to_string(&file).unwrap_or_default();
    let at = known.lines().zip(text.lines()).position(|(known, new)| known != new);
    assert!(
        known == text,
        "{} is not what the service says of itself (first difference in line {}). If the change is meant, refresh it: \
         BLESS=1 cargo test --workspace described",
        file.display(),
        at.unwrap_or(known.lines().count()) + 1,
    );
}

fn operations(api: &Value) -> usize {
    let paths = api["paths"].as_object().into_iter().flatten();
    paths.filter_map(|(_, methods)| methods.as_object()).map(Map::len).sum()
}

/// Checks the hearing side: every sample of every type declared parses into `H`.
///
/// `contexts` is the folder that holds one folder per context, each with its `contracts`.
///
/// # Panics
/// When a sample does not parse, or a declared type has none.
#[track_caller]
pub fn heard<H: Wire>(contexts: &Path, types: &[&str]) {
    assert!(!types.is_empty(), "nothing is declared as heard");
    for fact in types {
        let (context, _) = fact.split_once('.').expect("a fact is named context.event.version");
        for sample in samples(&contexts.join(context).join("contracts"), fact) {
            decode::<H>(fact, &sample);
        }
    }
}

/// Checks that what was stored once can be read for ever: events, commands and rejections.
///
/// `folder` holds one body per name and version, `<name>.v<n>.json`, written when that version was the newest
/// and never changed since. Every version of every name of `W` must be there and decode; the newest one must
/// encode to itself and look like the example given of it; there must be an example of every name.
///
/// # Panics
/// When any of that does not hold.
#[track_caller]
pub fn golden<W: Wire + Debug>(folder: &Path, examples: &[W]) {
    for (name, newest) in W::names() {
        for schema in 1..=newest {
            let kind = type_of(name, schema);
            let sample = folder.join(format!("{kind}.json"));
            assert!(sample.is_file(), "{} is missing; it may look like {}", sample.display(), look(examples, name));
            let decoded = decode::<W>(&kind, &sample);
            if schema == newest {
                let again: Value = serde_json::from_slice(&decoded.encode()).expect("it encodes as JSON");
                assert_eq!(again, read(&sample), "{} does not encode to itself", sample.display());
            }
        }
        let shown = read(&folder.join(format!("{}.json", type_of(name, newest))));
        assert_eq!(look(examples, name), shown, "what is stored as {name} changed: that is a new version");
    }
}

#[track_caller]
fn look<W: Wire>(examples: &[W], name: &str) -> Value {
    let example = examples.iter().find(|example| example.name().0 == name);
    let example = example.unwrap_or_else(|| panic!("no example of {name} was given"));
    serde_json::from_slice(&example.encode()).expect("it encodes as JSON")
}

/// Whether a value fits a schema.
///
/// With `closed`, an object may hold only what the schema describes, whatever it says about more.
///
/// # Errors
/// The JSON pointer and what does not fit; also a schema keyword this reader does not know.
///
/// ```
/// use bongsu_given::contract::fits;
/// use serde_json::json;
/// let schema = json!({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 1}}});
/// assert_eq!(fits(&schema, &json!({"n": 2, "more": true}), false), Ok(()));
/// assert_eq!(fits(&schema, &json!({"n": 2, "more": true}), true), Err("/more: is not described".into()));
/// assert_eq!(fits(&schema, &json!({"n": 0}), false), Err("/n: 0 is below 1".into()));
/// assert!(fits(&json!({"oneOf": []}), &json!(1), false).is_err());
/// ```
pub fn fits(schema: &Value, value: &Value, closed: bool) -> Result<(), String> {
    check(schema, value, closed, "")
}

fn check(schema: &Value, value: &Value, closed: bool, at: &str) -> Result<(), String> {
    let rules = schema.as_object().ok_or_else(|| format!("{at}: the schema is not an object"))?;
    for (keyword, rule) in rules {
        let fault = match keyword.as_str() {
            "$schema" | "$id" | "title" | "description" | "properties" => None,
            "type" => (!is_type(rule, value)).then(|| format!("{value} is not of type {rule}")),
            "const" => (rule != value).then(|| format!("{value} is not {rule}")),
            "enum" => (!list(rule).contains(value)).then(|| format!("{value} is not one of {rule}")),
            "minimum" => below(value, rule).then(|| format!("{value} is below {rule}")),
            "minItems" => (list(value).len() < size(rule)).then(|| format!("fewer than {rule} items")),
            "minLength" => (value.as_str().map_or(0, str::len) < size(rule)).then(|| format!("shorter than {rule}")),
            "required" => missing(list(rule), value).map(|name| format!("{name} is missing")),
            "items" => {
                for (index, item) in list(value).iter().enumerate() {
                    check(rule, item, closed, &format!("{at}/{index}"))?;
                }
                None
            }
            unknown => Some(format!("the schema keyword {unknown} is not supported")),
        };
        if let Some(fault) = fault {
            return Err(format!("{at}: {fault}"));
        }
    }
    check_properties(rules, value, closed, at)
}

fn check_properties(rules: &Map<String, Value>, value: &Value, closed: bool, at: &str) -> Result<(), String> {
    let Some(fields) = value.as_object() else { return Ok(()) };
    let described = rules.get("properties").and_then(Value::as_object);
    for (name, field) in fields {
        match described.and_then(|properties| properties.get(name)) {
            Some(rule) => check(rule, field, closed, &format!("{at}/{name}"))?,
            None if closed => return Err(format!("{at}/{name}: is not described")),
            None => {}
        }
    }
    Ok(())
}

fn is_type(rule: &Value, value: &Value) -> bool {
    let one = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    };
    match rule {
        Value::String(name) => one(name),
        several => list(several).iter().any(|name| name.as_str().is_some_and(one)),
    }
}

fn missing<'s>(required: &'s [Value], value: &Value) -> Option<&'s str> {
    required.iter().filter_map(Value::as_str).find(|name| value.get(name).is_none())
}

fn below(value: &Value, least: &Value) -> bool {
    value.as_i64().unwrap_or(i64::MAX) < least.as_i64().unwrap_or(i64::MIN)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn size(rule: &Value) -> usize {
    rule.as_u64().map_or(usize::MAX, |size| size as usize)
}

#[track_caller]
fn fits_strictly(schema: &Value, body: &Value, what: &str) {
    if let Err(fault) = fits(schema, body, true) {
        panic!("{what} does not fit its schema: {fault}");
    }
}

#[track_caller]
fn decode<H: Wire>(fact: &str, sample: &Path) -> H {
    let (name, schema) = split_type(fact).expect("a fact type ends in its version");
    let body = fs::read(sample).expect("a sample can be read");
    match H::decode(name, schema, &body) {
        Ok(Some(heard)) => heard,
        Ok(None) => panic!("{fact} is declared, but its name is not known to the type that hears it"),
        Err(error) => panic!("{} does not parse: {error}", sample.display()),
    }
}

/// `asked.v1` of `question.asked.v1`.
fn event_of(fact: &str) -> &str {
    fact.split_once('.').expect("a fact is named context.event.version").1
}

#[track_caller]
fn samples(contracts: &Path, fact: &str) -> Vec<PathBuf> {
    let folder = contracts.join("samples").join(event_of(fact));
    let samples = json_files(&folder);
    assert!(!samples.is_empty(), "there is no sample in {}", folder.display());
    samples
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_schema = |path: &PathBuf| {
        path.extension().is_some_and(|end| end == "json") && path.file_name().is_none_or(|name| name != OPENAPI)
    };
    let mut files: Vec<_> = entries.filter(is_schema).collect();
    files.sort();
    files
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

#[track_caller]
fn read(path: &Path) -> Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
