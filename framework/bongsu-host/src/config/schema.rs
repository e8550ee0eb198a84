//! What can be set of a process, as data: each key with its kind, its range and its default, and whether it is taken while
//! the process runs. Whoever hands out settings checks them by this, without asking the process.
//!
//! It is read off the types that read the settings, by having them read what says nothing: a list that an author keeps beside
//! his type would be wrong one day.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value as Json;
use toml::{Table, Value};

use super::{
    Config,
    committed::FIXED,
    layers,
    probe::{Asked, Hop, look},
    range::bounds,
    secret::names_a_secret,
    show::hidden,
};

/// Deeper than this no settings are, but a type that holds itself is.
const DEEPEST: usize = 8;
/// One key that can be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Dotted: `limits.body_bytes`, `service.window_ms`.
    pub key: String,
    /// What is taken.
    pub kind: Kind,
    /// What it is where nobody says anything; nothing for what is off then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Json>,
    /// What this process was started with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
    /// Whether it is taken while the process runs; everything else needs a restart.
    pub live: bool,
}

/// What is taken under a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// True or false.
    Flag,
    /// A whole number from the one to the other.
    Whole(i64, i64),
    /// Any number.
    Number,
    /// A text.
    Text,
    /// One of these words.
    OneOf(Vec<String>),
    /// So many of these as one likes.
    List(Box<Kind>),
    /// These keys, and no others.
    Table(BTreeMap<String, Kind>),
    /// What the type alone can tell.
    Any,
}

/// Every key that can be set of a process whose own settings are `S`; `config` is how it runs, and those under one of `live`
/// are taken while it does.
pub fn settings<S: Serialize + DeserializeOwned>(config: &Config, live: &[&str]) -> Vec<Setting> {
    let mut root = match kind_of::<Config>(&mut Vec::new()) {
        Kind::Table(fields) => fields,
        _ => BTreeMap::new(),
    };
    FIXED.iter().for_each(|key| drop(root.remove(*key)));
    root.insert("service".to_owned(), kind_of::<S>(&mut Vec::new()));
    let mut defaults = layers::shape(&Config::defaults(&config.name));
    let own = S::deserialize(Value::Table(Table::new())).ok();
    defaults.insert("service".to_owned(), own.and_then(|own| Value::try_from(own).ok()).unwrap_or(Table::new().into()));
    let defaults = hidden(defaults);
    let now = hidden(layers::shape(config));
    let mut found = Vec::new();
    flatten(&root, "", &mut found);
    // A secret comes from elsewhere, and nobody is told of it.
    found.retain(|(key, kind)| *kind != Kind::Text || !names_a_secret(key));
    let json =
        |table: &Table, key: &str| layers::lookup(table, key).and_then(|value| Json::deserialize(value.clone()).ok());
    let is_live = |key: &str| live.iter().any(|one| is_below(one, key));
    let setting = |(key, kind): (String, Kind)| Setting {
        default: json(&defaults, &key),
        value: json(&now, &key),
        live: is_live(&key),
        key,
        kind,
    };
    found.into_iter().map(setting).collect()
}

/// Whether a key is another one, or a part of it.
pub fn is_below(whole: &str, key: &str) -> bool {
    key.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn flatten(fields: &BTreeMap<String, Kind>, prefix: &str, found: &mut Vec<(String, Kind)>) {
    for (name, kind) in fields {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match kind {
            Kind::Table(inner) => flatten(inner, &key, found),
            kind => found.push((key, kind.clone())),
        }
    }
}

fn kind_of<S: DeserializeOwned>(path: &mut Vec<Hop>) -> Kind {
    if path.len() > DEEPEST {
        return Kind::Any;
    }
    let below = |hop: Hop, path: &mut Vec<Hop>| {
        path.push(hop);
        let kind = kind_of::<S>(path);
        path.pop();
        kind
    };
    match look::<S>(path) {
        Asked::Flag => Kind::Flag,
        Asked::Whole(expected) => {
            bounds(&expected).map_or(Kind::Whole(i64::MIN, i64::MAX), |(from, to)| Kind::Whole(from, to))
        }
        Asked::Number => Kind::Number,
        Asked::Text => Kind::Text,
        Asked::OneOf(words) => Kind::OneOf(words.iter().map(|word| (*word).to_owned()).collect()),
        Asked::List => Kind::List(Box::new(below(Hop::Item, path))),
        Asked::Table(fields) => {
            Kind::Table(fields.iter().map(|field| ((*field).to_owned(), below(Hop::Field(field), path))).collect())
        }
        Asked::Anything => Kind::Any,
    }
}

impl Kind {
    /// Why a value is none of this kind, by the key it was given under.
    ///
    /// # Errors
    /// One line.
    pub fn check(&self, key: &str, value: &Value) -> Result<(), String> {
        let is_one = match (self, value) {
            (Self::Any, _)
            | (Self::Flag, Value::Boolean(_))
            | (Self::Number, Value::Integer(_) | Value::Float(_))
            | (Self::Text, Value::String(_)) => true,
            (Self::Whole(from, to), Value::Integer(number)) => (from..=to).contains(&number),
            (Self::OneOf(words), Value::String(word)) => words.contains(word),
            (Self::List(kind), Value::Array(items)) => {
                return items.iter().enumerate().try_for_each(|(at, item)| kind.check(&format!("{key}[{at}]"), item));
            }
            (Self::Table(fields), Value::Table(given)) => {
                return given.iter().try_for_each(|(name, value)| match fields.get(name) {
                    Some(kind) => kind.check(&format!("{key}.{name}"), value),
                    None => Err(format!("unknown key {key}.{name}")),
                });
            }
            _ => false,
        };
        if is_one { Ok(()) } else { Err(format!("{key} must be {}, not {}", self.said(), shown(value))) }
    }

    /// In words.
    pub fn said(&self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Whole(i64::MIN, i64::MAX) => "a whole number".to_owned(),
            Self::Whole(from, to) => format!("a whole number from {from} to {to}"),
            Self::Number => "a number".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
            Self::List(kind) => format!("a list, each {}", kind.said()),
            Self::Table(_) => "a table".to_owned(),
            Self::Any => "anything".to_owned(),
        }
    }
}

/// A value on one line, and not all of a long one.
fn shown(value: &Value) -> String {
    /// Enough to find it again.
    const LONGEST: usize = 80;
    let text = value.to_string().replace('\n', " ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Retention, within};

    #[derive(Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Own {
        #[serde(deserialize_with = "within::<_, _, 1, 60_000>")]
        wait_ms: i64,
        open: bool,
        word: Word,
        bell_password: String,
        secret_file: String,
        hook: String,
        #[serde(deserialize_with = "strictly")]
        rates: Vec<Rate>,
        keep: Retention,
        #[serde(skip_serializing_if = "Option::is_none")]
        inner: Option<Inner>,
        #[serde(skip)]
        _not_set: u8,
    }

    impl Default for Own {
        fn default() -> Self {
            let (rates, keep) = (Vec::new(), Retention::default());
            let hook = "https://ann:hunter2@bell.example".to_owned();
            let (bell_password, secret_file) = ("hunter2".to_owned(), "/run/secrets/bell".to_owned());
            let word = Word::Some;
            Self {
                wait_ms: 5,
                open: false,
                word,
                bell_password,
                secret_file,
                hook,
                rates,
                keep,
                inner: None,
                _not_set: 0,
            }
        }
    }

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Word {
        Some,
        SomeOther,
    }

    #[derive(Serialize, Deserialize)]
    struct Rate {
        name: String,
        #[serde(deserialize_with = "within::<_, _, 1, 9>")]
        requests: u32,
    }

    #[derive(Serialize, Deserialize)]
    struct Inner {
        share: f64,
    }

    /// As settings that are looked at once more do, it refuses what is read to find out what it reads.
    fn strictly<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Rate>, D::Error> {
        let all = Vec::<Rate>::deserialize(deserializer)?;
        if all.iter().all(|rate| rate.name.len() > 2) { Ok(all) } else { Err(serde::de::Error::custom("too short")) }
    }

    fn of() -> Vec<Setting> {
        settings::<Own>(&Config::defaults("door"), &["service.rates", "service.inner", "limits.request_timeout_ms"])
    }

    fn setting(key: &str) -> Setting {
        of().into_iter().find(|setting| setting.key == key).unwrap_or_else(|| panic!("{key} is not there"))
    }

    #[test]
    fn each_setting_has_its_kind_range_default_and_whether_it_is_live() {
        let wait = setting("service.wait_ms");
        assert_eq!((wait.kind, wait.default, wait.live), (Kind::Whole(1, 60_000), Some(5.into()), false));
        let timeout = setting("limits.request_timeout_ms");
        assert_eq!(
            (timeout.kind, timeout.default, timeout.live),
            (Kind::Whole(1, 86_400_000), Some(10_000.into()), true)
        );
        assert_eq!(setting("service.word").kind, Kind::OneOf(vec!["some".into(), "some-other".into()]));
        assert_eq!(setting("service.open").kind, Kind::Flag);
        assert_eq!(setting("service.keep").kind, Kind::Whole(-1, (1 << 53) - 1));
        let inner = setting("service.inner.share");
        assert_eq!((inner.kind, inner.default, inner.live), (Kind::Number, None, true));
        let fields = [("name", Kind::Text), ("requests", Kind::Whole(1, 9))];
        let rate = Kind::Table(fields.map(|(name, kind)| (name.to_owned(), kind)).into());
        assert_eq!(setting("service.rates").kind, Kind::List(Box::new(rate)));
        for fixed in ["store", "name", "keys", "listen", "service"] {
            assert!(of().iter().all(|setting| setting.key != fixed), "{fixed}");
        }
    }

    #[test]
    fn it_says_the_same_after_it_was_sent_and_no_secret() {
        let mut config = Config::defaults("door");
        let own = Own { bell_password: "hunter2".into(), ..Own::default() };
        config.service = Table::try_from(own).expect("a table");
        let sent = serde_json::to_string(&settings::<Own>(&config, &[])).expect("plain data");
        assert!(sent.contains("service.secret_file") && sent.contains("service.hook"), "{sent}");
        assert!(!sent.contains("hunter2") && !sent.contains("bell_password"), "{sent}");
        let sent = serde_json::to_string(&of()).expect("plain data");
        assert_eq!(serde_json::from_str::<Vec<Setting>>(&sent).expect("read back"), of());
    }

    #[test]
    fn what_is_none_of_a_kind_is_refused_by_key_and_range() {
        let check = |key: &str, text: &str| {
            let table: Table = format!("it = {text}").parse().expect("TOML");
            setting(key).kind.check(key, &table["it"])
        };
        for (key, good) in [
            ("service.wait_ms", "60000"),
            ("service.word", "'some-other'"),
            ("service.rates", "[{ name = 'abc', requests = 9 }]"),
            ("service.inner.share", "1"),
        ] {
            check(key, good).expect(good);
        }
        for (key, bad, why) in [
            ("service.wait_ms", "0", "service.wait_ms must be a whole number from 1 to 60000, not 0"),
            ("service.wait_ms", "'5'", "a whole number from 1 to 60000"),
            ("service.wait_ms", "1.5", "a whole number from 1 to 60000"),
            ("service.open", "1", "true or false"),
            ("service.word", "'else'", "one of some, some-other"),
            ("service.rates", "3", "a list"),
            ("service.rates", "[{ name = 'abc', requests = 10 }]", "service.rates[0].requests must be"),
            ("service.rates", "[{ nam = 'abc' }]", "unknown key service.rates[0].nam"),
        ] {
            let said = check(key, bad).expect_err(bad);
            assert!(said.contains(why), "{said}");
        }
    }
}
