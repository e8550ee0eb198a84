//! The versions of a message form a chain of single hops; `cargo check` itself refuses a hole.

use std::{fs, path::Path, process::Command};

const MANIFEST: &str = r#"
[package]
name = "CRATE"
version = "0.0.0"
edition = "2024"

[dependencies]
bongsu-core = { path = "CORE" }

[workspace]
"#;

/// Version 1 of a message and, made from it, version `SECOND`.
const SOURCE: &str = r#"
use bongsu_core::message;

#[message("person.moved", version = 1)]
pub struct MovedV1 { pub to: String }

#[message("NAME", version = SECOND, from = MovedV1)]
pub struct Moved { pub street: String }

impl From<MovedV1> for Moved {
    fn from(old: MovedV1) -> Self {
        Self { street: old.to }
    }
}
"#;

/// Messages that are said wrong, each by what the compiler says and where.
const WRONG: &str = r#"
use bongsu_core::{Messages, message};
#[message("person.moved", version = 1, key = who)]
pub struct Moved { pub person: String }
#[message("moved", version = 1)]
pub struct Unnamed {}
#[derive(Messages)]
pub enum Said { Moved(Moved), Nothing }
"#;

/// Checks a crate whose newest version follows version 1; `Err` with what the compiler said.
fn cargo_check(name: &str, second: u32) -> Result<(), String> {
    check_crate(
        &format!("{}-{second}", name.replace('.', "-")),
        &SOURCE.replace("NAME", name).replace("SECOND", &second.to_string()),
    )
}

/// Checks a crate of this name and text.
fn check_crate(name: &str, source: &str) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is one folder below the root");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |path: &str, text: &str| fs::write(folder.path().join(path), text).expect("the crate can be written");
    fs::create_dir(folder.path().join("src")).expect("the crate can be written");
    // A name of its own: cargo tells two root packages apart by name, not by where they lie.
    let manifest = MANIFEST.replace("CRATE", name);
    write("Cargo.toml", &manifest.replace("CORE", &root.join("framework/bongsu-core").display().to_string()));
    write("src/lib.rs", source);
    fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).expect("the lock file can be copied");
    // Its own target folder: the outer cargo may hold the lock of ours. Kept, so that only the first run is slow.
    let output = Command::new(env!("CARGO"))
        .args(["check", "--quiet", "--offline", "--target-dir", concat!(env!("CARGO_TARGET_TMPDIR"), "/hops")])
        .current_dir(folder.path())
        .output()
        .expect("cargo can be started");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// What the compiler says about a hole.
const HOLE: &str = "a version is made from the version just before it, under the same name";

#[test]
fn a_chain_without_a_hole_passes_cargo_check() {
    assert_eq!(cargo_check("person.moved", 2), Ok(()));
}

#[test]
fn a_missing_hop_fails_cargo_check() {
    let said = cargo_check("person.moved", 3).expect_err("version 3 does not follow version 1");
    assert!(said.contains(HOLE), "{said}");
}

#[test]
fn a_hop_to_another_name_fails_cargo_check() {
    let said = cargo_check("person.left", 2).expect_err("a chain has one name");
    assert!(said.contains(HOLE), "{said}");
}

#[test]
fn what_is_said_wrong_is_answered_where_it_stands() {
    let said = check_crate("said-wrong", WRONG).expect_err("it is said wrong");
    for (sentence, place) in [
        ("`Moved` has no field `who`, it has `person`", "src/lib.rs:3:46"),
        ("a wire name is two words in kebab-case with a dot between: `account.opened`", "src/lib.rs:5:11"),
        ("a variant of messages holds one: `Nothing(…)`", "src/lib.rs:8:31"),
    ] {
        let (_, after) = said.split_once(sentence).unwrap_or_else(|| panic!("{sentence} is not in {said}"));
        assert!(after.lines().nth(1).is_some_and(|line| line.ends_with(place)), "{sentence} not at {place}: {said}");
    }
    assert!(!said.contains("cannot find type `Moved`"), "the item stands beside its error: {said}");
}
