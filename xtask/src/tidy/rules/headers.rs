//! Every Rust file says first what it is for.

use crate::tidy::{Report, Tree};

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (path, source) in tree.rust() {
        report.saw_one();
        if !source.text.starts_with("//!") {
            report.found(path, 1, "begins without a `//!` line that says what it is for");
        }
    }
}
