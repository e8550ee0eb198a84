//! The runtime names no store, broker or web crate and no clock: it only knows its ports.

use crate::tidy::{Report, Tree};

const RUNTIME: &str = "framework/bongsu-runtime/";

/// Looked for in lower case, strings included; comments may compare with them.
const FOREIGN: &[&str] = &["sqlite", "postgres", "kafka", "axum", "tokio::time", "tokio::net", "tokio::spawn"];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (path, source) in tree.sources_under(RUNTIME).filter(|(path, _)| !path.ends_with(".md")) {
        report.saw_one();
        for (line, code) in source.code_lines() {
            let code = code.to_lowercase();
            for name in FOREIGN.iter().filter(|name| code.contains(**name)) {
                report.found(
                    path,
                    line,
                    format!("`{name}` below the ports: the runtime knows Store, Broker and Env only"),
                );
            }
        }
    }
}
