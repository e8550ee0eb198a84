//! No `let` of several values that have nothing to do with each other: what is only put on one line hides that there are two
//! thoughts. Values belong together when the same functions make all of them, or when they are parts of one: what it holds or
//! says when nothing is given to it. `String::new` and `Vec::new` are not the same function.

use std::collections::BTreeSet;

use crate::tidy::{
    Report, Tree,
    brackets::{closing, spans},
    source::{Source, is_word},
};

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (path, source) in tree.rust() {
        for (at, start) in source.bare.match_indices("let (") {
            let Some(values) = values(source, at + start.len() - 1) else { continue };
            let line = source.bare[..at].matches('\n').count() + 1;
            if source.is_test(line) {
                continue;
            }
            report.saw_one();
            let makers: BTreeSet<Vec<String>> = values.iter().map(|value| calls(value)).collect();
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
fn values(source: &Source, open: usize) -> Option<Vec<&str>> {
    let bare = source.bare.as_str();
    let close = closing(bare, open)?;
    let plain = |name: &str| !name.is_empty() && name.trim_start_matches("mut ").chars().all(is_word);
    let names = parts(source, open, close);
    let begin = close + 1 + " = ".len();
    let is_tuple = bare[close + 1..].starts_with(" = (") && names.iter().all(|name| plain(name));
    let end = is_tuple.then(|| closing(bare, begin)).flatten()?;
    let values = parts(source, begin, end);
    (bare[end + 1..].starts_with(';') && values.len() == names.len()).then_some(values)
}

/// What stands between the commas of a list, without strings: of one that is nothing else, nothing is left.
fn parts(source: &Source, open: usize, close: usize) -> Vec<&str> {
    let at = |place: usize| open + 1 + place;
    let spans = spans(&source.bare[at(0)..close]).into_iter().map(|span| at(span.start)..at(span.end));
    spans.filter(|span| !source.code[span.clone()].trim().is_empty()).map(|span| source.bare[span].trim()).collect()
}

/// Everything called in an expression, a function with its path.
fn calls(value: &str) -> Vec<String> {
    value.match_indices('(').map(|(at, _)| last_path(&value[..at])).filter(|path| !path.is_empty()).collect()
}

/// The path at the end of a text, without what is between angle brackets.
fn last_path(text: &str) -> String {
    let text = text.strip_suffix('!').unwrap_or(text);
    let path = text.rsplit(|c| !is_word(c) && ![':', '<', '>'].contains(&c)).next().unwrap_or_default();
    match (path.find("::<"), path.rfind('>')) {
        (Some(from), Some(to)) if from < to => format!("{}{}", &path[..from], &path[to + 1..]),
        _ => path.to_owned(),
    }
}

/// Of `&mut whole.part` and `whole.part()`, the whole.
fn whole(value: &str) -> Option<&str> {
    let value = value.trim_start_matches(['&', '*', '(']).trim_start_matches("mut ");
    let is_asked = value.match_indices('(').any(|(at, _)| !value[at + 1..].starts_with(')'));
    let (name, _) = value.split_once('.').filter(|_| !is_asked)?;
    name.chars().all(is_word).then_some(name)
}
