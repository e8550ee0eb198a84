//! What is tested is what runs: no wrong code in the runtime, planted or else, and nothing of the framework that a build can
//! switch. The simulator breaks rules from outside, by wrapping the store and the broker.

use crate::tidy::{
    Report, Tree,
    manifest::{Kind, crates},
    source::has_word,
};

const FRAMEWORK: &str = "framework/";
const RUNTIME: &str = "framework/bongsu-runtime/src/";
/// The crate that has the wrong code, for tests.
const SIMULATOR: &str = "bongsu-sim";
/// What a build may ask: whether it is a test's, and for which machine.
const MAY_ASK: &[&str] = &["cfg(test)", "cfg(unix)", "cfg(windows)", "cfg(target_os", "cfg(not(test)"];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (path, source) in tree.sources_under(RUNTIME) {
        report.saw_one();
        for (line, code) in source.code_lines().filter(|(_, code)| code.to_lowercase().contains("planted")) {
            report.found(path, line, format!("`{}`: a planted bug is a wrapper of the simulator", code.trim()));
        }
    }
    for (path, source) in tree.sources_under(FRAMEWORK).filter(|(path, _)| path.contains("/src/")) {
        for (line, code) in source.code_lines().filter(|(_, code)| asks_the_build(code)) {
            report.found(path, line, format!("`{}`: what is tested is what runs", code.trim()));
        }
    }
    for found in crates(tree, report) {
        let is_binary = ["src/main.rs", "src/bin"].iter().any(|it| tree.exists(&format!("{}/{it}", found.dir)));
        if is_binary && found.dependencies().iter().any(|(kind, name, _)| *kind != Kind::Dev && *name == SIMULATOR) {
            report.found(&found.path, 0, format!("is a binary with {SIMULATOR}, which has wrong code"));
        }
        if found.dir.starts_with(FRAMEWORK) && found.manifest.contains_key("features") {
            report.found(&found.path, 0, "has features: what is tested is what runs");
        }
    }
}

/// Whether a line is compiled, or says something, as the build asks for.
fn asks_the_build(code: &str) -> bool {
    let asks =
        ["cfg", "cfg!", "cfg_attr"].iter().any(|word| has_word(code, word) && code.contains(&format!("{word}(")));
    asks && !MAY_ASK.iter().any(|ask| code.contains(ask))
}
