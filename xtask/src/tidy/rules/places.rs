//! Outside its folder a context is named in at most two places: where the system starts it, and where the tests over all
//! contexts depend on it. Whoever adds one has two lines to write.
//!
//! A place is where contexts are listed: a manifest, or a few lines of code, in which all of them are named.
//! What a test says about the contexts it is about is none. Documents are not looked at.

use std::collections::BTreeSet;

use crate::tidy::{Report, Tree, source::has_word};

/// How often contexts may be listed.
const MOST: usize = 2;
/// A list in code is no longer than this many lines.
const LIST: usize = 24;
/// What may list something.
const LOOKED_AT: &[&str] = &[".rs", ".toml", ".sh", ".ts", ".js", ".json", ".yml", "Makefile", ".ci/run"];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    let contexts = contexts(tree);
    let inside: Vec<String> = contexts.iter().map(|name| format!("mall/{name}/")).collect();
    let mut places = Vec::new();
    for (path, source) in tree.sources_under("") {
        let is_looked_at = LOOKED_AT.iter().any(|end| path.ends_with(end));
        if is_looked_at && !inside.iter().any(|folder| path.starts_with(folder.as_str())) {
            places.extend(lists(path, &source.text, &contexts).into_iter().map(|line| (path, line)));
        }
    }
    places.iter().for_each(|_| report.saw_one());
    for (path, line) in places.iter().skip(MOST) {
        let known: Vec<&str> = places.iter().take(MOST).map(|(path, _)| *path).collect();
        report.found(path, *line, format!("lists the contexts again: {known:?} do"));
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
