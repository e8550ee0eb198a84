//! `make up` builds without dev-dependencies, `make test` with them; a dependency that has other features there
//! is built twice, and so is everything above it. Decision 0002.

use std::{collections::BTreeMap, path::Path, process::Command};

/// The features of every dependency of the workspace, over these kinds of edges.
fn features(edges: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is one folder below the root");
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--offline", "--prefix", "none", "--format", "{p}|{f}", "--edges", edges])
        .current_dir(root)
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let pairs = lines.lines().filter_map(|line| line.trim_end_matches(" (*)").split_once('|'));
    pairs.map(|(package, features)| (package.to_owned(), features.to_owned())).collect()
}

#[test]
fn what_make_up_builds_is_what_make_test_builds() {
    let (up, test) = (features("normal,build"), features("normal,build,dev"));
    assert!(up.len() > 20, "cargo tree lists the workspace's dependencies: {up:?}");
    let twice: Vec<String> = up
        .iter()
        .filter(|(package, features)| test.get(*package) != Some(features))
        .map(|(package, features)| format!("{package}: [{features}] for up, {:?} for test", test.get(package)))
        .collect();
    assert!(twice.is_empty(), "give a crate's normal dependencies the missing features:\n{}", twice.join("\n"));
}
