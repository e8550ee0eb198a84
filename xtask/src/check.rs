//! `check`: what CI checks, in the order that fails soonest.

use anyhow::Result;

use crate::{licences, parties, stage, test};

/// Formatting, lints and dependencies, then everything `test` runs.
pub(crate) fn run() -> Result<()> {
    if let Err(error) = before_tests() {
        eprintln!("{error:#}");
        println!("0 passed, 1 failed");
        std::process::exit(1);
    }
    test::run()
}

fn before_tests() -> Result<()> {
    stage::run("format", stage::cargo(&["fmt", "--all", "--check"]))?;
    stage::run("format parties", stage::cargo(&["fmt", "--manifest-path", parties::MANIFEST, "--check"]))?;
    stage::run("lint", stage::cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))?;
    dependencies()
}

/// `cargo deny` also knows advisories, which need its database; without it, what the lock file alone can tell.
fn dependencies() -> Result<()> {
    if stage::is_installed("cargo-deny") {
        return stage::run("dependencies", stage::cargo(&["deny", "--all-features", "check"]));
    }
    stage::announce("dependencies (cargo-deny is not installed: licences, bans and sources only, no advisories)");
    licences::check(stage::root())
}
