//! `test`: the house rules, then every test of the workspace, cheapest stage first.

use anyhow::{Result, bail};

use crate::{
    pages, parties,
    stage::{self, Tally},
    tidy, up,
};

/// Runs the stages and ends with the line `N passed, N failed`.
pub(crate) fn run() -> Result<()> {
    let outcome = stages();
    let tally = match &outcome {
        Ok(tally) => *tally,
        Err(error) => {
            eprintln!("{error:#}");
            Tally { passed: 0, failed: 1 }
        }
    };
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed > 0 || tally.passed == 0 {
        std::process::exit(1);
    }
    Ok(())
}

/// Tidy takes a second; the binaries must exist before the tests that start them as processes. Tests run
/// in one cargo call, because leaving a package out would build shared dependencies with other features; the parties, which
/// have a workspace of their own, come last.
fn stages() -> Result<Tally> {
    tidy::stage()?;
    up::build()?;
    stage::announce("test");
    let tests = stage::cargo(&["test", "--workspace", "--no-fail-fast"]);
    let tally = stage::count_tests(tests, &mut std::io::stdout())?;
    if tally == Tally::default() {
        bail!("no test ran");
    }
    let parties = parties::stage(None).unwrap_or_else(|error| {
        eprintln!("{error:#}");
        Tally { passed: 0, failed: 1 }
    });
    let pages = pages::stage().unwrap_or_else(|error| {
        eprintln!("{error:#}");
        Tally { passed: 0, failed: 1 }
    });
    Ok(tally.and(parties).and(pages))
}
