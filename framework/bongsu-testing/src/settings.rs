//! The numbers of a service's settings: each must have a range.

use std::fmt::Display;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Sets every number of `S` to what no setting can mean, and sees it refused with its range; returns how many numbers
/// there are.
///
/// # Panics
/// With the key and the number, when one is taken that must not be, when a refusal does not say the range, and when
/// the defaults are not taken themselves.
pub fn have_ranges<S: Default + Serialize + DeserializeOwned>() -> usize {
    let defaults = serde_json::to_value(S::default()).expect("settings are plain data");
    read::<S>(&defaults).unwrap_or_else(|why| panic!("the defaults are refused: {why}"));
    let mut places = Vec::new();
    numbers(&defaults, String::new(), &mut places);
    for place in &places {
        let never =
            [json!(i64::MAX), json!(u64::MAX), json!(i64::MIN), json!(1_u64 << 53), json!("99999999999999999999")];
        let maybe = [json!(0), json!(-1)];
        let garbage = [json!("soon"), json!(1.5), json!(true), json!(null)];
        for given in never.iter().chain(&maybe).chain(&garbage) {
            let mut settings = defaults.clone();
            *settings.pointer_mut(place).expect("it is there") = given.clone();
            match read::<S>(&settings) {
                Ok(()) => assert!(maybe.contains(given), "{place} = {given} is taken"),
                Err(why) if garbage.contains(given) => drop(why),
                Err(why) => assert!(why.contains("whole number from "), "{place} = {given}: {why}"),
            }
        }
    }
    places.len()
}

fn read<S: DeserializeOwned>(settings: &Value) -> Result<(), String> {
    serde_json::from_value::<S>(settings.clone()).map(drop).map_err(|why| why.to_string())
}

/// Pointers to every number.
fn numbers(value: &Value, at: String, found: &mut Vec<String>) {
    let below = |step: &dyn Display| format!("{at}/{step}");
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| numbers(member, below(name), found)),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| numbers(item, below(&index), found)),
        Value::Number(_) => found.push(at),
        _ => {}
    }
}
