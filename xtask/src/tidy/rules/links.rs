//! A link from one document to another leads somewhere.

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
    let file = target.split('#').next().unwrap_or_default();
    let outside = target.contains("://") || target.starts_with("mailto:");
    !outside && !file.is_empty() && resolve(from, file).is_none_or(|path| !tree.exists(&path))
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
