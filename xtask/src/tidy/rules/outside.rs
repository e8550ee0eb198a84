//! Only loopback listens unless configuration says otherwise: no code names the address of every interface.
//! Tests may, to see it refused.

use crate::tidy::{Report, Tree};

const EVERY_INTERFACE: &[&str] = &["0.0.0.0", "[::]", "UNSPECIFIED"];

/// Where the rule itself names them.
const HERE: &str = "xtask/src/tidy/";

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (path, source) in tree.sources_under("") {
        if path.ends_with(".md") || path.starts_with(HERE) {
            continue;
        }
        report.saw_one();
        for (line, code) in source.code_lines() {
            for address in EVERY_INTERFACE.iter().filter(|address| code.contains(**address)) {
                report.found(
                    path,
                    line,
                    format!("`{address}` faces the outside; bind loopback, or what is configured"),
                );
            }
        }
    }
}
