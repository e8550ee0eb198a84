//! Where settings come from, and which of them wins.

use std::{fmt, path::PathBuf};

use bongsu_core::Strict;
use serde::{Deserialize as _, Serialize, de::DeserializeOwned};
use toml::{Table, Value};

use super::{Config, ConfigError, committed::one_line};

/// Variables under the prefix that are not configuration keys.
const NOT_KEYS: [&str; 9] = [
    "BONGSU_CONFIG",
    "BONGSU_CONFIG_FROM",
    "BONGSU_CONFIGURATION",
    "BONGSU_CRASH_AT",
    "BONGSU_PARENT_PIPE",
    "BONGSU_GIT_COMMIT",
    "BONGSU_RUN",
    // Where the gateway finds who started it.
    "BONGSU_SUPERVISOR",
    // The key of a client in another language, which may stand in a shell for all that is started there.
    "BONGSU_BROKER_KEY",
];
/// Where the service's own settings live.
const OWN: &str = "service";
const OWN_VARIABLE: &str = "BONGSU_SERVICE_";

/// Settings of one origin.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    source: Source,
    table: Table,
    /// Own settings that came as text: (key, text).
    guessed: Vec<(String, String)>,
    /// Said to every process: those take what they know of it.
    is_shared: bool,
}

/// An origin of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// By the name of where somebody wrote it, who may not have written that file.
    File(String),
    Environment,
    Flags,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{file}"),
            Self::Environment => write!(f, "the environment"),
            Self::Flags => write!(f, "the flags"),
        }
    }
}

impl Source {
    /// Where a key was set, by the name to look for.
    fn of(&self, key: &str) -> String {
        match self {
            Self::Environment => format!("{self} ({})", variable_of(key)),
            _ => self.to_string(),
        }
    }
}

/// A configuration as a table: which keys there are, and of which type.
pub(super) fn shape(config: &(impl Serialize + ?Sized)) -> Table {
    Table::try_from(config).expect("the configuration has string keys and no null")
}

impl Layer {
    /// `from` is where it was copied from, if it was.
    pub(super) fn from_file(shape: &Table, file: PathBuf, from: Option<String>) -> Result<Self, ConfigError> {
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(source) => return Err(ConfigError::Unreadable { file, source }),
        };
        let table: Table = match text.parse() {
            Ok(table) => table,
            Err(wrong) => return Err(not_toml(file, &text, &wrong)),
        };
        let source = Source::File(from.unwrap_or_else(|| file.display().to_string()));
        known(shape, &table, "", &source)?;
        Ok(Self { source, table, guessed: Vec::new(), is_shared: false })
    }

    /// What a folder of configuration says.
    pub(super) fn committed(shape: &Table, file: String, table: Table, is_shared: bool) -> Result<Self, ConfigError> {
        let source = Source::File(file);
        known(shape, &table, "", &source)?;
        Ok(Self { source, table, guessed: Vec::new(), is_shared })
    }

    /// As everywhere, what nobody reads is an error: all of it at once, since whoever set one variable set the others, too.
    pub(super) fn from_environment(shape: &Table, variables: Vec<(String, String)>) -> Result<Self, ConfigError> {
        let mut keys = leaves(shape, "");
        keys.sort();
        let mut layer =
            Self { source: Source::Environment, table: Table::new(), guessed: Vec::new(), is_shared: false };
        let mut unknown = Vec::new();
        for (variable, text) in without_links(variables) {
            if NOT_KEYS.contains(&variable.as_str()) {
                continue;
            }
            if let Some(key) = keys.iter().find(|key| variable_of(key) == variable) {
                layer.set(shape, key, &text)?;
            } else if let Some(own) = variable.strip_prefix(OWN_VARIABLE) {
                layer.set(shape, &format!("{OWN}.{}", own.to_lowercase()), &text)?;
            } else {
                unknown.push(variable);
            }
        }
        if unknown.is_empty() { Ok(layer) } else { Err(unread(&keys, &unknown)) }
    }

    pub(super) fn from_flags(shape: &Table, pairs: Vec<(String, String)>) -> Result<Self, ConfigError> {
        let mut layer = Self { source: Source::Flags, table: Table::new(), guessed: Vec::new(), is_shared: false };
        for (key, text) in pairs {
            layer.set(shape, &key, &text)?;
        }
        Ok(layer)
    }

    /// Puts one text under a dotted key, as the type the key has.
    fn set(&mut self, shape: &Table, key: &str, text: &str) -> Result<(), ConfigError> {
        let value = if key.strip_prefix(OWN).is_some_and(|rest| rest.starts_with('.')) {
            self.guessed.push((key[OWN.len() + 1..].to_owned(), text.to_owned()));
            guess(text)
        } else {
            let typed = typed(lookup(shape, key), text);
            typed.map_err(|reason| self.refuse(shape, key, reason))?
        };
        put(&mut self.table, key, value);
        Ok(())
    }

    fn refuse(&self, shape: &Table, key: &str, reason: Option<String>) -> ConfigError {
        let source_name = self.source.of(key);
        let key = key.to_owned();
        match reason {
            Some(reason) => ConfigError::BadValue { key, source_name, reason },
            None => {
                let suggestion = nearest(&key, leaves(shape, "").iter().map(String::as_str));
                ConfigError::UnknownKey { suggestion, key, source_name }
            }
        }
    }
}

/// Lays the layers over the defaults, the last on top, and reads the result.
pub(super) fn merge(defaults: Table, layers: &[Layer]) -> Result<Config, ConfigError> {
    let mut merged = defaults;
    layers.iter().for_each(|layer| overlay(&mut merged, &layer.table));
    let mut track = serde_path_to_error::Track::new();
    let reader = serde_path_to_error::Deserializer::new(Strict(Value::Table(merged)), &mut track);
    Config::deserialize(reader).map_err(|wrong| {
        let key = track.path().to_string();
        let source_name = origin(layers, &key);
        bad_value(key, source_name, &wrong)
    })
}

/// Reads a service's own settings. A text whose type was guessed wrong is tried once more as text.
pub(super) fn service<T: DeserializeOwned>(table: &Table, layers: &[Layer]) -> Result<T, ConfigError> {
    let mut guessed: Vec<_> = layers.iter().flat_map(|layer| layer.guessed.clone()).collect();
    let mut table = table.clone();
    loop {
        let mut unknown = None;
        let mut track = serde_path_to_error::Track::new();
        let reader = serde_path_to_error::Deserializer::new(Strict(Value::Table(table.clone())), &mut track);
        let read = serde_ignored::deserialize(reader, |path| {
            unknown.get_or_insert_with(|| path.to_string());
        });
        match (read, unknown) {
            (Ok(settings), None) => return Ok(settings),
            (Ok(_), Some(key)) => {
                let key = join(OWN, &key);
                return Err(ConfigError::UnknownKey { source_name: origin(layers, &key), key, suggestion: None });
            }
            (Err(wrong), _) => {
                let key = track.path().to_string();
                // The last layer that said it counts.
                if let Some(at) = guessed.iter().rposition(|(own, _)| *own == key) {
                    put(&mut table, &key, Value::String(guessed[at].1.clone()));
                    guessed.retain(|(own, _)| *own != key);
                    continue;
                }
                return Err(own_error(key, layers, &wrong));
            }
        }
    }
}

/// Takes out of a service's own settings what is said to every service and is none of its.
pub(super) fn own(table: &mut Table, layers: &[Layer], fields: &[&str]) {
    let is_meant = |key: &str| {
        let key = join(OWN, key);
        layers.iter().any(|layer| !layer.is_shared && lookup(&layer.table, &key).is_some())
    };
    table.retain(|key, _| fields.contains(&key) || is_meant(key));
}

/// Where a setting comes from, for whoever must find it: the last that said it, or what it is a part of.
pub(super) fn origin(layers: &[Layer], key: &str) -> String {
    let set_by = layers.iter().rev().find(|layer| lookup(&layer.table, key).is_some());
    match (set_by, key.rsplit_once('.')) {
        (Some(layer), _) => layer.source.of(key),
        (None, Some((whole, _))) if whole != OWN => origin(layers, whole),
        (None, _) => "the configuration".to_owned(),
    }
}

/// serde names an unknown field only in its message: `unknown field `a`, expected one of `b`, `c``.
fn own_error(key: String, layers: &[Layer], wrong: &toml::de::Error) -> ConfigError {
    let Some(rest) = wrong.message().strip_prefix("unknown field ") else {
        let key = join(OWN, &key);
        return bad_value(key.clone(), origin(layers, &key), wrong);
    };
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let field = quoted.next().unwrap_or(&key).to_owned();
    let suggestion = nearest(&field, quoted).map(|near| join(OWN, &near));
    let key = join(OWN, if key.ends_with(&field) { &key } else { &field });
    ConfigError::UnknownKey { source_name: origin(layers, &key), key, suggestion }
}

fn bad_value(key: String, source_name: String, wrong: &toml::de::Error) -> ConfigError {
    ConfigError::BadValue { key, source_name, reason: wrong.message().trim().replace('\n', " ") }
}

fn not_toml(file: PathBuf, text: &str, wrong: &toml::de::Error) -> ConfigError {
    ConfigError::NotToml { file, reason: one_line(text, wrong) }
}

/// Refuses the first key that is not in the shape.
fn known(shape: &Table, table: &Table, prefix: &str, source: &Source) -> Result<(), ConfigError> {
    for (key, value) in table {
        let path = join(prefix, key);
        match (shape.get(key), value) {
            (Some(_), _) if path == OWN => {}
            (Some(Value::Table(inner)), Value::Table(given)) => known(inner, given, &path, source)?,
            (Some(_), _) => {}
            (None, _) => {
                let near = nearest(key, shape.keys().map(String::as_str));
                let suggestion = near.map(|near| join(prefix, &near));
                return Err(ConfigError::UnknownKey { key: path, source_name: source.to_string(), suggestion });
            }
        }
    }
    Ok(())
}

/// Variables that would be a setting of a service's own, whichever service it is.
pub(super) fn of_a_service(variables: Vec<(String, String)>) -> Vec<String> {
    let names = without_links(variables).map(|(variable, _)| variable);
    names.filter(|variable| variable.starts_with(OWN_VARIABLE)).collect()
}

/// What is left without those that Kubernetes set.
fn without_links(variables: Vec<(String, String)>) -> impl Iterator<Item = (String, String)> {
    let linked = linked(&variables);
    let is_link = move |variable: &str| linked.iter().any(|name| is_service_link(variable, name));
    variables.into_iter().filter(move |(variable, _)| !is_link(variable))
}

/// Kubernetes Services whose variables are in the environment: `BONGSU_LIMITS_PORT=tcp://10.0.0.1:80` is one of a Service
/// that is named bongsu-limits.
fn linked(variables: &[(String, String)]) -> Vec<String> {
    let ports = variables.iter().filter(|(_, value)| value.contains("://"));
    ports.filter_map(|(variable, _)| variable.strip_suffix("_PORT").map(str::to_owned)).collect()
}

/// What Kubernetes sets in every pod for a Service, see "Environment variables" of its Services.
fn is_service_link(variable: &str, service: &str) -> bool {
    let Some(rest) = variable.strip_prefix(service) else { return false };
    let numbered =
        |prefix: &str| rest.strip_prefix(prefix).is_some_and(|more| more.is_empty() || more.starts_with('_'));
    rest == "_SERVICE_HOST" || numbered("_SERVICE_PORT") || numbered("_PORT")
}

/// Variables under our prefix that nobody reads.
fn unread(keys: &[String], variables: &[String]) -> ConfigError {
    let names: Vec<String> = keys.iter().map(|key| variable_of(key)).collect();
    let suggestion = match variables {
        [one] => nearest(one, names.iter().map(String::as_str)),
        _ => None,
    };
    let source_name = Source::Environment.to_string();
    ConfigError::UnknownKey { key: variables.join(", "), source_name, suggestion }
}

fn variable_of(key: &str) -> String {
    format!("BONGSU_{}", key.replace('.', "_").to_uppercase())
}

/// Dotted paths of everything that is not a table.
fn leaves(table: &Table, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in table {
        let path = join(prefix, key);
        match value {
            Value::Table(inner) => found.extend(leaves(inner, &path)),
            _ => found.push(path),
        }
    }
    found
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

pub(super) fn lookup<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((first, rest)) => lookup(table.get(first)?.as_table()?, rest),
    }
}

fn put(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
            if !inner.is_table() {
                *inner = Value::Table(Table::new());
            }
            if let Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

fn overlay(under: &mut Table, over: &Table) {
    for (key, value) in over {
        match (under.get_mut(key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => overlay(under, over),
            _ => {
                under.insert(key.clone(), value.clone());
            }
        }
    }
}

/// A text as the type of the default; `Err(None)` when there is no such key.
fn typed(default: Option<&Value>, text: &str) -> Result<Value, Option<String>> {
    let wanted = |what: &str| Some(format!("must be {what}, not {text}"));
    match default {
        // What is none is refused with its range when it is read as what it is.
        Some(Value::Integer(_)) => Ok(guess_whole(text)),
        Some(Value::Boolean(_)) => text.parse().map(Value::Boolean).map_err(|_| wanted("true or false")),
        Some(Value::String(_)) => Ok(Value::String(text.to_owned())),
        _ => Err(None),
    }
}

fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn guess_whole(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::String(text.to_owned()), Value::Integer)
}

/// A text whose type only the service knows.
fn guess(text: &str) -> Value {
    if is_whole(text) {
        return guess_whole(text);
    }
    let whole = text.parse().map(Value::Integer);
    whole
        .or_else(|_| text.parse().map(Value::Boolean))
        .or_else(|_| text.parse().map(Value::Float))
        .unwrap_or_else(|_: std::num::ParseFloatError| Value::String(text.to_owned()))
}

/// The candidate one or two typing errors away.
fn nearest<'a>(given: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let near = candidates.map(|candidate| (distance(given, candidate), candidate)).min()?;
    (near.0 <= 2 && near.0 < given.len()).then(|| near.1.to_owned())
}

/// Levenshtein distance, in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

pub(super) fn hint(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |near| format!("; did you mean {near}?"))
}
