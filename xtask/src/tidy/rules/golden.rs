//! A sample that was written once is not altered: what was stored or told looks like it for ever.
//!
//! `golden.lock` of a context, and of the runtime, remembers the digest of each, written by its tests (`BLESS=1` adds a line,
//! `BLESS=replace:NAME.vN` alters one and leaves the old one as a comment). Every line that git ever had of a lock is still in
//! it, the one way or the other: whoever alters a sample says so, and a reviewer sees it.

use std::collections::BTreeSet;

use crate::tidy::{Report, Tree};

// The file and not the crate: the house rules are looked at while the framework does not compile.
#[expect(unreachable_pub, reason = "it is public where it lives")]
#[path = "../../../../framework/bongsu-given/src/digest.rs"]
mod digest;

/// Where samples are kept.
const SHELVES: &[&str] = &["mall/", "platform/", "examples/", "framework/"];
const LOCK: &str = "/golden.lock";
/// How a line of a lock begins that was replaced.
const REPLACED: &str = "# replaced ";
/// Where samples are, below the folder of a lock; the longer one first, where one ends in another.
const SAMPLES: &[&str] = &["/domain/golden/", "/golden/", "/contracts/samples/"];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for file in SHELVES.iter().flat_map(|shelf| tree.under(shelf)) {
        if let Some(folder) = file.path.strip_suffix(LOCK) {
            check_lines(tree, folder, report);
        } else if let Some((folder, sample)) = of_lock(&file.path) {
            let lock = format!("{folder}{LOCK}");
            let is_known = tree.text(&lock).is_some_and(|text| lines(text).any(|(_, _, known)| known == sample));
            if !is_known {
                report.found(&file.path, 0, format!("is not in {lock}: BLESS=1 remembers it"));
            }
        }
    }
    check_history(tree, report);
}

/// Every sample that a lock remembers is there and as it was.
fn check_lines(tree: &Tree, folder: &str, report: &mut Report) {
    let lock = format!("{folder}{LOCK}");
    for (line, expected, path) in lines(tree.text(&lock).unwrap_or_default()) {
        report.saw_one();
        let path = format!("{folder}/{path}");
        match tree.text(&path) {
            Some(sample) if digest::of(sample.as_bytes()) == expected => {}
            Some(_) => report.found(&path, 0, "was written once and is altered: restore it, or BLESS=replace:NAME.vN"),
            None => report.found(&lock, line, format!("{path} was written once and is gone")),
        }
    }
}

/// Every line that git ever had is still there, as long as its folder is.
fn check_history(tree: &Tree, report: &mut Report) {
    let Some(once) = tree.locked_once() else { return };
    if once.is_empty() {
        report.found("", 0, "git shows no line of any golden.lock: was it asked well?");
    }
    for (lock, line) in once {
        report.saw_one();
        let folder = &lock[..lock.len() - LOCK.len()];
        let now: BTreeSet<&str> = tree.text(lock).unwrap_or_default().lines().collect();
        let is_there = now.iter().any(|it| it.strip_prefix(REPLACED).unwrap_or(it) == line);
        if !is_there && tree.exists(folder) {
            report.found(lock, 0, format!("`{line}` was here once: put it back, or BLESS=replace:NAME.vN"));
        }
    }
}

/// Number, digest and path of what a lock remembers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
    lines.filter_map(|(at, line)| line.split_once(' ').map(|(digest, path)| (at + 1, digest, path)))
}

/// Of a sample, the folder that has its lock, and its path from there.
fn of_lock(path: &str) -> Option<(&str, &str)> {
    let at = SAMPLES.iter().find_map(|under| path.find(under)).filter(|_| path.ends_with(".json"))?;
    Some((&path[..at], &path[at + 1..]))
}
