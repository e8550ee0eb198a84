//! No `let` of several values that have nothing to do with each other: what is only put on one line hides that there are two
//! thoughts. Values belong together when the same functions make all of them, or when they are parts of one.

use std::collections::BTreeSet;

use crate::tidy::{Report, Tree, source::is_word};

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (path, source) in tree.rust() {
        for (at, start) in source.bare.match_indices("let (") {
            let Some(values) = values(&source.bare, at + start.len() - 1) else { continue };
            let line = source.bare[..at].matches('\n').count() + 1;
            if source.is_test(line) {
                continue;
            }
            report.saw_one();
            let makers: BTreeSet<Vec<&str>> = values.iter().map(|value| calls(value)).collect();
            let wholes: BTreeSet<Option<&str>> = values.iter().map(|value| whole(value)).collect();
            let made_alike = makers.len() == 1 && !makers.contains(&Vec::new());
            let parts = wholes.len() == 1 && !wholes.contains(&None);
            if !made_alike && !parts {
                report.found(path, line, format!("{} values in one let: a let for each", values.len()));
            }
        }
    }
}

/// The values of `(a, b) = (x, y);` whose pattern begins at `open`, if it is one of plain names.
fn values(bare: &str, open: usize) -> Option<Vec<&str>> {
    let close = closing(bare, open)?;
    let plain = |name: &str| !name.is_empty() && name.trim_start_matches("mut ").chars().all(is_word);
    let names = parts(&bare[open + 1..close]);
    let begin = close + 1 + " = ".len();
    let is_tuple = bare[close + 1..].starts_with(" = (") && names.iter().all(|name| plain(name));
    let end = is_tuple.then(|| closing(bare, begin)).flatten()?;
    let values = parts(&bare[begin + 1..end]);
    (bare[end + 1..].starts_with(';') && values.len() == names.len()).then_some(values)
}

/// Where a parenthesis is closed.
fn closing(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0;
    let found = text[open..].char_indices().find(|(_, c)| {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    found.map(|(at, _)| open + at)
}

/// What stands between the commas of a list.
fn parts(list: &str) -> Vec<&str> {
    let mut depth = 0;
    let between = list.split(|c| {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    between.map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// The names of everything called in an expression.
fn calls(value: &str) -> Vec<&str> {
    value.match_indices('(').map(|(at, _)| last_name(&value[..at])).filter(|name| !name.is_empty()).collect()
}

/// The name at the end of a text.
fn last_name(text: &str) -> &str {
    let text = text.strip_suffix('!').unwrap_or(text);
    text.rsplit(|c| !is_word(c)).next().unwrap_or_default()
}

/// Of `&mut whole.part`, the whole.
fn whole(value: &str) -> Option<&str> {
    let value = value.trim_start_matches(['&', '*', '(']).trim_start_matches("mut ");
    let (name, _) = value.split_once('.')?;
    name.chars().all(is_word).then_some(name)
}
