//! The paths a text names: those of its `use`, each spelled out, and those that begin with a crate or a module elsewhere.

use std::collections::BTreeSet;

use crate::tidy::source::Source;

/// Every path with its line. A path that begins with what a `use` brought in, or with a type, is left out: where that is
/// from was said.
pub(super) fn named(source: &Source) -> Vec<(usize, Vec<String>)> {
    let (mut found, mut rest) = (Vec::new(), Vec::new());
    let mut open: Option<(usize, String)> = None;
    for (line, code) in source.bare_lines() {
        let (from, mut text) = open.take().unwrap_or((line, String::new()));
        let starts = text.is_empty() && uses(code).is_some();
        if text.is_empty() && !starts {
            rest.push((line, code));
            continue;
        }
        text.push_str(uses(code).filter(|_| starts).unwrap_or(code.trim()));
        match text.split_once(';') {
            Some((tree, _)) => expand(&[], tree, &mut |path| found.push((from, path))),
            None => open = Some((from, text)),
        }
    }
    let known: BTreeSet<String> = found.iter().filter_map(|(_, path)| path.last().cloned()).collect();
    for (line, code) in rest {
        found.extend(inline(code).into_iter().filter(|path| !known.contains(&path[0])).map(|path| (line, path)));
    }
    found
}

/// What follows a `use`.
fn uses(code: &str) -> Option<&str> {
    let code = code.trim_start();
    let code = code.strip_prefix("pub ").or_else(|| code.strip_prefix("pub(crate) ")).unwrap_or(code);
    code.strip_prefix("use ")
}

/// Spells out a tree of `use`.
fn expand(before: &[String], tree: &str, found: &mut impl FnMut(Vec<String>)) {
    let tree = tree.trim().trim_start_matches("::");
    let Some((head, inside)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        let parts = path.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty());
        let mut path = [before, &parts.collect::<Vec<_>>()].concat();
        if path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        if path.len() > before.len() || !tree.is_empty() {
            found(path);
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

/// The paths in a line that begin in lower case.
fn inline(code: &str) -> Vec<Vec<String>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in code.match_indices("::") {
        let head: &str = &code[..at];
        let from = head.rfind(|c| !is_word(c)).map_or(0, |place| place + 1);
        let root = &head[from..];
        let before = &head[..from];
        if before.ends_with("::") || !root.starts_with(|c: char| c.is_lowercase() || c == '_') {
            continue;
        }
        let next = code[at + 2..].split(|c| !is_word(c)).next().unwrap_or_default();
        found.push(vec![root.to_owned(), next.to_owned()]);
    }
    found
}
