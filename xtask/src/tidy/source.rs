//! One text and three readings of it: as written, without comments, and without comments and strings.
//!
//! A small lexer instead of a parser: rules ask for words and braces, and the code is rustfmt'ed.

/// A text; every reading has the same lines.
pub(crate) struct Source {
    /// As written.
    pub(crate) text: String,
    /// Comments blanked.
    pub(crate) code: String,
    /// Comments and the insides of strings and characters blanked.
    pub(crate) bare: String,
    /// The comments alone.
    pub(crate) comments: String,
    /// For each line, whether it only exists in tests.
    test_lines: Vec<bool>,
}

/// A function and its extent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    /// Line of the `fn`, from 1.
    pub(crate) line: usize,
    /// Characters of code from the `fn` to its closing brace: without comments, indentation and line ends, so that no
    /// way of writing it down counts as shorter.
    pub(crate) characters: usize,
    /// Ways on: one, and one more at each `if`, `match`, loop, `&&` and `||`.
    pub(crate) branches: usize,
}

/// What begins at a place of a Rust text, and where it ends.
enum Token {
    Comment(usize),
    Literal(usize),
    Other(usize),
}

impl Source {
    pub(crate) fn new(path: &str, text: String) -> Self {
        if path.ends_with(".rs") {
            let (code, bare, comments) = blank_rust(&text);
            let test_lines = test_lines(path, &bare);
            return Self { text, code, bare, comments, test_lines };
        }
        let code = blank_hash_comments(path, &text);
        let test_lines = vec![false; text.lines().count()];
        Self { bare: code.clone(), comments: String::new(), text, code, test_lines }
    }

    /// Whether a line (from 1) only exists in tests.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        self.test_lines.get(line - 1).copied().unwrap_or(false)
    }

    /// The lines of code (comments and strings blanked) outside tests, numbered from 1.
    pub(crate) fn bare_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        numbered(&self.bare).filter(|(line, _)| !self.is_test(*line))
    }

    /// The lines of code (comments blanked) outside tests, numbered from 1.
    pub(crate) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        numbered(&self.code).filter(|(line, _)| !self.is_test(*line))
    }

    /// Every function with a body, tests included.
    pub(crate) fn functions(&self) -> Vec<Function<'_>> {
        let mut found = Vec::new();
        let mut line = 1;
        let mut counted = 0;
        for (at, _) in self.bare.match_indices("fn ") {
            line += newlines(&self.bare[counted..at]);
            counted = at;
            let boundary = self.bare[..at].chars().next_back().is_none_or(|c| !is_word(c));
            let rest = &self.bare[at + 3..];
            let name = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
            let end = item_end(self.bare.as_bytes(), at);
            if boundary && !name.is_empty() && self.bare.as_bytes()[end - 1] == b'}' {
                let characters = self.code[at..end].lines().map(|line| line.trim().chars().count()).sum();
                found.push(Function { name, line, characters, branches: branches(&self.bare[at..end]) });
            }
        }
        found
    }
}

/// Ways through a function.
fn branches(bare: &str) -> usize {
    const WORDS: [&str; 5] = ["if", "match", "while", "for", "loop"];
    let words = bare.split(|c| !is_word(c)).filter(|word| WORDS.contains(word)).count();
    // In front of a word or a name, `||` is a closure without parameters.
    let or = bare.match_indices("||").filter(|(at, _)| bare[..*at].ends_with(' ')).count();
    1 + words + bare.matches("&&").count() + or
}

/// Lines of a text, numbered from 1.
pub(crate) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(at, line)| (at + 1, line))
}

/// Whether a character can be part of an identifier.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `word` stands in `line` with no identifier character on either side of it.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_none_or(|c| !is_word(c));
        before && line[at + word.len()..].chars().next().is_none_or(|c| !is_word(c))
    })
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// The code, the bare code and the comments of a Rust text.
fn blank_rust(text: &str) -> (String, String, String) {
    let bytes = text.as_bytes();
    let (mut code, mut bare, mut comments) = (bytes.to_vec(), bytes.to_vec(), bytes.to_vec());
    let mut at = 0;
    while at < bytes.len() {
        let (end, blanked): (usize, &mut [&mut Vec<u8>]) = match token(bytes, at) {
            Token::Comment(end) => (end, &mut [&mut code, &mut bare]),
            Token::Literal(end) => (end, &mut [&mut bare, &mut comments]),
            Token::Other(end) => (end, &mut [&mut comments]),
        };
        blanked.iter_mut().for_each(|reading| blank(&mut reading[at..end]));
        at = end;
    }
    (utf8(code), utf8(bare), utf8(comments))
}

fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("whole tokens of a valid text were replaced by spaces")
}

fn blank(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
}

fn token(b: &[u8], at: usize) -> Token {
    let rest = &b[at..];
    match rest[0] {
        b'/' if rest.starts_with(b"//") => Token::Comment(find(b, at, b"\n").unwrap_or(b.len())),
        b'/' if rest.starts_with(b"/*") => Token::Comment(block_comment_end(b, at)),
        b'"' => Token::Literal(quoted_end(b, at, b'"')),
        b'\'' => char_end(b, at).map_or(Token::Other(at + 1), Token::Literal),
        byte if byte.is_ascii_alphanumeric() || byte == b'_' => {
            let end = at + rest.iter().take_while(|c| c.is_ascii_alphanumeric() || **c == b'_').count();
            raw_string_end(b, at, end).map_or(Token::Other(end), Token::Literal)
        }
        byte if byte >= 0x80 => Token::Other(at + rest.iter().take_while(|c| **c >= 0x80).count()),
        _ => Token::Other(at + 1),
    }
}

fn find(b: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    b[from..].windows(what.len()).position(|window| window == what).map(|at| from + at)
}

fn block_comment_end(b: &[u8], at: usize) -> usize {
    let mut at = at;
    let mut depth = 0;
    while at < b.len() {
        if b[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if b[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    b.len()
}

fn quoted_end(b: &[u8], at: usize, quote: u8) -> usize {
    let mut at = at + 1;
    while at < b.len() && b[at] != quote {
        at += if b[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(b.len())
}

/// The end of a character literal; `None` for a lifetime.
fn char_end(b: &[u8], at: usize) -> Option<usize> {
    let inside = *b.get(at + 1)?;
    if inside == b'\\' {
        return Some(quoted_end(b, at, b'\''));
    }
    let width = match inside {
        0..0x80 => 1,
        0x80..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    };
    (b.get(at + 1 + width) == Some(&b'\'')).then_some(at + 2 + width)
}

/// The end of a raw string whose prefix (`r`, `br`, `cr`) is `b[at..end]`.
fn raw_string_end(b: &[u8], at: usize, end: usize) -> Option<usize> {
    if ![&b"r"[..], b"br", b"cr"].contains(&&b[at..end]) {
        return None;
    }
    let hashes = b[end..].iter().take_while(|c| **c == b'#').count();
    if b.get(end + hashes) != Some(&b'"') {
        return None;
    }
    let close = [&b"\""[..], &b"#".repeat(hashes)].concat();
    Some(find(b, end + hashes + 1, &close).map_or(b.len(), |at| at + close.len()))
}

/// Where the item that begins at `from` ends: after its `;`, or after the brace that closes its body.
fn item_end(b: &[u8], from: usize) -> usize {
    let mut nested = 0_i32;
    let mut braces = 0_i32;
    for (at, byte) in b.iter().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => nested += 1,
            b')' | b']' => nested -= 1,
            b'{' => braces += 1,
            b'}' => {
                braces -= 1;
                if braces == 0 && nested == 0 {
                    return at + 1;
                }
            }
            b';' if nested == 0 && braces == 0 => return at + 1,
            _ => {}
        }
    }
    b.len()
}

fn test_lines(path: &str, bare: &str) -> Vec<bool> {
    let parts: Vec<&str> = path.split('/').collect();
    let whole = parts.iter().any(|part| ["tests", "benches", "tests.rs"].contains(part));
    let mut lines = vec![whole; bare.lines().count()];
    for (at, attribute) in bare.match_indices("#[cfg(test)]") {
        let end = item_end(bare.as_bytes(), at + attribute.len());
        lines[newlines(&bare[..at])..=newlines(&bare[..end - 1])].fill(true);
    }
    lines
}

/// Blanks `#` comments where they are comments; other texts have none.
fn blank_hash_comments(path: &str, text: &str) -> String {
    let commented = [".toml", ".yaml", ".yml", ".sh", "Makefile", ".ci/run"].iter().any(|end| path.ends_with(end));
    if !commented {
        return text.into();
    }
    let lines = text.lines().map(|line| {
        let starts = line.match_indices('#').find(|(at, _)| line[..*at].matches(['"', '\'']).count() % 2 == 0);
        starts.map_or(line, |(at, _)| &line[..at])
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
