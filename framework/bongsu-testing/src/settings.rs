//! A service's settings: each takes only what it can mean, and each number has a range.

use std::fmt::Display;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Settings that take nothing of another kind.
    pub settings: usize,
    /// Numbers among them that have a range.
    pub numbers: usize,
}

/// Sets every setting of `S` to what it cannot mean, every number to what no setting can, and one that there is not; and sees
/// each refused, a number with its range.
///
/// # Panics
/// With the key and the value, when one is taken that must not be, when a refusal does not say the range, when the defaults
/// are not taken themselves, and when there was nothing to look at: a setting that the defaults do not show is not seen.
pub fn have_ranges<S: Default + Serialize + DeserializeOwned>() -> Looked {
    let defaults = serde_json::to_value(S::default()).expect("settings are plain data");
    read::<S>(&defaults).unwrap_or_else(|why| panic!("the defaults are refused: {why}"));
    let mut unknown = defaults.clone();
    unknown.as_object_mut().expect("settings have names").insert("no-such-setting".into(), json!(1));
    assert!(read::<S>(&unknown).is_err(), "a setting that there is not is taken");
    let mut places = Vec::new();
    leaves(&defaults, String::new(), &mut places);
    let is_empty = defaults.as_object().is_some_and(serde_json::Map::is_empty);
    assert!(is_empty || !places.is_empty(), "nothing of the settings was looked at: {defaults}");
    let mut looked = Looked { settings: places.len(), numbers: 0 };
    for place in places {
        refuses::<S>(&defaults, &place, &[json!({ "no": ["such", "kind"] })], "");
        if defaults.pointer(&place).is_some_and(Value::is_number) {
            looked.numbers += 1;
            has_a_range::<S>(&defaults, &place);
        }
    }
    looked
}

fn has_a_range<S: DeserializeOwned>(defaults: &Value, place: &str) {
    let never = [json!(i64::MAX), json!(u64::MAX), json!(i64::MIN), json!(1_u64 << 53), json!("99999999999999999999")];
    refuses::<S>(defaults, place, &never, "whole number from ");
    refuses::<S>(defaults, place, &[json!("soon"), json!(1.5), json!(true), json!(null)], "");
    for maybe in [json!(0), json!(-1)] {
        let why = read::<S>(&with(defaults, place, &maybe)).err();
        let says_it = why.as_ref().is_none_or(|why| why.contains("whole number from "));
        assert!(says_it, "{place} = {maybe}: {why:?}");
    }
}

fn refuses<S: DeserializeOwned>(defaults: &Value, place: &str, given: &[Value], says: &str) {
    for given in given {
        match read::<S>(&with(defaults, place, given)) {
            Ok(()) => panic!("{place} = {given} is taken"),
            Err(why) => assert!(why.contains(says), "{place} = {given}: {why}"),
        }
    }
}

fn with(defaults: &Value, place: &str, given: &Value) -> Value {
    let mut settings = defaults.clone();
    *settings.pointer_mut(place).expect("it is there") = given.clone();
    settings
}

fn read<S: DeserializeOwned>(settings: &Value) -> Result<(), String> {
    serde_json::from_value::<S>(settings.clone()).map(drop).map_err(|why| why.to_string())
}

/// Pointers to every setting: what has no others in it.
fn leaves(value: &Value, at: String, found: &mut Vec<String>) {
    let below = |step: &dyn Display| format!("{at}/{step}");
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| leaves(member, below(name), found)),
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(index, item)| leaves(item, below(&index), found));
        }
        _ => found.push(at),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, panic::catch_unwind};

    use bongsu_host::config::within;
    use serde::Deserialize;

    use super::*;

    #[derive(Default, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Known {
        name: String,
        #[serde(deserialize_with = "within::<_, _, 0, 1_000>")]
        many: u64,
    }

    #[derive(Default, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Unbounded {
        many: u64,
    }

    #[derive(Default, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Hidden {
        by_name: BTreeMap<String, u64>,
    }

    #[derive(Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Lenient {
        name: String,
    }

    #[derive(Default, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Nothing {}

    #[test]
    fn every_setting_is_looked_at_and_what_nobody_saw_is_no_pass() {
        assert_eq!(have_ranges::<Known>(), Looked { settings: 2, numbers: 1 });
        assert_eq!(have_ranges::<Nothing>(), Looked { settings: 0, numbers: 0 }, "it refuses every setting");
        assert!(catch_unwind(have_ranges::<Unbounded>).is_err(), "a number without a range");
        assert!(catch_unwind(have_ranges::<Hidden>).is_err(), "nothing to look at");
        assert!(catch_unwind(have_ranges::<Lenient>).is_err(), "it takes what there is not");
    }
}
