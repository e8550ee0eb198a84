//! `up`: build what the system is made of, then become it.

use std::{os::unix::process::CommandExt, process::Command};

use anyhow::{Context, Result};

use crate::{pages, stage};

/// Arguments for `bongsu up`, passed on as they are.
#[derive(clap::Args)]
pub(crate) struct Up {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

impl Up {
    /// Builds every binary and the pages, and replaces this process by `bongsu up`, so that signals reach it directly.
    pub(crate) fn run(self) -> Result<()> {
        build()?;
        let left_out = pages::build()?.map(|note| format!("--note={note}"));
        let bongsu = bongsu()?;
        let error = Command::new(&bongsu).arg("up").args(left_out).args(self.args).current_dir(stage::root()).exec();
        Err(error).with_context(|| format!("cannot start {}", bongsu.display()))
    }
}

/// Builds every binary of the workspace, with the feature set every other command uses.
pub(crate) fn build() -> Result<()> {
    stage::run("build", stage::cargo(&["build", "--workspace", "--bins"]))
}

/// The `bongsu` binary: beside our own, wherever the target folder is.
pub(crate) fn bongsu() -> Result<std::path::PathBuf> {
    Ok(std::env::current_exe().context("where am I?")?.with_file_name("bongsu"))
}
