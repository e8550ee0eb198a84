//! `bongsu broker`: the embedded broker as a child of the supervisor.

use std::process::ExitCode;

use anyhow::{Context, Result};
use bongsu_broker::server::{self, Config};

use crate::child::Child;

/// Serves until asked to stop.
pub(crate) async fn run() -> Result<ExitCode> {
    let child = Child::start("broker")?;
    let config = &child.loaded.config;
    let file = config.store.strip_prefix("sqlite:").context("the broker's store must be a sqlite: URL")?;
    let announce = |address| {
        child.logs.listening(address);
        child.logs.ready();
    };
    let asked = async {
        child.stop.asked().await;
    };
    let keys = config.open_keys()?;
    let server = Config { hosts: config.host_names(), ..Config::new(config.listen, file) }.with_keys(keys);
    server::run(server, announce, asked).await?;
    Ok(ExitCode::SUCCESS)
}
