//! Every stable error code is explained, and the index lists it; no explanation outlives its code.
//!
//! A code is explained by its page in `docs/errors/`, where that is a long story; by a row in the index, where it is not; or by
//! a row in the README of whose rule it is: ``| `cart-full` | 409 | what it means | what to do |``.
//!
//! A code is recognised by how it is written: `/errors/<code>` in a string, `code = "…"` of a log line, the literal that a
//! `Problem::new(status, "too-deep", …)` is given, whatever its title, or a literal followed by that of its title.

use std::collections::BTreeMap;

use crate::tidy::{Report, Tree};

const PAGES: &str = "docs/errors/";
const INDEX: &str = "docs/errors/README.md";
/// Where codes are made. Examples of the framework are samples, not parts of a system.
const MADE_IN: &[&str] = &["framework/", "platform/", "mall/", "examples/"];
/// A page has at least so many lines: head, status, what it means and what to do, with more than a line or two to say.
const LONG: usize = 9;
/// Pages that are not about one code.
const OTHER_PAGES: &[&str] = &["README", "starting"];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    let codes = codes(tree);
    let index = tree.text(INDEX).unwrap_or_default();
    let rows = rows(tree);
    for (code, (path, line)) in &codes {
        report.saw_one();
        let has_page = tree.exists(&format!("{PAGES}{code}.md"));
        let by_row = rows.iter().any(|(_, explained)| explained == code);
        let mark = if has_page { format!("({code}.md)") } else { format!("`{code}`") };
        if !has_page && !by_row {
            report.found(path, *line, format!("error code `{code}` has no page in {PAGES} and no row in a README"));
        } else if has_page && by_row {
            report.found(&format!("{PAGES}{code}.md"), 0, "explains what a row of a README does");
        } else if !index.contains(&mark) {
            report.found(INDEX, 0, format!("does not list `{code}`"));
        }
    }
    look_at_rows(&rows, &codes, report);
    for (path, source) in tree.sources_under(PAGES) {
        let name = path.strip_prefix(PAGES).and_then(|name| name.strip_suffix(".md"));
        let Some(name) = name.filter(|name| !OTHER_PAGES.contains(name)) else { continue };
        if !codes.contains_key(name) {
            report.found(path, 0, "explains a code that nobody uses");
        }
        if source.text.lines().count() < LONG {
            report.found(path, 0, format!("is so short that it is a row of {INDEX}"));
        }
    }
}

/// Rows that explain what another one of their page does, or what nobody uses.
fn look_at_rows(rows: &[(&str, &str)], codes: &BTreeMap<String, (String, usize)>, report: &mut Report) {
    for (at, (path, code)) in rows.iter().enumerate() {
        if let Some((first, _)) = rows[..at].iter().find(|(first, known)| known == code && *first == *path) {
            report.found(first, 0, format!("explains `{code}` twice"));
        }
    }
    for (path, code) in rows.iter().filter(|(_, code)| !codes.contains_key(*code)) {
        report.found(path, 0, format!("explains `{code}`, which nobody uses"));
    }
}

/// The codes explained by a row of a README, each with that README.
fn rows(tree: &Tree) -> Vec<(&str, &str)> {
    let texts = MADE_IN.iter().flat_map(|folder| tree.sources_under(folder));
    let readmes = texts.filter(|(path, _)| path.ends_with("/README.md"));
    let is_status = |cell: &str| cell.parse::<u16>().is_ok();
    let of_rules = readmes
        .flat_map(|(path, source)| source.text.lines().filter_map(move |row| Some((path, explained(row, is_status)?))));
    // What every service has may come with several statuses, or in a log alone.
    let is_any = |cell: &str| cell == "log" || cell.contains(|c: char| c.is_ascii_digit());
    let of_all = tree.text(INDEX).unwrap_or_default().lines();
    of_rules.chain(of_all.filter_map(|row| Some((INDEX, explained(row, is_any)?)))).collect()
}

/// The code of a row that has all four cells; any other row explains none.
fn explained(row: &str, is_status: impl Fn(&str) -> bool) -> Option<&str> {
    let (code, rest) = row.strip_prefix("| `")?.split_once("` | ")?;
    let cells: Vec<&str> = rest.strip_suffix(" |")?.split(" | ").map(str::trim).collect();
    let is_whole =
        cells.len() == 3 && is_status(cells[0]) && cells.iter().all(|cell| !cell.is_empty() && !cell.contains('|'));
    is_whole.then_some(code)
}

/// Every code with the first place that uses it.
fn codes(tree: &Tree) -> BTreeMap<String, (String, usize)> {
    let mut codes = BTreeMap::new();
    for (path, source) in MADE_IN.iter().flat_map(|folder| tree.sources_under(folder)) {
        if !path.ends_with(".rs") || !path.contains("/src/") {
            continue;
        }
        let code: String = source.code_lines().map(|(line, text)| format!("{line}\0{text}\n")).collect();
        for (line, found) in codes_in(&code) {
            codes.entry(found).or_insert((path.to_owned(), line));
        }
    }
    codes
}

/// The codes in numbered lines; a code and its title may stand on two of them.
fn codes_in(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices('"') {
        let before = &code[..at];
        let after = &code[at + 1..];
        let word = word(after);
        let rest = after[word.len()..].strip_prefix('"');
        if is_code(word) && rest.is_some_and(|rest| before.ends_with("code = ") || is_title(word, rest)) {
            found.push((line_of(before), word.to_owned()));
        }
    }
    let made = code.match_indices("Problem::new(").filter_map(|(at, call)| {
        let (_, rest) = code[at + call.len()..].split_once(',')?;
        let literal = rest.trim_start_matches(between).strip_prefix('"')?;
        Some((at, word(literal)))
    });
    let linked = code.match_indices("/errors/").map(|(at, prefix)| (at, word(&code[at + prefix.len()..])));
    for (at, word) in made.chain(linked).filter(|(_, word)| is_code(word)) {
        let place = (line_of(&code[..at]), word.to_owned());
        if !found.iter().any(|(_, known)| *known == place.1) {
            found.push(place);
        }
    }
    found
}

/// The word of a code that a text begins with.
fn word(text: &str) -> &str {
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    &text[..text.find(|c: char| !inside(c)).unwrap_or(text.len())]
}

/// What stands between two things of numbered lines.
fn between(c: char) -> bool {
    c.is_whitespace() || c.is_ascii_digit() || c == '\0'
}

fn is_code(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase()) && !word.ends_with('-')
}

/// Whether a comma and a sentence follow, perhaps on the next line. A sentence with values in it counts only
/// after a code of several words: `("authorization", format!("Bearer …"))` is a header.
fn is_title(word: &str, rest: &str) -> bool {
    let Some(rest) = rest.strip_prefix(',') else { return false };
    let rest = rest.trim_start_matches(between);
    let filled = rest.strip_prefix("format!(");
    let text = filled.unwrap_or(rest).strip_prefix('"').and_then(|text| text.split('"').next());
    let sentence = text.is_some_and(|text| text.starts_with(|c: char| c.is_ascii_uppercase()) && text.contains(' '));
    sentence && (filled.is_none() || word.contains('-'))
}

fn line_of(before: &str) -> usize {
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.split('\0').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::codes_in;

    #[test]
    fn codes_are_recognised_by_how_they_are_written() {
        let lines = "1\0(400, \"too-deep\", \"The body\")\n2\0new(\n3\0    \"key-missing\",\n4\0    \"This needs a key\",\n\
                     5\0\"/errors/gone-x\"\n6\0error!(code = \"panic\", x)\n7\0(\"was-lost\", format!(\"The {x} is\"))\n\
                     8\0(\"a-b\", \"c d\") \"x-y\" (\"get\", Some(\"The x\")) (\"bearer\", format!(\"Bearer {x}\"))\n";
        let found: Vec<(usize, String)> = codes_in(lines);
        let expected = [(1, "too-deep"), (3, "key-missing"), (6, "panic"), (7, "was-lost"), (5, "gone-x")];
        assert_eq!(found, expected.map(|(line, code)| (line, code.to_owned())));
    }
}
