//! The repository holds source: nothing big, nothing left over from work.

use crate::tidy::{Report, Tree};

const MAX_BYTES: u64 = 1 << 20;

const LEFT_OVER: &[&str] =
    &[".log", ".orig", ".rej", ".bak", ".swp", ".tmp", ".pid", ".sqlite", ".db", "~", "nohup.out"];

/// Names of working papers, in lower case and without `.md` or `.txt`.
const PAPERS: &[&str] = &["plan", "notes", "progress", "scratch", "status", "summary", "report", "checklist"];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for file in tree.files() {
        report.saw_one();
        if file.size > MAX_BYTES {
            report.found(&file.path, 0, format!("{} bytes, at most {MAX_BYTES}", file.size));
        }
        let name = file.path.rsplit('/').next().unwrap_or(&file.path).to_lowercase();
        if LEFT_OVER.iter().any(|end| name.ends_with(end)) || is_paper(&name) {
            report.found(
                &file.path,
                0,
                "left over from work: a decision goes to docs/decisions, a change to CHANGELOG.md",
            );
        }
    }
}

fn is_paper(name: &str) -> bool {
    let stem = name.strip_suffix(".md").or_else(|| name.strip_suffix(".txt"));
    stem.is_some_and(|stem| PAPERS.iter().any(|paper| stem.split(['-', '_', '.']).any(|part| part == *paper)))
}
