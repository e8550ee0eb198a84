//! `docs/guides/http.md` is true: its requests are sent, in its order, and answered as it says.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;
use system_tests::harness::{
    Mall,
    http::{Http, Response},
    people::CUSTOMER,
    system::System,
};

/// Head lines and body of a block.
type Block = (Vec<String>, String);

/// What `<name>` stood for so far.
type Known = BTreeMap<String, String>;

#[test]
fn the_guide_says_what_happens() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides/http.md");
    let text = fs::read_to_string(path).expect("the guide is there");
    let blocks: Vec<Block> =
        text.split("```http\n").skip(1).map(|rest| block(rest.split("```").next().unwrap())).collect();
    assert!(blocks.len() > 20 && blocks.len().is_multiple_of(2), "requests and answers take turns");
    let mall = Mall::start(System::of_the_mall());
    mall.until_sold("TV");
    let shown = [("<operator>".to_owned(), mall.operator()), ("<customer>".to_owned(), mall.token(CUSTOMER))];
    let (http, mut known) = (Http::new(), Known::from(shown));
    for exchange in blocks.chunks(2) {
        let answer = ask(&http, mall.gateway(), &fill(&exchange[0], &known));
        let what = format!("{:?}\nwas answered {answer:?}", exchange[0]);
        compare(&what, &exchange[1], &answer, &mut known);
    }
}

fn block(text: &str) -> Block {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    (head.lines().map(str::to_owned).collect(), body.trim_end().to_owned())
}

fn fill((head, body): &Block, known: &Known) -> Block {
    let filled = |text: &str| known.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
    (head.iter().map(|line| filled(line)).collect(), body.clone())
}

fn ask(http: &Http, gateway: &str, (head, body): &Block) -> Response {
    let (method, target) = head[0].split_once(' ').expect("a method and a target");
    let headers: Vec<(&str, &str)> = head[1..].iter().filter_map(|line| line.split_once(": ")).collect();
    let answer = http.request(method, &format!("{gateway}{target}"), &headers, body.clone().into_bytes());
    answer.unwrap_or_else(|why| panic!("{head:?}: {why}"))
}

fn compare(what: &str, (head, body): &Block, answer: &Response, known: &mut Known) {
    assert_eq!(head[0], answer.status.to_string(), "{what}");
    for (name, expected) in head[1..].iter().filter_map(|line| line.split_once(": ")) {
        let found = answer.header(name).unwrap_or_else(|| panic!("no {name}: {what}"));
        assert!(fits(expected, found, known), "{name} is {found}: {what}");
    }
    match serde_json::from_str::<Value>(body) {
        Ok(expected) => holds("", &expected, &answer.json(), known, what),
        Err(_) => {
            let said = String::from_utf8_lossy(&answer.body);
            let mut lines = said.lines();
            for expected in body.lines() {
                assert!(lines.any(|found| fits(expected, found, known)), "{expected} is not in its place: {what}");
            }
        }
    }
}

/// Whether everything expected is there; objects may hold more.
fn holds(at: &str, expected: &Value, found: &Value, known: &mut Known, what: &str) {
    match (expected, found) {
        (Value::Object(members), _) => {
            members
                .iter()
                .for_each(|(key, value)| holds(&format!("{at}/{key}"), value, &found[key.as_str()], known, what));
        }
        (Value::Array(items), Value::Array(others)) => {
            assert_eq!(items.len(), others.len(), "{at}: {what}");
            items.iter().zip(others).for_each(|(item, other)| holds(&format!("{at}/-"), item, other, known, what));
        }
        (Value::String(text), Value::String(other)) => {
            assert!(fits(text, other, known), "{at} is {other}, not {text}: {what}");
        }
        _ => assert_eq!(expected, found, "{at}: {what}"),
    }
}

/// `…` fits anything; a `<name>` met for the first time is what is found in its place.
fn fits(expected: &str, found: &str, known: &mut Known) -> bool {
    let name = known_name(expected);
    if let Some(name) = name.filter(|name| !known.contains_key(*name)) {
        let (before, after) = expected.split_once(name).unwrap_or_default();
        let Some(value) = found.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)) else { return false };
        known.insert(name.to_owned(), value.to_owned());
        return true;
    }
    let expected = known.iter().fold(expected.to_owned(), |text, (name, value)| text.replace(name, value));
    match expected.split_once('…') {
        Some((before, after)) => found.starts_with(before) && found.ends_with(after),
        None => expected == found,
    }
}

/// The `<name>` in a text: letters alone, which no address is.
fn known_name(text: &str) -> Option<&str> {
    let starts = text.match_indices('<').map(|(at, _)| at);
    starts.into_iter().find_map(|at| {
        let end = text[at..].find('>')? + at;
        let letters = &text[at + 1..end];
        (!letters.is_empty() && letters.chars().all(char::is_alphabetic)).then(|| &text[at..=end])
    })
}
