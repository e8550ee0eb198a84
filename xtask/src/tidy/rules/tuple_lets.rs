//! No `let` and no assignment of several values that have nothing to do with each other: what is only put on one line hides
//! that there are two thoughts. Values belong together when the same functions make all of them, when they are parts of one
//! (what it holds or says when nothing is given to it), or when two places swap what they hold. `String::new` and `Vec::new`
//! are not the same function.

use std::collections::BTreeSet;

use crate::tidy::{
    Report, Tree,
    brackets::{closing, opening, spans},
    source::{Source, is_word},
};

/// How a line begins that sets several places at once: what stands before its bracket.
const STATEMENT: [char; 5] = [';', '{', '}', '>', '|'];

/// Places and the values they get.
struct Set<'a> {
    at: usize,
    places: Vec<&'a str>,
    values: Vec<&'a str>,
}

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (path, source) in tree.rust() {
        for set in lets(source).into_iter().chain(assignments(source)) {
            let line = source.bare[..set.at].matches('\n').count() + 1;
            if source.is_test(line) {
                continue;
            }
            report.saw_one();
            if !set.belongs_together() {
                report.found(path, line, format!("{} values at once: a statement for each", set.values.len()));
            }
        }
    }
}

impl Set<'_> {
    fn belongs_together(&self) -> bool {
        let makers: BTreeSet<Vec<String>> = self.values.iter().map(|value| calls(value)).collect();
        let wholes: BTreeSet<Option<&str>> = self.values.iter().map(|value| whole(value)).collect();
        let made_alike = makers.len() == 1 && !makers.contains(&Vec::new());
        let parts = wholes.len() == 1 && !wholes.contains(&None);
        let sorted = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<BTreeSet<String>>();
        made_alike || parts || sorted(&self.places) == sorted(&self.values)
    }
}

/// Every `let (a, b) = (x, y);`, with a type or without.
fn lets(source: &Source) -> Vec<Set<'_>> {
    let bare = source.bare.as_str();
    let found = bare.match_indices("let (").filter_map(|(at, start)| {
        let open = at + start.len() - 1;
        let close = closing(bare, open)?;
        let is = value_at(bare, close + 1)?;
        set(source, at, (open, close), is)
    });
    found.collect()
}

/// Every `(a, b) = (x, y);`.
fn assignments(source: &Source) -> Vec<Set<'_>> {
    const IS: &str = ") = (";
    let bare = source.bare.as_str();
    let found = bare.match_indices(IS).filter_map(|(close, _)| {
        let open = opening(bare, close)?;
        bare[..open].trim_end().ends_with(STATEMENT).then(|| set(source, open, (open, close), close + IS.len() - 1))?
    });
    found.collect()
}

/// Where the tuple begins that follows a pattern: after its type, if it says one.
fn value_at(bare: &str, after: usize) -> Option<usize> {
    let rest = &bare[after..];
    let end = rest.find([';', '{']).unwrap_or(rest.len());
    let is = rest[..end].find(" = ").map(|is| after + is + " = ".len())?;
    let says_type = rest.starts_with(':') || rest.starts_with(" = ");
    (says_type && bare[is..].starts_with('(')).then_some(is)
}

/// What is set: a tuple of places by one of as many values, and nothing else of the statement.
fn set(source: &Source, at: usize, (open, close): (usize, usize), begin: usize) -> Option<Set<'_>> {
    let end = closing(&source.bare, begin)?;
    let places = parts(source, open, close);
    let values = parts(source, begin, end);
    let is_whole =
        source.bare[end + 1..].starts_with([';', ',']) || source.bare[end + 1..].trim_start().starts_with('}');
    (is_whole && values.len() > 1 && values.len() == places.len()).then_some(Set { at, places, values })
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
