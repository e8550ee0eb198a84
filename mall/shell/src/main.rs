//! Runs the shell.
#![forbid(unsafe_code)]

use std::{io::Write as _, path::Path, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::{Json, routing::get};
use bongsu_host::{TokioEnv, config::Loaded, health::Health, host::Host, logs::Logs, pages, server, stop::Stop};
use serde::{Deserialize, Serialize};
use shell::frame;

/// The last lines of the log get so long to be written.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// It has no settings of its own.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NoSettings {}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not eprintln!: that nobody reads must not become a panic.
            let _ = writeln!(std::io::stderr(), "shell: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let mut loaded = Loaded::from_process("shell")?;
    let _: NoSettings = loaded.service()?;
    if loaded.print {
        return std::io::stdout().write_all(loaded.config.to_toml().as_bytes()).context("cannot write to stdout");
    }
    let config = loaded.config;
    let logs = Logs::start(&config)?;
    let env = Arc::new(TokioEnv::from_process()?);
    let stop = Stop::from_process().context("signals cannot be heard")?;
    let folder = Path::new(&config.pages);
    let health = Health::always();
    // Operators ask every process what it has put aside; this one never does.
    let routes = pages::routes(&config.name, folder).merge(frame::routes(folder));
    let routes = routes.route("/bongsu/parked", get(async || Json([(); 0])));
    let app = Host::new(&config, env, health.clone()).app(routes);
    let bound = server::bind(config.listen).await?;
    logs.listening(bound.addr());
    logs.ready();
    bound.serve(app, &config, &health, &stop).await;
    logs.flush(LAST_MOMENT);
    Ok(())
}
