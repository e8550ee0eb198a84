//! `bench`: measures the figures the documentation states, and makes one table of them.
//!
//! Whoever measures prints a row as a line that begins as tables in Markdown do; [`table`] keeps the last whole table in
//! `docs/benchmarks.md`.

mod table;

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{links, pages, stage, up};
use table::Table;

/// The system tests that measure; ignored elsewhere, because a figure needs the machine for itself. By their names in the whole
/// workspace: asked for by their package they would want other features of what others wrote, and build it again.
const FIGURES: &[&str] = &[
    "test",
    "-q",
    "--workspace",
    "--test",
    "figures",
    "--test",
    "carts",
    "--test",
    "stock",
    "--test",
    "journeys",
    "--",
    "--ignored",
    "--nocapture",
    "--test-threads=1",
];

/// What they start beside the system's own programs.
const EXAMPLES: &[&str] = &["build", "-q", "--workspace", "--examples"];

/// The store beside bare SQLite, three seconds each.
const STORE: &[&str] = &["run", "-q", "-p", "bongsu-sqlite", "--example", "throughput", "--", "3"];

/// Which figures.
#[derive(clap::Args)]
pub(crate) struct Bench {
    /// Only the system tests whose names have this in them; the documentation keeps the table it has.
    #[arg(long, value_name = "WORD")]
    only: Option<String>,
}

impl Bench {
    /// Builds the real processes and measures them.
    pub(crate) fn run(self) -> Result<()> {
        up::build()?;
        stage::run("examples", stage::cargo(EXAMPLES))?;
        let Some(word) = self.only else { return all() };
        let mut table = Table::begun();
        let mut figures = stage::cargo(FIGURES);
        let measured = collect("figures", figures.arg(word), &mut table);
        println!("\n{table}");
        measured
    }
}

fn all() -> Result<()> {
    links::run()?;
    pages::figures()?;
    let mut table = Table::begun();
    let figures = collect("figures", &mut stage::cargo(FIGURES), &mut table);
    let measured = figures.and_then(|()| collect("store", &mut stage::cargo(STORE), &mut table));
    println!("\n{table}");
    // A table that lacks rows is no last one.
    measured?;
    table.keep()
}

/// Runs a command, passing its output on and taking the rows out of it.
fn collect(name: &str, command: &mut Command, table: &mut Table) -> Result<()> {
    stage::announce(name);
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("{name}: cannot be started"))?;
    let stdout = child.stdout.take().expect("stdout was asked for as a pipe one line above");
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.with_context(|| format!("{name}: its output cannot be read"))?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        table.take(&line);
    }
    let status = child.wait().with_context(|| format!("{name}: cannot be waited for"))?;
    if !status.success() {
        bail!("{name} failed: {status}");
    }
    Ok(())
}
