//! A bare number in the runtime has its reason beside it.
//!
//! A constant that is a number or a time has a comment of a sentence, on its line or above it; one comment is about two
//! constants at most. Any other number above two has a comment on its line or on the line above. Versions of traits have no
//! value there, and tests none that anybody runs.

use crate::tidy::{
    Report, Tree,
    source::{Source, is_word, numbered},
};

const RUNTIME: &str = "framework/bongsu-runtime/src/";
/// What counts, and what time is made of.
const NUMBERS: &[&str] =
    &["u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64", "Duration"];
/// Words of a comment that says what for and why: those of the name, and no reason, are fewer.
const SENTENCE: usize = 8;
/// None, one, both: what is above is a choice.
const PLAIN: u128 = 2;
/// Constants that one comment may be about.
const TOGETHER: usize = 2;

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (path, source) in tree.sources_under(RUNTIME).filter(|(path, _)| path.ends_with(".rs")) {
        let comments: Vec<&str> = source.comments.lines().collect();
        let lines: Vec<&str> = source.bare.lines().collect();
        let mut inside = false;
        for (line, code) in source.bare_lines() {
            let begins = constant(code);
            if let Some(name) = begins.filter(|_| is_number(source, line)) {
                report.saw_one();
                if words_about(&comments, &lines, line) < SENTENCE {
                    report.found(path, line, format!("`{name}` is a number without a sentence why it is that one"));
                }
            }
            inside |= begins.is_some();
            let said = is_said(&comments, line) || line > 1 && is_said(&comments, line - 1);
            for number in choices(code).filter(|_| !inside && !said) {
                report.found(path, line, format!("`{number}` has no reason beside it: a comment, or a constant"));
            }
            inside &= !code.trim_end().ends_with(';');
        }
    }
}

fn is_said(comments: &[&str], line: usize) -> bool {
    // What a file says of itself says nothing of a number.
    let comment = comments.get(line - 1).map_or("", |comment| comment.trim());
    !comment.is_empty() && !comment.starts_with("//!")
}

/// The name of the constant that a line declares.
fn constant(code: &str) -> Option<&str> {
    let code = code.trim_start();
    let code = code.strip_prefix("pub").map_or(code, |rest| {
        let rest = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, rest)| rest);
        rest.trim_start()
    });
    let name = code.strip_prefix("const ").or_else(|| code.strip_prefix("static "))?;
    let (name, rest) = name.split_at(name.find(|c| !is_word(c))?);
    (rest.starts_with(": ") && !name.is_empty() && name != "fn").then_some(name)
}

/// Whether the constant that begins on a line is a number, or is made of some, and has its value there.
fn is_number(source: &Source, line: usize) -> bool {
    let statement: Vec<&str> = numbered(&source.bare).skip(line - 1).map(|(_, code)| code).collect();
    let statement = statement.join("\n");
    // Not the semicolon of an array's length.
    let ends =
        statement.match_indices(';').find(|(at, _)| statement[at + 1..].starts_with('\n') || at + 1 == statement.len());
    let statement = &statement[..ends.map_or(statement.len(), |(at, _)| at)];
    let Some((head, value)) = statement.split_once(" = ").or_else(|| statement.split_once(" =\n")) else {
        return false;
    };
    let kind = head.split_once(": ").map(|(_, kind)| kind.rsplit("::").next().unwrap_or(kind)).unwrap_or_default();
    NUMBERS.contains(&kind) || choices(value).next().is_some()
}

/// The numbers of a line that somebody chose: not those of a tuple's field or of a type.
fn choices(code: &str) -> impl Iterator<Item = &str> {
    let mut before = ' ';
    let starts = code.char_indices().filter(move |(_, c)| {
        let is_start = c.is_ascii_digit() && !is_word(before) && before != '.' && before != '\'';
        before = *c;
        is_start
    });
    let words = starts.map(|(at, _)| {
        let rest = &code[at..];
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        // With what is behind its point: `0.5`, and not `0..5`.
        let part = rest[end..].strip_prefix('.').filter(|part| part.starts_with(|c: char| c.is_ascii_digit()));
        &rest[..end + part.map_or(0, |part| 1 + part.find(|c| !is_word(c)).unwrap_or(part.len()))]
    });
    // After two dots it is the end of a range.
    let ends = code.match_indices("..").filter_map(|(at, _)| {
        let rest = code[at + 2..].trim_start_matches('=');
        let word = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
        word.starts_with(|c: char| c.is_ascii_digit()).then_some(word)
    });
    words.chain(ends).filter(|word| value(word) > PLAIN)
}

/// The value of a literal; one that is no whole number is more than any.
fn value(word: &str) -> u128 {
    let word = word.replace('_', "");
    let word = word.strip_suffix(".0").unwrap_or(&word);
    let (digits, radix) = match word.get(..2) {
        Some("0x") => (&word[2..], 16),
        Some("0b") => (&word[2..], 2),
        Some("0o") => (&word[2..], 8),
        _ => (word, 10),
    };
    let kind = NUMBERS.iter().find_map(|kind| digits.strip_suffix(kind)).unwrap_or(digits);
    u128::from_str_radix(kind, radix).unwrap_or(u128::MAX)
}

/// How many words a comment has on the line of a constant, or above it, where no more than one other constant is between.
fn words_about(comments: &[&str], lines: &[&str], line: usize) -> usize {
    let words = |comment: &str| comment.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count();
    let beside = words(comments[line - 1]);
    let mut at = line - 1;
    let mut others = 0;
    while at > 0 && others < TOGETHER && !is_said(comments, at) {
        let code = lines[at - 1].trim();
        others += usize::from(constant(code).is_some());
        if code.is_empty() || constant(code).is_none() && !code.starts_with("#[") {
            return beside;
        }
        at -= 1;
    }
    if others >= TOGETHER {
        return beside;
    }
    // A comment beside another constant is about that one.
    let above = (1..=at).rev().take_while(|at| is_said(comments, *at) && lines[at - 1].trim().is_empty());
    beside.max(above.map(|at| words(comments[at - 1])).sum())
}
