//! The paths a text names: those of its `use`, each spelled out, and those that begin with a crate or a module elsewhere.

use std::collections::BTreeSet;

use crate::tidy::source::{Source, is_word, numbered};

/// A path that stands somewhere.
pub(super) struct Named {
    pub(super) line: usize,
    pub(super) path: Vec<String>,
    /// What a `use` calls it here.
    binds: Option<String>,
}

/// Every path. One that begins with what a `use` brought in, or with a type, is left out: where that is from was said.
pub(super) fn named(source: &Source) -> Vec<Named> {
    let text = outside_tests(source);
    let (mut found, rest) = uses(&text);
    let known: BTreeSet<String> = found.iter().filter_map(|named| named.binds.clone()).collect();
    let inline = inline(&rest).into_iter().filter(|(is_crate, named)| *is_crate || !known.contains(&named.path[0]));
    found.extend(inline.map(|(_, named)| named));
    found
}

/// What a `use` renames: the name it has elsewhere, and the one it has from there on.
pub(super) fn renamed(source: &Source) -> Vec<(String, String)> {
    let (found, _) = uses(&outside_tests(source));
    found.into_iter().filter_map(|mut named| named.path.pop().zip(named.binds)).filter(|(was, is)| was != is).collect()
}

/// The code, every line where it was, those of tests empty.
fn outside_tests(source: &Source) -> String {
    let lines = numbered(&source.bare).map(|(line, code)| if source.is_test(line) { "" } else { code });
    lines.collect::<Vec<_>>().join("\n")
}

/// What every `use` names, and the text without them.
fn uses(text: &str) -> (Vec<Named>, String) {
    let mut found = Vec::new();
    let mut rest = text.as_bytes().to_vec();
    for (at, word) in text.match_indices("use") {
        let after = &text[at + word.len()..];
        let is_whole = text[..at].chars().next_back().is_none_or(|c| !is_word(c));
        let Some(end) = after.find(';').filter(|_| is_whole && after.starts_with(char::is_whitespace)) else {
            continue;
        };
        let line = line_of(text, at);
        expand(&[], &after[..end], &mut |path, binds| found.push(Named { line, path, binds: Some(binds) }));
        rest[at..at + word.len() + end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    }
    (found, String::from_utf8_lossy(&rest).into_owned())
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Spells out a tree of `use`.
fn expand(before: &[String], tree: &str, found: &mut impl FnMut(Vec<String>, String)) {
    let tree = tree.trim().trim_start_matches("::");
    let Some((head, inside)) = tree.split_once('{') else {
        let mut words = tree.split_whitespace();
        let parts = words.next().unwrap_or_default().split("::").filter(|part| !part.is_empty()).map(str::to_owned);
        let mut path = [before, &parts.collect::<Vec<_>>()].concat();
        if path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let binds = words.last().map(str::to_owned).or_else(|| path.last().cloned());
        if let Some(binds) = binds.filter(|_| !tree.is_empty()) {
            found(path, binds);
        }
        return;
    };
    let head = head.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty());
    let head = [before, &head.collect::<Vec<_>>()].concat();
    let inside = inside.rsplit_once('}').map_or(inside, |(inside, _)| inside);
    let mut depth = 0_usize;
    let mut from = 0;
    for (at, c) in inside.char_indices().chain([(inside.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                expand(&head, &inside[from..at], found);
                from = at + 1;
            }
            _ => {}
        }
    }
}

/// The paths in code that begin in lower case, and whether one begins with `::`: what follows is a crate, whatever a `use`
/// brought in.
fn inline(text: &str) -> Vec<(bool, Named)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("::") {
        let head = &text[..at];
        let from = head.rfind(|c| !is_word(c)).map_or(0, |place| place + 1);
        let root = &head[from..];
        let mut path: Vec<String> = names_after(&text[at..]).map(str::to_owned).collect();
        // Of `<T as Trait>::name` the type says where it is from; of `-> ::name` it does not.
        let is_of_type = head.ends_with('>') && !head.ends_with("->") && !head.ends_with("=>");
        let is_crate = root.is_empty() && !is_of_type;
        if path.is_empty() || head[..from].ends_with("::") || root.is_empty() && is_of_type {
            continue;
        }
        if !is_crate {
            path.insert(0, root.to_owned());
        }
        if path[0].starts_with(|c: char| c.is_lowercase() || c == '_') {
            found.push((is_crate, Named { line: line_of(text, at), path, binds: None }));
        }
    }
    found
}

/// The names that follow each other with `::` before each.
fn names_after(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let after = rest.trim_start().strip_prefix("::")?.trim_start();
        let (name, left) = after.split_at(after.find(|c| !is_word(c)).unwrap_or(after.len()));
        rest = left;
        Some(name).filter(|name| !name.is_empty())
    })
}
