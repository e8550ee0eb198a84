//! Code shown in a document as "From [file](file):" stands in that file. A line `// …` leaves something out.

use crate::tidy::{Report, Tree, rules::links::resolve, source::numbered};

/// A fenced block that says where it is from.
struct Snippet<'a> {
    line: usize,
    file: String,
    lines: Vec<&'a str>,
}

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (path, source) in tree.sources_under("").filter(|(path, _)| path.ends_with(".md")) {
        for snippet in snippets(path, &source.text) {
            report.saw_one();
            let Some(shown) = tree.text(&snippet.file) else {
                report.found(path, snippet.line, format!("shows code from `{}`, which is not there", snippet.file));
                continue;
            };
            let file: Vec<&str> = shown.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            for part in snippet.lines.split(|line| line.starts_with("// …")).filter(|part| !part.is_empty()) {
                if !file.windows(part.len()).any(|window| window == part) {
                    report.found(path, snippet.line, format!("`{}` does not say `{}…`", snippet.file, part[0]));
                }
            }
        }
    }
}

fn snippets<'a>(path: &str, text: &'a str) -> Vec<Snippet<'a>> {
    let mut found = Vec::new();
    let mut from = None;
    let mut open = false;
    for (line, text) in numbered(text) {
        let text = text.trim();
        if text.starts_with("```") {
            open = !open && text == "```rust" && from.is_some();
            if let Some(file) = from.take().filter(|_| open) {
                found.push(Snippet { line, file, lines: Vec::new() });
            }
        } else if open {
            found.last_mut().expect("opened above").lines.extend(Some(text).filter(|text| !text.is_empty()));
        } else if !text.is_empty() {
            from = source_of(path, text);
        }
    }
    found
}

/// The file in a line that ends in `From [name](file):`.
fn source_of(path: &str, line: &str) -> Option<String> {
    let (_, link) = line.rsplit_once("From [")?;
    let target = link.strip_suffix("):")?.split_once("](")?.1;
    resolve(path, target)
}
