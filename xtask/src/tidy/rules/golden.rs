//! A sample that was written once is not altered: what was stored or told looks like it for ever.
//!
//! `golden.lock` of a context remembers the digest of each, written by the context's standing tests (`BLESS=1` adds a line,
//! `BLESS=replace:NAME.vN` alters one). Whoever alters a sample alters a line there, too, and a reviewer sees it.

use crate::tidy::{Report, Tree};

// The file and not the crate: the house rules are looked at while the framework does not compile.
#[expect(unreachable_pub, reason = "it is public where it lives")]
#[path = "../../../../framework/bongsu-given/src/digest.rs"]
mod digest;

/// Where contexts are.
const SHELVES: &[&str] = &["mall/", "platform/", "examples/"];
const LOCK: &str = "/golden.lock";
/// Where samples are, below a context.
const SAMPLES: &[&str] = &["golden/", "domain/golden/", "contracts/samples/"];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    let shelves = SHELVES.iter().flat_map(|shelf| tree.under(shelf));
    for file in shelves.filter(|file| file.path.ends_with(LOCK)) {
        let folder = &file.path[..file.path.len() - LOCK.len()];
        let text = file.source.as_ref().map(|source| source.text.as_str()).unwrap_or_default();
        let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
        let known: Vec<(usize, &str, String)> = lines
            .filter_map(|(at, line)| {
                line.split_once(' ').map(|(digest, path)| (at + 1, digest, format!("{folder}/{path}")))
            })
            .collect();
        for (line, expected, path) in &known {
            report.saw_one();
            match tree.text(path) {
                Some(sample) if digest::of(sample.as_bytes()) == *expected => {}
                Some(_) => {
                    report.found(path, 0, "was written once and is altered: restore it, or BLESS=replace:NAME.vN")
                }
                None => report.found(&file.path, *line, format!("{path} was written once and is gone")),
            }
        }
        let samples = SAMPLES.iter().flat_map(|under| paths(tree, format!("{folder}/{under}")));
        for path in samples.filter(|path| path.ends_with(".json") && !known.iter().any(|(_, _, known)| known == path)) {
            report.found(&path, 0, format!("is not in {}: BLESS=1 remembers it", file.path));
        }
    }
}

fn paths(tree: &Tree, under: String) -> Vec<String> {
    tree.under(&under).map(|file| file.path.clone()).collect()
}
