//! Nothing half done is committed: no unwrap outside tests, no silenced lint, no promise for later.

use crate::tidy::{
    Report, Tree,
    source::{has_word, numbered},
};

/// Words of a comment; broken into halves, so that this file does not find itself.
const PROMISES: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (path, source) in tree.rust() {
        report.saw_one();
        for (line, text) in numbered(&source.comments) {
            for promise in PROMISES.iter().filter(|promise| has_word(text, promise)) {
                report.found(path, line, format!("`{promise}`: finish it, or say so in the change"));
            }
        }
        for (line, code) in numbered(&source.bare) {
            if code.contains("#[allow(") || code.contains("#![allow(") {
                report.found(path, line, "`allow` outlives its reason: use `expect(…, reason = …)`");
            }
            for stub in ["todo!", "unimplemented!"].iter().filter(|stub| code.contains(**stub)) {
                report.found(path, line, format!("`{stub}` panics where work should be"));
            }
        }
        for (line, _) in source.bare_lines().filter(|(_, code)| path.contains("src/") && code.contains(".unwrap()")) {
            report.found(path, line, "`unwrap` outside tests: return the error, or `expect` why it cannot fail");
        }
    }
}
