//! `demo`: the demonstration, told step by step with what it observes.

use anyhow::Result;

use crate::{stage, up};

/// The system test that is the demonstration.
const DEMO: &[&str] = &["test", "-q", "-p", "system-tests", "--test", "demo", "--", "--nocapture"];

/// Builds the real processes and runs the demonstration on them.
pub(crate) fn run() -> Result<()> {
    up::build()?;
    stage::run("demonstration", stage::cargo(DEMO))
}
