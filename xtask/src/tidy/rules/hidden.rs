//! Nothing of the mall is public and hidden: what only tests of its own need is seen by them, and the rest is not public.

use crate::tidy::{Report, Tree};

const MALL: &str = "mall/";

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (path, source) in tree.sources_under(MALL).filter(|(path, _)| path.ends_with(".rs")) {
        report.saw_one();
        let attribute = |code: &str| code.split_whitespace().collect::<String>().contains("doc(hidden");
        for (line, _) in source.bare_lines().filter(|(_, code)| attribute(code)) {
            report.found(path, line, "`#[doc(hidden)]`: show it, or make it no part of what is public");
        }
    }
}
