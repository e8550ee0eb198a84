//! `cargo test -p <a domain>` builds the rules, what tests rules, and nothing that runs them.

use std::{collections::BTreeSet, path::Path, process::Command};

/// Fewer than this many crates, the domain itself among them.
const MOST: usize = 40;
/// What runs rules, of others and of our own.
const NEVER: &[&str] = &["tokio", "axum", "hyper", "rusqlite", "bongsu-runtime", "bongsu-sim", "bongsu-testing"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is one folder below the root")
}

/// Every crate that is built for the tests of a package.
fn built_for(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--prefix", "none", "--edges", "normal,build,dev", "--package", package])
        .args(["--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let crates = lines.lines().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty());
    crates.map(str::to_owned).collect()
}

/// What is wrong with that.
fn faults(package: &str) -> Vec<String> {
    let built = built_for(package);
    let never = NEVER.iter().filter(|name| built.contains(**name)).map(|name| format!("{package} builds {name}"));
    let many = (built.len() >= MOST).then(|| format!("{package} builds {} crates", built.len()));
    never.chain(many).collect()
}

/// The crates of rules: `mall/*/domain`.
fn domains() -> Vec<String> {
    let contexts = std::fs::read_dir(root().join("mall")).expect("the mall is a folder").flatten();
    let rich = contexts.filter(|context| context.path().join("domain/Cargo.toml").is_file());
    rich.map(|context| format!("{}-domain", context.file_name().to_string_lossy())).collect()
}

#[test]
fn the_tests_of_a_domain_build_nothing_that_runs_it() {
    let domains = domains();
    assert!(domains.len() >= 2, "the rich contexts are in the mall: {domains:?}");
    let faults: Vec<String> = domains.iter().flat_map(|domain| faults(domain)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The check above would pass if it saw nothing.
#[test]
fn what_the_tests_of_a_service_build_would_be_seen() {
    let seen = faults("payment");
    assert!(seen.contains(&"payment builds tokio".to_owned()), "{seen:?}");
    assert!(seen.contains(&"payment builds axum".to_owned()), "{seen:?}");
    assert!(seen.iter().any(|fault| fault.ends_with(" crates")), "{seen:?}");
}
