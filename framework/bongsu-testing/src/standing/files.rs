//! The files beside a context.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// Where a context keeps what it stored once: its own folder, or that of its rules.
pub(super) fn golden(folder: &Path) -> PathBuf {
    let rules = folder.join("domain");
    if rules.is_dir() { rules.join("golden") } else { folder.join("golden") }
}

/// The samples of a fact (`door-opened.v1`) in the contracts of the context that tells it.
pub(super) fn samples(contracts: &Path, event: &str) -> Vec<PathBuf> {
    jsons(&contracts.join("samples").join(event))
}

/// The JSON files in a folder, by name; none when it is not there.
pub(super) fn jsons(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    files
}

/// A file's name without `.json`.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

#[track_caller]
pub(super) fn read(path: &Path) -> Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[track_caller]
pub(super) fn write(path: &Path, value: &Value) {
    let folder = path.parent().expect("a file is in a folder");
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, format!("{value:#}\n")));
    written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// `door-opened.v1` of `house.door-opened.v1`.
pub(super) fn event_of(fact: &str) -> &str {
    fact.split_once('.').map_or(fact, |(_, event)| event)
}
