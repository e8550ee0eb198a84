//! `bench`: measures the figures the documentation states.

use anyhow::Result;

use crate::{links, pages, stage, up};

/// The system test that measures; ignored elsewhere, because a figure needs the machine for itself.
const FIGURES: &[&str] = &[
    "test",
    "-q",
    "-p",
    "system-tests",
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

/// Builds the real processes and measures them.
pub(crate) fn run() -> Result<()> {
    up::build()?;
    links::run()?;
    pages::figures()?;
    stage::run("figures", stage::cargo(FIGURES))
}
