//! The kernel stays small enough to be read in one sitting.

use crate::tidy::{Report, Tree};

const KERNEL: &str = "framework/bongsu-core/src/";
const UNDER: usize = 1_000;

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    let mut lines = 0;
    for (_, source) in tree.sources_under(KERNEL) {
        report.saw_one();
        lines += source.code_lines().filter(|(_, code)| !code.trim().is_empty()).count();
    }
    if lines >= UNDER {
        report.found(KERNEL, 0, format!("{lines} lines of code without comments and tests, under {UNDER} wanted"));
    }
}
