//! Drafts a body from a type alone, by asking: the type says what it misses, and gets that.
//!
//! What a type can say is what its reader says of a body it refuses, and where. A type with a rule of its own (a currency, a
//! date), or an enum of which a tag says what else it has, says no more than that: its sample is written by hand.

use std::collections::BTreeSet;

use bongsu_runtime::Words;
use serde_json::{Map, Value, json};

/// No message needs more answers.
const MOST_ANSWERS: usize = 400;

/// Reads a body: it written anew, or what is wrong with it.
type Reader<'a> = &'a dyn Fn(&Value) -> Result<Value, String>;

/// A name in its newest schema.
pub(super) struct Message<'a> {
    pub(super) read: Reader<'a>,
    /// Every member its type has in a body, there or not.
    pub(super) members: &'a dyn Fn(&Value) -> BTreeSet<String>,
}

impl Message<'_> {
    /// Every place of a body that is there, or could be.
    pub(super) fn places(&self, body: &Value) -> BTreeSet<String> {
        pointers(body).into_iter().chain((self.members)(body)).collect()
    }
}

/// How a context reads one name and schema.
pub(super) fn reader(words: &Words, name: &str, schema: u32) -> impl Fn(&Value) -> Result<Value, String> {
    move |body| match words.again(name, schema, body.to_string().as_bytes()) {
        Ok(Some(again)) => Ok(serde_json::from_slice(&again).expect("a message encodes as JSON")),
        Ok(None) => Err("it is not known".into()),
        Err(error) => Err(error.to_string()),
    }
}

/// A body in which everything is filled.
pub(super) fn filled(message: &Message<'_>) -> Result<Value, String> {
    let body = answered(message.read, json!({}))?;
    Ok(with_all_filled(message, body))
}

/// Fills what is not there, null or empty, and may be something.
pub(super) fn with_all_filled(message: &Message<'_>, body: Value) -> Value {
    let mut body = body;
    let mut done: Vec<String> = Vec::new();
    let is_empty =
        |value: Option<&Value>| value.is_none_or(|it| it.is_null() || it.as_array().is_some_and(Vec::is_empty));
    let next = |body: &Value, done: &[String]| {
        message.places(body).into_iter().find(|it| is_empty(body.pointer(it)) && !done.contains(it))
    };
    while let Some(place) = next(&body, &done) {
        done.push(place.clone());
        let mut tried = body.clone();
        let first = if body.pointer(&place).is_some_and(Value::is_array) { json!([null]) } else { json!("text") };
        set(&mut tried, &place, first);
        if let Ok(better) = answered(message.read, tried) {
            body = better;
        }
    }
    body
}

/// The same body with everything absent that may be; `None` when nothing may.
pub(super) fn bare(read: Reader<'_>, full: &Value) -> Option<Value> {
    let mut body = full.clone();
    for place in optional(read, full) {
        if body.pointer(&place).is_some() {
            set(&mut body, &place, Value::Null);
        }
    }
    (body != *full).then(|| read(&body).ok()).flatten()
}

/// The places of a body that may be null.
pub(super) fn optional(read: Reader<'_>, body: &Value) -> Vec<String> {
    let may_be_null = |place: &String| {
        let mut without = body.clone();
        set(&mut without, place, Value::Null);
        read(&without).is_ok_and(|again| again.pointer(place).is_none_or(Value::is_null))
    };
    pointers(body).into_iter().filter(may_be_null).collect()
}

/// Every place of a body but the whole, an object before its members.
pub(super) fn pointers(body: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(body, String::new(), &mut found);
    found
}

fn walk(value: &Value, at: String, found: &mut Vec<String>) {
    let mut enter = |step: String, value: &Value| {
        let place = format!("{at}/{}", step.replace('~', "~0").replace('/', "~1"));
        found.push(place.clone());
        walk(value, place, found);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| enter(name.clone(), member)),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| enter(index.to_string(), item)),
        _ => {}
    }
}

/// Puts a value there, also where nothing is yet.
fn set(body: &mut Value, place: &str, value: Value) {
    if let Some(found) = body.pointer_mut(place) {
        *found = value;
        return;
    }
    let Some((holder, name)) = place.rsplit_once('/') else { return };
    if let Some(members) = body.pointer_mut(holder).and_then(Value::as_object_mut) {
        members.insert(name.replace("~1", "/").replace("~0", "~"), value);
    }
}

/// Answers what a reader misses until it is content.
fn answered(read: Reader<'_>, body: Value) -> Result<Value, String> {
    let mut body = body;
    for _ in 0..MOST_ANSWERS {
        let fault = match read(&body) {
            Ok(again) => return Ok(again),
            Err(fault) => fault,
        };
        let column: usize = fault.rsplit("column ").next().and_then(|it| it.trim().parse().ok()).unwrap_or(usize::MAX);
        answer(&mut body, &fault, column).ok_or(fault)?;
    }
    Err(format!("it is never content: {body}"))
}

/// Changes the place that a fault is about; `None` when that is not known.
fn answer(body: &mut Value, fault: &str, column: usize) -> Option<()> {
    if let Some((_, rest)) = fault.split_once("missing field `") {
        let field = rest.split('`').next()?;
        let holder = nearest(body, column, |value| value.get(field).is_none() && value.is_object())?;
        body.pointer_mut(&holder)?.as_object_mut()?.insert(field.into(), Value::Null);
        return Some(());
    }
    if fault.contains("unknown variant `") {
        let first = fault.split_once("expected ")?.1.split('`').nth(1)?;
        let place = nearest(body, column, Value::is_string)?;
        set(body, &place, json!(first));
        return Some(());
    }
    let expected = fault.split_once("expected ")?.1.split(" at line").next()?;
    // An enum says no more of a null, and means its beginning.
    if expected == "value" {
        let place = nearest(body, column + "null".len(), Value::is_null)?;
        set(body, &place, json!("text"));
        return Some(());
    }
    let wanted = wanted(expected)?;
    let place = nearest(body, column, |value| *value != wanted && !value.is_object())?;
    set(body, &place, wanted);
    Some(())
}

/// What readers call a number.
const NUMBERS: &[&str] = &[
    "i8", "i16", "i32", "i64", "i128", "u8", "u16", "u32", "u64", "u128", "usize", "f32", "f64", "integer", "nonzero",
];

/// A value of what a reader expected.
fn wanted(expected: &str) -> Option<Value> {
    let says = |words: &[&str]| words.iter().any(|word| expected.contains(word));
    let known = [
        (says(&["tagged enum"]), Value::Object(Map::new())),
        (says(&["string", "identifier", "enum"]), json!("text")),
        (NUMBERS.contains(&expected) || says(&["integer", "nonzero"]), json!(1)),
        (says(&["boolean"]), json!(true)),
        (says(&["sequence", "tuple", "array"]), json!([null])),
        (says(&["struct", "map"]), Value::Object(Map::new())),
    ];
    known.into_iter().find_map(|(is_it, value)| is_it.then_some(value))
}

/// The place of such a value that ends nearest to a column of the body's text.
fn nearest(body: &Value, column: usize, is_it: impl Fn(&Value) -> bool) -> Option<String> {
    let mut ends = Vec::new();
    ending(body, String::new(), 0, &mut ends);
    let of_it = ends.into_iter().filter(|(place, _)| body.pointer(place).is_some_and(&is_it));
    of_it.min_by_key(|(place, end)| (end.abs_diff(column), usize::MAX - place.len())).map(|(place, _)| place)
}

/// Where every value of a body ends in its text; returns where this one does.
fn ending(value: &Value, at: String, from: usize, ends: &mut Vec<(String, usize)>) -> usize {
    let mut end = from + 1;
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let place = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                end = ending(member, place, end + json!(name).to_string().len() + 1, ends) + 1;
            }
            end = end.max(from + 2);
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                end = ending(item, format!("{at}/{index}"), end, ends) + 1;
            }
            end = end.max(from + 2);
        }
        other => end = from + other.to_string().len(),
    }
    ends.push((at, end));
    end
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize, de::DeserializeOwned};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Line {
        name: String,
        quantity: u32,
        note: Option<String>,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(tag = "reason", rename_all = "kebab-case")]
    enum Why {
        OutOfPaint,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum How {
        ByCard,
    }

    #[derive(Serialize, Deserialize)]
    struct Order {
        id: String,
        lines: Vec<Line>,
        why: Why,
        how: How,
        gift: bool,
        at_ms: i64,
        paid: Option<Line>,
        pieces: BTreeMap<String, u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        greeting: Option<String>,
    }

    fn reads<T: Serialize + DeserializeOwned>(body: &Value) -> Result<Value, String> {
        let read: T = serde_json::from_str(&body.to_string()).map_err(|error| error.to_string())?;
        serde_json::to_value(read).map_err(|error| error.to_string())
    }

    #[test]
    fn a_type_is_drafted_in_full_and_bare() {
        let line = json!({ "name": "text", "quantity": 1, "note": "text" });
        let order = Message { read: &reads::<Order>, members: &|_| BTreeSet::from(["/greeting".to_owned()]) };
        let full = filled(&order).expect("a draft");
        let expected = json!({
            "id": "text", "lines": [line], "why": { "reason": "out-of-paint" }, "how": "by-card",
            "gift": true, "at_ms": 1, "paid": line, "pieces": {}, "greeting": "text",
        });
        assert_eq!(full, expected);
        let bare = bare(&reads::<Order>, &full).expect("something may be absent");
        assert_eq!((&bare["paid"], &bare["lines"][0]["note"]), (&Value::Null, &Value::Null));
        assert_eq!(bare.get("greeting"), None);
        assert_eq!(with_all_filled(&order, bare), full);
    }

    #[test]
    fn a_type_with_a_rule_of_its_own_is_not_guessed() {
        #[derive(Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[derive(Clone)]
        struct Even(String);
        impl From<Even> for String {
            fn from(even: Even) -> Self {
                even.0
            }
        }
        impl TryFrom<String> for Even {
            type Error = &'static str;
            fn try_from(text: String) -> Result<Self, &'static str> {
                if text.len().is_multiple_of(2) && text != "text" { Ok(Self(text)) } else { Err("odd") }
            }
        }
        #[derive(Serialize, Deserialize)]
        struct Pair {
            even: Even,
        }
        assert!(filled(&Message { read: &reads::<Pair>, members: &|_| BTreeSet::new() }).is_err());
    }
}
