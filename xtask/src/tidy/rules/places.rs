//! Outside its folder a context is named in at most two places: where the system starts it, and where the tests over all
//! contexts depend on it. Whoever adds one has two lines to write.
//!
//! A place is where contexts are listed: a manifest, or a few lines of code, in which all of them are named. A list that has
//! most of them and not all is a place in which one was forgotten, unless [`SOME`] says what it is a list of.
//! What a test says about the contexts it is about is none. Documents are not looked at.

use std::collections::BTreeSet;

use crate::tidy::{
    Report, Tree,
    brackets::{closing, spans},
    source::{Source, has_word},
};

/// How often contexts may be listed.
const MOST: usize = 2;
/// A list in code is no longer than this many lines.
const LIST: usize = 24;
/// Bytes of a line at most.
const WIDTH: usize = 128;
/// What may list something.
const LOOKED_AT: &[&str] = &[".rs", ".toml", ".sh", ".ts", ".js", ".json", ".yml", "Makefile", ".ci/run"];
/// Files with a list of some contexts, and what these are.
const SOME: &[(&str, &str)] = &[
    ("tests/src/rules/tests/marks.rs", "who hears that an order was placed"),
    ("tests/tests/journeys/composing.rs", "who knows a part of an order"),
    ("tests/tests/journeys/operating.rs", "who tells something of an order until it is prepared"),
    ("tests/tests/journeys/republishing.rs", "what the history of orders hears of"),
];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    let contexts = contexts(tree);
    let inside: Vec<String> = contexts.iter().map(|name| format!("mall/{name}/")).collect();
    let mut places = Vec::new();
    let mut some = BTreeSet::new();
    for (path, source) in tree.sources_under("") {
        let is_looked_at = LOOKED_AT.iter().any(|end| path.ends_with(end));
        if is_looked_at && !inside.iter().any(|folder| path.starts_with(folder.as_str())) {
            places.extend(lists(path, &source.text, &contexts).into_iter().map(|line| (path, line)));
            some.extend(partial(path, source, &contexts).into_iter().map(|(line, missing)| (path, line, missing)));
        }
    }
    places.iter().for_each(|_| report.saw_one());
    for (path, line) in places.iter().skip(MOST) {
        let known: Vec<&str> = places.iter().take(MOST).map(|(path, _)| *path).collect();
        report.found(path, *line, format!("lists the contexts again: {known:?} do"));
    }
    for (path, line, missing) in &some {
        report.saw_one();
        if !SOME.iter().any(|(known, _)| known == path) {
            report.found(path, *line, format!("lists the contexts without {missing}: is it forgotten?"));
        }
    }
    for (path, what) in SOME.iter().filter(|(known, _)| !some.iter().any(|(path, ..)| path == known)) {
        report.found(path, 0, format!("has no list of {what}: take it from SOME"));
    }
}

/// The folders of the mall that have contracts.
pub(super) fn contexts(tree: &Tree) -> BTreeSet<&str> {
    let folders = tree.under("mall/").filter_map(|file| file.path.strip_prefix("mall/")?.split_once("/contracts/"));
    folders.map(|(name, _)| name).filter(|name| !name.contains('/')).collect()
}

/// The lines on which a list of contexts begins.
fn lists(path: &str, text: &str, contexts: &BTreeSet<&str>) -> Vec<usize> {
    let named = |line: &str| {
        let line = line.trim_start();
        let is_said = line.starts_with("//") || line.starts_with('#');
        contexts.iter().copied().filter(|name| !is_said && has_word(line, name)).collect::<Vec<_>>()
    };
    let lines: Vec<Vec<&str>> = text.lines().map(named).collect();
    let longest = if path.ends_with(".toml") { lines.len() } else { LIST };
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let end = lines.len().min(at + longest);
        let in_it: BTreeSet<&str> = lines[at..end].iter().flatten().copied().collect();
        if !lines[at].is_empty() && contexts.len() > 1 && in_it.len() == contexts.len() {
            found.push(at + 1);
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

/// The lines on which a list of most contexts begins, and who is not in it: in a manifest all but one, between brackets half of
/// them and no less than three, where each part is about one of them.
fn partial(path: &str, source: &Source, contexts: &BTreeSet<&str>) -> Vec<(usize, String)> {
    let named = |text: &str| contexts.iter().copied().filter(|name| has_word(text, name)).collect::<BTreeSet<_>>();
    let missing = |found: &BTreeSet<&str>| contexts.difference(found).copied().collect::<Vec<_>>().join(", ");
    let all = named(&source.code);
    // Fewer of anything are no list.
    let least = contexts.len().div_ceil(2).max(3);
    if all.len() < least {
        return Vec::new();
    }
    if path.ends_with(".toml") {
        return if all.len() + 1 == contexts.len() { vec![(1, missing(&all))] } else { Vec::new() };
    }
    let mut found = Vec::new();
    for (open, _) in source.bare.match_indices(['(', '[', '{']) {
        let Some(close) = closing(&source.bare, open) else { continue };
        let begin = open + 1;
        if close - begin > LIST * WIDTH {
            continue;
        }
        let parts = spans(&source.bare[begin..close]).into_iter();
        let parts = parts.map(|span| &source.code[begin + span.start..begin + span.end]);
        let parts: Vec<_> = parts.filter(|part| !part.trim().is_empty()).map(named).collect();
        let in_it: BTreeSet<&str> = parts.iter().flatten().copied().collect();
        let is_list = parts.iter().all(|part| part.len() == 1) && in_it.len() >= least;
        if is_list && in_it.len() < contexts.len() {
            found.push((source.bare[..open].matches('\n').count() + 1, missing(&in_it)));
        }
    }
    found
}
