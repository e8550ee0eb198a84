//! A link from one document to another leads somewhere: to a file or folder, and to a heading that it has.

use std::collections::BTreeMap;

use crate::tidy::{Report, Tree, source::numbered};

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (path, source) in tree.sources_under("").filter(|(path, _)| path.ends_with(".md")) {
        report.saw_one();
        let mut fenced = false;
        for (line, text) in numbered(&source.text) {
            fenced ^= text.trim_start().starts_with("```");
            if fenced {
                continue;
            }
            for target in targets(text).filter(|target| leads_nowhere(tree, path, target)) {
                report.found(path, line, format!("`{target}` leads nowhere"));
            }
        }
    }
}

/// What a line links to: `[text](target)` and `[text]: target`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let defined = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
    inline.chain(defined).map(|target| target.split_whitespace().next().unwrap_or_default())
}

fn leads_nowhere(tree: &Tree, from: &str, target: &str) -> bool {
    if target.contains("://") || target.starts_with("mailto:") {
        return false;
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() { Some(from.to_owned()) } else { resolve(from, file) };
    let Some(path) = path.filter(|path| tree.exists(path)) else { return true };
    // Of code the host makes anchors of lines.
    let text = tree.text(&path).filter(|_| path.ends_with(".md"));
    anchor.zip(text).is_some_and(|(anchor, text)| !anchors(text).any(|known| known == anchor))
}

/// The anchors of a document, as its host makes them of headings (github.com, `toc_filter`): letters and digits of any
/// script small, a `-` for a space, the second of one name with `-1`.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let mut fenced = false;
    let mut nth: BTreeMap<String, usize> = BTreeMap::new();
    text.lines().filter_map(move |line| {
        fenced ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        let title = heading.strip_prefix(' ').filter(|_| !fenced && heading.len() < line.len())?;
        let kept = shown(title.trim());
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        let anchor: String = kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect();
        let nth = nth.entry(anchor.clone()).and_modify(|nth| *nth += 1).or_default();
        Some(if *nth == 0 { anchor } else { format!("{anchor}-{nth}") })
    })
}

/// A title without the targets of its links.
fn shown(title: &str) -> String {
    let mut parts = title.split("](");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |shown, part| shown + part.split_once(')').map_or("", |(_, rest)| rest))
}

/// A path from the root; `None` when it leaves the repository.
pub(super) fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}
