//! Whether a commit can be meant, by what every build has registered. Nobody is asked.

use std::collections::{BTreeMap, BTreeSet};

use bongsu_host::config::schema::{Setting, is_below};
use serde::Deserialize;
use toml::{Table, Value};

use super::draft::{Draft, SHARED};

/// What is known when a commit is judged.
pub(crate) struct Known<'k> {
    /// Everybody there may be a file for.
    pub(crate) services: &'k BTreeSet<String>,
    /// What each has registered, now or when it ran last.
    pub(crate) registered: &'k BTreeMap<String, Vec<Setting>>,
    /// Those of which an instance runs.
    pub(crate) running: &'k BTreeSet<String>,
    /// What counts until now.
    pub(crate) before: Option<&'k Draft>,
}

/// What a commit sets of one service, by key.
type Effective<'d> = BTreeMap<&'d str, &'d Value>;

/// The settings that only a restart changes, by service; or why the commit cannot be meant, in one line.
pub(crate) fn judge(draft: &Draft, known: &Known<'_>) -> Result<BTreeMap<String, Vec<String>>, String> {
    for (of, _) in draft.texts().filter(|(of, _)| *of != SHARED) {
        if !known.services.contains(of) {
            let all: Vec<&str> = known.services.iter().map(String::as_str).collect();
            return Err(format!("{of}.toml: no service has this name; there are {}", all.join(", ")));
        }
        if known.registered.get(of).is_none_or(Vec::is_empty) {
            return Err(format!("{of}.toml: {of} has never registered what can be set of it"));
        }
    }
    if let Some(shared) = draft.table(SHARED) {
        let anybody = |key: &str| known.registered.values().flatten().any(|setting| setting.key == key);
        let beginning = |key: &str| known.registered.values().flatten().any(|setting| is_below(key, &setting.key));
        let wrong = unknown(shared, "", &anybody, &beginning);
        wrong.map_or(Ok(()), |key| Err(format!("shared.toml: unknown key {key}: nobody has registered it")))?;
    }
    let mut restarts = BTreeMap::new();
    for (service, settings) in known.registered {
        let after = effective(draft, service, settings)?;
        let before = known.before.and_then(|before| effective(before, service, settings).ok()).unwrap_or_default();
        let keys = settings.iter().filter(|setting| !setting.live && differs(setting, &before, &after));
        let keys: Vec<String> = keys.map(|setting| setting.key.clone()).collect();
        if known.running.contains(service) && !keys.is_empty() {
            restarts.insert(service.clone(), keys);
        }
    }
    Ok(restarts)
}

/// Everything a commit sets of a service, each of its kind.
fn effective<'d>(draft: &'d Draft, service: &str, settings: &'d [Setting]) -> Result<Effective<'d>, String> {
    let mut all = Effective::new();
    for of in [SHARED, service] {
        let Some(table) = draft.table(of) else { continue };
        let wrong = |why: String| {
            format!("{of}.toml: {why}{}", if of == SHARED { format!(" (of {service})") } else { String::new() })
        };
        if of != SHARED {
            let is_key = |key: &str| settings.iter().any(|setting| setting.key == key);
            let beginning = |key: &str| settings.iter().any(|setting| is_below(key, &setting.key));
            let unknown = unknown(table, "", &is_key, &beginning);
            unknown.map_or(Ok(()), |key| Err(wrong(format!("unknown key {key}"))))?;
        }
        for setting in settings {
            let Some(value) = lookup(table, &setting.key) else { continue };
            setting.kind.check(&setting.key, value).map_err(wrong)?;
            all.insert(&setting.key, value);
        }
    }
    Ok(all)
}

/// The first key of a table that is none, if there is one.
fn unknown(
    table: &Table,
    prefix: &str,
    is_key: &impl Fn(&str) -> bool,
    beginning: &impl Fn(&str) -> bool,
) -> Option<String> {
    table.iter().find_map(|(name, value)| {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            _ if is_key(&key) => None,
            Value::Table(inner) if beginning(&key) => unknown(inner, &key, is_key, beginning),
            _ => Some(key),
        }
    })
}

fn lookup<'t>(table: &'t Table, key: &str) -> Option<&'t Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((first, rest)) => lookup(table.get(first)?.as_table()?, rest),
    }
}

/// Whether a process that was started under the one would run otherwise under the other.
fn differs(setting: &Setting, before: &Effective<'_>, after: &Effective<'_>) -> bool {
    match (before.get(setting.key.as_str()), after.get(setting.key.as_str())) {
        (Some(before), Some(after)) => before != after,
        (Some(_), None) => true,
        (None, Some(after)) => {
            let started = setting.value.clone().and_then(|value| Value::deserialize(value).ok());
            started.as_ref() != Some(after)
        }
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use bongsu_host::config::schema::Kind;

    use super::*;

    fn setting(key: &str, kind: Kind, live: bool) -> Setting {
        Setting { key: key.to_owned(), kind, default: None, value: Some(5.into()), live }
    }

    fn registered() -> BTreeMap<String, Vec<Setting>> {
        let whole = || Kind::Whole(1, 10);
        let door = vec![setting("service.wait", whole(), true), setting("service.size", whole(), false)];
        let bell = vec![setting("service.wait", Kind::Whole(1, 5), true), setting("service.tone", Kind::Text, true)];
        BTreeMap::from([("door".to_owned(), door), ("bell".to_owned(), bell)])
    }

    fn draft(files: &[(&str, &str)]) -> Draft {
        let mut draft = Draft::new("abc".to_owned());
        files.iter().for_each(|(of, text)| draft.add(of, text).expect("TOML"));
        draft
    }

    fn asked(before: Option<&Draft>, files: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let services = BTreeSet::from(["door", "bell", "mute"].map(str::to_owned));
        let running = BTreeSet::from(["door".to_owned(), "bell".to_owned()]);
        let known = Known { services: &services, registered: &registered(), running: &running, before };
        judge(&draft(files), &known).map(|restarts| restarts.into_values().flatten().collect())
    }

    #[test]
    fn what_everybody_has_registered_is_taken_by_whoever_knows_it() {
        let fine = [("shared", "[service]\nwait = 3\ntone = 'high'"), ("door", "[service]\nwait = 9")];
        assert_eq!(asked(None, &fine), Ok(Vec::new()));
        assert_eq!(asked(None, &[]), Ok(Vec::new()));
    }

    #[test]
    fn what_is_right_for_one_and_wrong_for_another_is_refused_whole() {
        let why = asked(None, &[("shared", "[service]\nwait = 7")]).expect_err("too long for the bell");
        assert_eq!(why, "shared.toml: service.wait must be a whole number from 1 to 5, not 7 (of bell)");
        for (of, text, says) in [
            ("door", "[service]\nwait = 11", "door.toml: service.wait must be a whole number from 1 to 10, not 11"),
            ("door", "[service]\ntone = 'x'", "door.toml: unknown key service.tone"),
            ("door", "service = 3", "door.toml: unknown key service"),
            ("shared", "[limits]\nx = 1", "shared.toml: unknown key limits"),
            ("shared", "[service]\nx = 1", "shared.toml: unknown key service.x"),
            ("gate", "", "gate.toml: no service has this name; there are bell, door, mute"),
            ("mute", "", "mute.toml: mute has never registered"),
        ] {
            let why = asked(None, &[("bell", "[service]\nwait = 1"), (of, text)]).expect_err(text);
            assert!(why.contains(says), "{why}");
        }
    }

    #[test]
    fn what_needs_a_restart_is_named_when_it_changes() {
        let of = |before: &[(&str, &str)], after: &str| {
            asked(Some(&draft(before)), &[("door", after)]).expect("it can be meant")
        };
        assert_eq!(of(&[], "[service]\nsize = 6"), ["service.size"]);
        assert_eq!(of(&[], "[service]\nsize = 5"), [""; 0], "it was started with that");
        assert_eq!(of(&[("door", "[service]\nsize = 6")], "[service]\nsize = 6\nwait = 2"), [""; 0]);
        assert_eq!(of(&[("door", "[service]\nsize = 6")], ""), ["service.size"], "nobody says what it was before");
    }
}
