//! These words name one thing each, in tests, too: they are so short that each of them once named several.

use crate::tidy::{Report, Tree, source::numbered};

/// The words, and what a type is declared with.
const WORDS: &[&str] = &["Answer", "House", "Step", "Told"];
const DECLARING: &[&str] = &["struct", "enum", "union", "trait", "type"];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for word in WORDS {
        let declared: Vec<(&str, usize)> = tree
            .rust()
            .flat_map(|(path, source)| numbered(&source.bare).map(move |(line, code)| (path, line, code)))
            .filter(|(_, _, code)| declares(code, word))
            .map(|(path, line, _)| (path, line))
            .collect();
        declared.iter().for_each(|_| report.saw_one());
        for (path, line) in declared.iter().skip(1) {
            report.found(path, *line, format!("`{word}` is declared again: {} does", declared[0].0));
        }
    }
}

fn declares(code: &str, word: &str) -> bool {
    let Some(at) = code.find(word) else { return false };
    let after = &code[at + word.len()..];
    let is_whole = !after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    is_whole && DECLARING.iter().any(|how| code[..at].split_whitespace().last() == Some(*how))
}
