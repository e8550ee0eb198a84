//! What stands between brackets, in a text whose strings and comments are blanked.

use std::ops::Range;

/// Where the bracket at `open` is closed.
pub(crate) fn closing(bare: &str, open: usize) -> Option<usize> {
    let mut depth = 0;
    let found = bare[open..].char_indices().find(|(_, c)| {
        depth += step(*c);
        depth == 0
    });
    found.map(|(at, _)| open + at)
}

/// Where the bracket that is closed at `close` was opened.
pub(crate) fn opening(bare: &str, close: usize) -> Option<usize> {
    let mut depth = 0;
    let found = bare[..=close].char_indices().rev().find(|(_, c)| {
        depth += step(*c);
        depth == 0
    });
    found.map(|(at, _)| at)
}

/// From where to where the parts of a list stand between its commas, empty ones too.
pub(crate) fn spans(list: &str) -> Vec<Range<usize>> {
    let mut depth = 0;
    let mut from = 0;
    let mut found = Vec::new();
    for (at, c) in list.char_indices() {
        depth += step(c);
        if c == ',' && depth == 0 {
            found.push(from..at);
            from = at + 1;
        }
    }
    found.push(from..list.len());
    found
}

fn step(c: char) -> i32 {
    match c {
        '(' | '[' | '{' => 1,
        ')' | ']' | '}' => -1,
        _ => 0,
    }
}
