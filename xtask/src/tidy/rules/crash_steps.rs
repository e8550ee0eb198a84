//! The guide to testing lists every named step at which `BONGSU_CRASH_AT` can kill a process.

use crate::tidy::{
    Report, Tree,
    listed::{Places, compare, first_cells},
};

const PAGE: &str = "docs/guides/testing.md";
/// Where the steps are passed.
const PASSED_IN: &str = "framework/bongsu-runtime/src/";

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    let listed = first_cells(tree.text(PAGE).unwrap_or_default(), "Step").into_iter().map(str::to_owned).collect();
    compare(report, "step", PAGE, &listed, &steps(tree));
}

/// The names given to `env.step("…")`.
fn steps(tree: &Tree) -> Places {
    let mut found = Places::new();
    for (path, source) in tree.sources_under(PASSED_IN).filter(|(path, _)| path.ends_with(".rs")) {
        for (line, code) in source.code_lines() {
            for name in code.split(".step(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                found.entry(name.to_owned()).or_insert((path.to_owned(), line));
            }
        }
    }
    found
}
