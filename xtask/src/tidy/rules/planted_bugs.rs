//! The guide to testing lists every bug that `make sim BUG=…` can plant.

use crate::tidy::{
    Report, Tree,
    listed::{Places, compare, first_cells},
    source::numbered,
};

const PAGE: &str = "docs/guides/testing.md";
/// One row for each: `bug("name", "what it does", "which rule finds it")`.
const ROWS: &str = "tests/tests/sim/planted.rs";

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    let listed = first_cells(tree.text(PAGE).unwrap_or_default(), "`BUG=`").into_iter().map(str::to_owned).collect();
    compare(report, "bug", PAGE, &listed, &bugs(tree));
}

fn bugs(tree: &Tree) -> Places {
    let rows = tree.sources_under(ROWS).flat_map(|(path, source)| {
        numbered(&source.code).filter_map(move |(line, code)| {
            let name = code.trim_start().strip_prefix("bug(\"")?.split('"').next()?;
            Some((name.to_owned(), (path.to_owned(), line)))
        })
    });
    rows.collect()
}
