//! One named step of a command: announced, timed, and the end of the command when it fails.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// How many tests ran, summed over test binaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

/// The repository this binary was built from.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is one folder below the root")
}

/// Says which stage begins.
pub(crate) fn announce(name: &str) {
    println!("── {name}");
}

/// A cargo call in the repository's root, as from a shell. What the cargo that started us says of our own crate is left out: a
/// build script that asks for the same of its crate (ring's does) would run again each time somebody calls cargo himself.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(args).current_dir(root());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command
}

/// Whether a program is there and runs.
pub(crate) fn is_installed(program: &str) -> bool {
    let mut version = Command::new(program);
    version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}

/// Runs a command with our own output and input.
///
/// # Errors
/// When it cannot be started or does not succeed.
pub(crate) fn run(name: &str, mut command: Command) -> Result<()> {
    announce(name);
    let status = command.status().with_context(|| format!("{name}: cannot start {:?}", command.get_program()))?;
    if !status.success() {
        bail!("{name} failed: {status}");
    }
    Ok(())
}

/// Runs test binaries, passing their output on to `out` line by line, and sums what they report.
///
/// A command that fails although no test did (it did not compile, a binary crashed) counts as one failure,
/// so that the sum can never look green.
///
/// # Errors
/// When the command cannot be started or its output cannot be passed on.
pub(crate) fn count_tests(mut command: Command, out: &mut impl Write) -> Result<Tally> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start the tests")?;
    let stdout = child.stdout.take().expect("stdout was asked for as a pipe one line above");
    let mut tally = Tally::default();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.context("reading the tests' output")?;
        tally.add(&String::from_utf8_lossy(&line));
        out.write_all(&line).and_then(|()| out.write_all(b"\n")).context("passing the tests' output on")?;
    }
    let status = child.wait().context("waiting for the tests")?;
    if !status.success() && tally.failed == 0 {
        tally.failed = 1;
    }
    Ok(tally)
}

impl Tally {
    /// Both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }

    /// Adds a result line of libtest, or of Node's test runner as it ends in TAP; other lines change nothing.
    pub(crate) fn add(&mut self, line: &str) {
        match line.strip_prefix("# ").and_then(|line| line.split_once(' ')) {
            Some(("pass", n)) => self.passed += n.parse().unwrap_or(0),
            Some(("fail" | "cancelled", n)) => self.failed += n.parse().unwrap_or(0),
            _ => {}
        }
        let Some((_, counts)) = line.trim().split_once("test result: ") else { return };
        for part in counts.split([';', '.']) {
            match part.trim().split_once(' ') {
                Some((n, "passed")) => self.passed += n.parse().unwrap_or(0),
                Some((n, "failed")) => self.failed += n.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &str) -> Tally {
        let mut tally = Tally::default();
        lines.lines().for_each(|line| tally.add(line));
        tally
    }

    #[test]
    fn results_of_all_binaries_are_summed() {
        let output = "running 2 tests\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test result: FAILED. 5 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s\n";
        assert_eq!(tally(output), Tally { passed: 7, failed: 3 });
    }

    #[test]
    fn results_of_node_count_too_and_what_it_cancelled_failed() {
        let output = "TAP version 13\nok 1 - # pass 9\n1..1\n# tests 7\n# pass 4\n# fail 1\n# cancelled 2\n# skipped 3\n# todo 0\n";
        assert_eq!(tally(output), Tally { passed: 4, failed: 3 });
    }

    #[test]
    fn a_result_after_unfinished_output_still_counts() {
        assert_eq!(tally("....test result: ok. 4 passed; 0 failed; 0 ignored"), Tally { passed: 4, failed: 0 });
    }

    #[test]
    fn a_line_that_is_no_result_counts_nothing() {
        assert_eq!(tally("test a_test ... ok\n12 passed the gate"), Tally::default());
    }

    #[test]
    fn a_command_that_fails_without_a_failed_test_is_one_failure() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 'test result: ok. 1 passed; 0 failed'; exit 3"]);
        // Not to our own stdout: whoever counts these tests would count that line too.
        let mut out = Vec::new();
        assert_eq!(count_tests(command, &mut out).expect("sh runs"), Tally { passed: 1, failed: 1 });
        assert_eq!(out, b"test result: ok. 1 passed; 0 failed\n");
    }
}
