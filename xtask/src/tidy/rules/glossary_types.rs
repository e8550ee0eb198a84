//! A type that the map or the glossary names is there: one word for one thing, in documents and code alike.

use std::collections::BTreeSet;

use crate::tidy::{
    Report, Tree,
    source::{is_word, numbered},
};

const PAGES: [&str; 3] = ["ARCHITECTURE.md", "docs/concepts.md", "docs/glossary.md"];
/// What a name is declared with; a variant has a line of its own.
const DECLARING: [&str; 5] = ["struct", "enum", "trait", "type", "const"];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    let declared = declared(tree);
    for page in PAGES {
        for (line, text) in numbered(tree.text(page).unwrap_or_default()) {
            for name in named(text) {
                report.saw_one();
                if !declared.contains(name) {
                    report.found(page, line, format!("names `{name}`, which no source declares"));
                }
            }
        }
    }
}

/// Names of types in backticks, alone or in front of `::`.
fn named(line: &str) -> impl Iterator<Item = &str> {
    let marked = line.split('`').skip(1).step_by(2);
    marked.filter_map(|code| code.split("::").next()).filter(|name| is_camel_case(name))
}

fn is_camel_case(name: &str) -> bool {
    name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase) && name.chars().all(is_word)
}

/// What the sources declare.
fn declared(tree: &Tree) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for line in tree.rust().flat_map(|(_, source)| source.bare.lines()) {
        // Most lines declare nothing, and every line of the repository is looked at.
        if DECLARING.iter().any(|word| line.contains(word)) {
            let words: Vec<&str> = line.split(|c| !is_word(c)).filter(|word| !word.is_empty()).collect();
            found.extend(words.windows(2).filter(|pair| DECLARING.contains(&pair[0])).map(|pair| pair[1]));
        }
        found.extend(variant(line.trim_start()));
    }
    found
}

/// The variant a line declares, if it is such a line.
fn variant(line: &str) -> Option<&str> {
    let (name, rest) = line.split_at(line.find(|c| !is_word(c)).unwrap_or(line.len()));
    Some(name).filter(|_| rest == "," || rest.starts_with('(') || rest.starts_with(" {"))
}
