//! Every Rust file is in a module tree: one that no `mod` names is neither compiled nor run, and nobody notices.

use std::collections::BTreeMap;

use crate::tidy::{
    Report, Tree,
    source::{Source, has_word},
};

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    let sources: BTreeMap<&str, &Source> = tree.rust().collect();
    for path in sources.keys() {
        let Some((folder, name)) = path.strip_suffix(".rs").and_then(|path| path.rsplit_once('/')) else { continue };
        if is_root(folder, name) {
            continue;
        }
        report.saw_one();
        // Named by the file of its folder, or by a root beside it.
        let parents = [format!("{folder}.rs"), format!("{folder}/lib.rs"), format!("{folder}/main.rs")];
        let names_it = |parent: &String| {
            let parent = sources.get(parent.as_str());
            parent.is_some_and(|it| it.code.lines().any(|line| line.contains("mod ") && has_word(line, name)))
        };
        if !parents.iter().any(names_it) {
            report.found(path, 0, format!("no `mod {name};` in any of {parents:?}: it is never compiled"));
        }
    }
}

/// Whether cargo compiles it without being told.
fn is_root(folder: &str, name: &str) -> bool {
    let last = folder.rsplit('/').next().unwrap_or(folder);
    let alone = ["bin", "examples", "benches", "tests"].contains(&last);
    alone || ["lib", "main", "build"].contains(&name)
}
