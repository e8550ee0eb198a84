//! Runs the outside world.
#![forbid(unsafe_code)]

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use axum::{Json, routing::get};
use bongsu_host::{TokioEnv, config::Loaded, health::Health, host::Host, logs::Logs, pages, server, stop::Stop};
use sandbox::serve::Sandbox;
use serde::{Deserialize, Serialize};

/// Its own settings.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    /// The file of the ledger; empty: beside the store it would have if it had one.
    ledger: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not eprintln!: that nobody reads must not become a panic.
            let _ = writeln!(std::io::stderr(), "sandbox: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let mut loaded = Loaded::from_process("sandbox")?;
    let settings: Settings = loaded.service()?;
    if loaded.print {
        return std::io::stdout().write_all(loaded.config.to_toml().as_bytes()).context("cannot write to stdout");
    }
    let config = loaded.config;
    let logs = Logs::start(&config)?;
    let env = Arc::new(TokioEnv::from_process()?);
    let stop = Stop::from_process().context("signals cannot be heard")?;
    let sandbox = Sandbox::open(&ledger_file(&settings, &config.store), env.clone())?;
    let _settling = sandbox.settle_in_time();
    let health = Health::always();
    // Operators ask every process what it has put aside; this one never does.
    let routes = sandbox.routes().route("/bongsu/parked", get(async || Json([(); 0])));
    let routes = routes.merge(pages::routes(&config.name, Path::new(&config.pages)));
    let app = Host::new(&config, env, health.clone()).app(routes);
    let bound = server::bind(config.listen).await?;
    logs.listening(bound.addr());
    logs.ready();
    bound.serve(app, &config, &health, &stop).await;
    logs.flush(std::time::Duration::from_secs(1));
    Ok(())
}

fn ledger_file(settings: &Settings, store: &str) -> PathBuf {
    if settings.ledger.is_empty() {
        PathBuf::from(store.trim_start_matches("sqlite:")).with_extension("ledger")
    } else {
        PathBuf::from(&settings.ledger)
    }
}
