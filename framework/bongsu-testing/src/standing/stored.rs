//! Everything a context stores can be read for ever, and its samples show all of it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use bongsu_core::type_of;
use bongsu_given::bless::{Bless, is_remembered, keep};
use bongsu_runtime::{Kind, Service, Words};
use serde_json::Value;

use super::{
    draft::{self, Message, optional, reader},
    files::{self, stem},
};

/// Reads the samples of every command, rejection and event of a context, in every version there was.
///
/// The newest version must be written as its samples are; they fill every field, and show what may be absent both ways.
///
/// # Panics
/// When a sample is missing, altered, of nothing, not read, or written otherwise; when something is never shown.
#[track_caller]
pub fn stored(folder: &Path, service: &Service) {
    let bless = Bless::asked();
    let _pen = bless.pen();
    look(folder, service, &bless);
}

/// The same for whoever has the pen.
#[track_caller]
pub(super) fn look(folder: &Path, service: &Service, bless: &Bless) {
    let golden = files::golden(folder);
    let mut expected = BTreeSet::new();
    let mut names = BTreeSet::new();
    let mut looked = 0;
    for words in service.words().iter().filter(|words| words.kind != Kind::Heard) {
        for (name, newest) in &words.names {
            names.insert(*name);
            for schema in 1..=*newest {
                let samples = version(folder, words, (name, schema, *newest), bless);
                looked += samples.len();
                expected.extend(samples);
            }
        }
    }
    let there = files::jsons(&golden);
    let foreign: Vec<_> = there.iter().filter(|path| !expected.contains(*path)).collect();
    assert!(foreign.is_empty(), "samples of nothing that {} stores: {foreign:?}", service.name());
    assert!(looked >= names.len(), "there are {} names and {looked} samples", names.len());
    keep(folder, &golden, &there, bless);
    println!("{}: {looked} samples of {} names are read", service.name(), names.len());
}

/// The samples of one version: `NAME.vN.json`, and `NAME.vN.*.json`.
#[track_caller]
fn version(folder: &Path, words: &Words, (name, schema, newest): (&str, u32, u32), bless: &Bless) -> Vec<PathBuf> {
    let kind = type_of(name, schema);
    let read = reader(words, name, schema);
    let message = Message { read: &read, members: &|body| words.members(name, body) };
    let mut samples = samples_of(folder, &kind);
    if samples.is_empty() {
        let path = files::golden(folder).join(format!("{kind}.json"));
        assert!(!is_remembered(folder, &path), "{} was written once and is gone: restore it", path.display());
        assert!(bless.adds() && schema == newest, "{} is missing: BLESS=1 drafts the newest version", path.display());
        let full = draft::filled(&message);
        let full = full.unwrap_or_else(|why| panic!("write {} by hand, its type says only: {why}", path.display()));
        files::write(&path, &full);
        samples.push(path);
    }
    for sample in &samples {
        let again = read(&files::read(sample)).unwrap_or_else(|why| panic!("{}: {why}", sample.display()));
        if schema == newest {
            assert_eq!(
                again,
                files::read(sample),
                "{} is not written as it was: that is a new version",
                sample.display()
            );
        }
    }
    if schema == newest {
        show_both_ways(folder, &message, &kind, &mut samples, bless);
    }
    samples
}

fn samples_of(folder: &Path, kind: &str) -> Vec<PathBuf> {
    let is_of_it =
        |path: &PathBuf| stem(path).strip_prefix(kind).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    files::jsons(&files::golden(folder)).into_iter().filter(is_of_it).collect()
}

/// Sees that all samples together fill everything and leave out everything that may be absent.
#[track_caller]
fn show_both_ways(folder: &Path, message: &Message<'_>, kind: &str, samples: &mut Vec<PathBuf>, bless: &Bless) {
    for way in ["full", "bare"] {
        let bodies: Vec<Value> = samples.iter().map(|sample| files::read(sample)).collect();
        let missing = if way == "full" { never_filled(message, &bodies) } else { never_absent(message, &bodies) };
        if missing.is_empty() {
            continue;
        }
        let path = files::golden(folder).join(format!("{kind}.{way}.json"));
        let what = if way == "full" { "filled" } else { "left out" };
        assert!(bless.adds() && !path.exists(), "no sample of {kind} has {missing:?} {what}: BLESS=1 drafts one");
        let drafted = match way {
            "full" => Some(draft::with_all_filled(message, bodies[0].clone())),
            _ => draft::bare(message.read, &bodies[0]),
        };
        let body = drafted.unwrap_or_else(|| panic!("write a sample of {kind} with {missing:?} {what} by hand"));
        files::write(&path, &body);
        samples.push(path);
    }
}

/// Places that are left out, null or empty in every sample that could have them.
fn never_filled(message: &Message<'_>, bodies: &[Value]) -> BTreeSet<String> {
    let is_empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    let all: BTreeSet<String> = bodies.iter().flat_map(|body| message.places(body)).collect();
    let filled = |place: &String| bodies.iter().filter_map(|body| body.pointer(place)).any(|value| !is_empty(value));
    all.into_iter().filter(|place| !filled(place)).collect()
}

/// Places that may be null and are in no sample.
fn never_absent(message: &Message<'_>, bodies: &[Value]) -> BTreeSet<String> {
    let mut optionals = BTreeSet::new();
    bodies.iter().for_each(|body| optionals.extend(optional(message.read, body)));
    let is_absent = |place: &str, body: &Value| match place.rsplit_once('/') {
        // A member whose holder is not there says nothing; one whose holder is absent in full was left out with it.
        Some((holder, _)) => match body.pointer(holder) {
            Some(Value::Object(_) | Value::Array(_)) => body.pointer(place).is_none_or(Value::is_null),
            holder => holder.is_none_or(Value::is_null),
        },
        None => false,
    };
    optionals.retain(|place| !bodies.iter().any(|body| is_absent(place, body)));
    optionals
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_that_every_sample_leaves_out_is_named() {
        let members = |body: &Value| match body.get("to") {
            Some(_) => BTreeSet::from(["/to/note".to_owned()]),
            None => BTreeSet::from(["/to".to_owned()]),
        };
        let message = Message { read: &|body| Ok(body.clone()), members: &members };
        let missing = |bodies: &[Value]| never_filled(&message, bodies).into_iter().collect::<Vec<_>>();
        assert_eq!(missing(&[json!({})]), ["/to"]);
        assert_eq!(missing(&[json!({}), json!({ "to": { "name": "Ann" } })]), ["/to/note"]);
        assert_eq!(missing(&[json!({}), json!({ "to": { "note": "left" } })]), [""; 0]);
    }
}
