//! A `*-domain` crate is pure: it depends on the kernel, money and serde, and names nothing that does I/O.

use crate::tidy::{
    Report, Tree,
    manifest::{Kind, crates},
    source::has_word,
};

const MAY_DEPEND_ON: &[&str] = &["bongsu-core", "money", "serde"];

/// Words that stand for time, tasks, chance or the machine.
const IMPURE: &[&str] = &[
    "async",
    "await",
    "tokio",
    "futures",
    "rand",
    "SystemTime",
    "Instant",
    "std::time",
    "std::fs",
    "std::net",
    "std::env",
    "std::io",
    "std::process",
    "std::thread",
];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for domain in crates(tree, report).into_iter().filter(|found| found.name.ends_with("-domain")) {
        report.saw_one();
        for (kind, name, _) in domain.dependencies() {
            if kind != Kind::Dev && !MAY_DEPEND_ON.contains(&name) {
                report.found(&domain.path, 0, format!("a domain depends on {MAY_DEPEND_ON:?} only, not on `{name}`"));
            }
        }
        for (path, source) in tree.sources_under(&format!("{}/src/", domain.dir)) {
            for (line, code) in source.bare_lines() {
                for word in IMPURE.iter().filter(|word| has_word(code, word)) {
                    report.found(path, line, format!("`{word}` in a domain: what it needs comes in by Ctx or command"));
                }
            }
        }
    }
}
