//! A list in a document beside what it lists in the code: what both have to say of it is the same.

use std::collections::{BTreeMap, BTreeSet};

use super::Report;

/// Names in the code, each with the first place that has it.
pub(crate) type Places = BTreeMap<String, (String, usize)>;

/// What stands in backticks in the first cells of the tables whose first head is `head`.
pub(crate) fn first_cells<'a>(text: &'a str, head: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let cell = line.strip_prefix("| ").and_then(|row| row.split(" | ").next());
        inside = line.starts_with('|') && (inside || cell == Some(head));
        let marked = cell.filter(|_| inside).into_iter().flat_map(|cell| cell.split('`').skip(1).step_by(2));
        found.extend(marked.filter(|name| format!("`{name}`") != head));
    }
    found
}

/// Compares a page with the code, both ways.
pub(crate) fn compare(report: &mut Report, what: &str, page: &str, listed: &BTreeSet<String>, real: &Places) {
    for (name, (path, line)) in real {
        report.saw_one();
        if !listed.contains(name) {
            report.found(path, *line, format!("{what} `{name}` is not in the table of {page}"));
        }
    }
    for name in listed.iter().filter(|name| !real.contains_key(*name)) {
        report.found(page, 0, format!("lists {what} `{name}`, which is not there"));
    }
}
