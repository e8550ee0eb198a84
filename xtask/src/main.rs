//! The repository's own commands; the Makefile only calls them.
//!
//! One file per command. Nothing here is shipped, and nothing here may know how a service works inside:
//! a command builds, runs and reads what came out. Start reading at [`test`] and [`tidy`].
#![forbid(unsafe_code)]

mod stage;
mod up;
mod demo;
mod parties;
mod pages;
mod test;
mod check;
mod licences;
mod sim;
mod bench;
mod links;
mod tidy;

use std::process::ExitCode;

use clap::Parser;

/// The repository's own commands.
#[derive(Parser)]
#[command(name = "xtask")]
enum Command {
    /// Build the workspace's binaries and start the system (`bongsu up`).
    Up(up::Up),
    /// Run the demonstration on real processes, printing what it observes.
    Demo,
    /// Check the house rules, then run every test; ends with `N passed, N failed`.
    Test,
    /// Run relying parties and providers that nobody here wrote, against real processes.
    Parties(parties::Parties),
    /// Build the mall's pages, check them, try them in a browser, or look at them.
    Pages(pages::Pages),
    /// Everything CI checks: formatting, lints, house rules, dependencies, tests.
    Check,
    /// Run the simulator over many seeds, or one.
    Sim(sim::Sim),
    /// Measure the figures the documentation states.
    Bench(bench::Bench),
    /// Time how long all binaries take to link.
    Links,
    /// Check the house rules alone.
    Tidy(tidy::Tidy),
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Up(up) => up.run(),
        Command::Demo => demo::run(),
        Command::Test => test::run(),
        Command::Parties(parties) => parties.run(),
        Command::Pages(pages) => pages.run(),
        Command::Check => check::run(),
        Command::Sim(sim) => sim.run(),
        Command::Bench(bench) => bench.run(),
        Command::Links => links::run(),
        Command::Tidy(tidy) => tidy.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
