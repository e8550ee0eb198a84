//! No error of the runtime is a text: whoever gets it would have to read it to know what to do.

use crate::tidy::{Report, Tree, source::is_word};

const RUNTIME: &str = "framework/bongsu-runtime/src/";
const TEXTS: &[&str] = &["String", "str", "&str", "&'static str", "Box<str>", "Arc<str>", "Cow<'static, str>"];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (path, source) in tree.sources_under(RUNTIME).filter(|(path, _)| path.ends_with(".rs")) {
        report.saw_one();
        for (at, word) in source.bare.match_indices("Result<") {
            let is_whole = source.bare[..at].chars().next_back().is_none_or(|c| !is_word(c));
            let line = source.bare[..at].matches('\n').count() + 1;
            let error = last_of(&source.bare[at + word.len()..]).filter(|_| is_whole && !source.is_test(line));
            if let Some(text) = error.filter(|error| TEXTS.contains(&error.trim_start_matches("std::string::"))) {
                report.found(path, line, format!("an error that is a `{text}`: give it a type"));
            }
        }
    }
}

/// The last of at least two types that stand before the angle bracket that closes.
fn last_of(types: &str) -> Option<&str> {
    let mut depth = 0_usize;
    let mut from = None;
    for (at, c) in types.char_indices() {
        match c {
            '<' | '(' | '[' => depth += 1,
            '>' if types[..at].ends_with('-') => {}
            '>' if depth == 0 => return from.map(|from: usize| types[from..at].trim_matches([',', ' ', '\n'])),
            '>' | ')' | ']' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 && !types[at + 1..].trim_start().starts_with('>') => from = Some(at + 1),
            _ => {}
        }
    }
    None
}
