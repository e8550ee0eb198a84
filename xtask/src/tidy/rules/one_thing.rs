//! These words name one thing each, in tests, too: they are so short that each of them once named several. A declaration, a
//! rename and a type parameter name a thing; passing a name on does not.

use crate::tidy::{Report, Tree, source::is_word};

/// The words, and what a type is declared with.
const WORDS: &[&str] = &["Answer", "House", "Step", "Told"];
const DECLARING: &[&str] = &["struct", "enum", "union", "trait", "type"];
/// What may have parameters of its own: what is declared, and these.
const GENERIC: &[&str] = &["fn", "impl"];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    let mut found: Vec<(&str, &str, usize)> = Vec::new();
    for (path, source) in tree.rust() {
        let bare = source.bare.as_str();
        let places = WORDS.iter().flat_map(|word| bare.match_indices(*word).map(move |(at, _)| (*word, at)));
        for (word, at) in places.filter(|(word, at)| is_whole(bare, *at, word) && names(bare, *at, word)) {
            found.push((word, path, bare[..at].matches('\n').count() + 1));
        }
    }
    for word in WORDS {
        let declared: Vec<_> = found.iter().filter(|(found, ..)| found == word).collect();
        declared.iter().for_each(|_| report.saw_one());
        for (_, path, line) in declared.iter().skip(1) {
            report.found(path, *line, format!("`{word}` names another thing: {} has one", declared[0].1));
        }
    }
}

fn is_whole(bare: &str, at: usize, word: &str) -> bool {
    let before = bare[..at].chars().next_back().is_none_or(|c| !is_word(c));
    before && bare[at + word.len()..].chars().next().is_none_or(|c| !is_word(c))
}

/// Whether a thing gets this name here.
fn names(bare: &str, at: usize, word: &str) -> bool {
    let before = bare[..at].trim_end();
    let how = before.rsplit(|c| !is_word(c)).next().unwrap_or_default();
    DECLARING.contains(&how) || how == "as" && is_renamed(before) || is_parameter(before, &bare[at + word.len()..])
}

/// Whether the `as` that a text ends with renames: it stands in a `use`, and another name is before it.
fn is_renamed(before: &str) -> bool {
    let statement = before.rsplit(';').next().unwrap_or_default();
    statement.split(|c| !is_word(c)).any(|word| word == "use" || word == "extern")
}

/// Whether it stands in the angle brackets of what is declared.
fn is_parameter(before: &str, after: &str) -> bool {
    let is_first_or_next = before.ends_with(['<', ',']) || before.ends_with("const");
    if !is_first_or_next || !after.trim_start().starts_with([':', ',', '>', '=']) {
        return false;
    }
    let mut depth = 0;
    for (at, c) in before.char_indices().rev() {
        match c {
            '>' if !before[..at].ends_with(['-', '=']) => depth += 1,
            '<' if depth == 0 => {
                let mut words = before[..at].rsplit(|c| !is_word(c));
                let name = words.next().unwrap_or_default();
                let how = words.find(|word| !word.is_empty()).unwrap_or_default();
                return name == "impl" || DECLARING.contains(&how) || GENERIC.contains(&how);
            }
            '<' => depth -= 1,
            ';' | '{' | '}' => return false,
            _ => {}
        }
    }
    false
}
