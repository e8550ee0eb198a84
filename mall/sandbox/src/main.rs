//! Runs the outside world.
#![forbid(unsafe_code)]

use std::{path::PathBuf, process::ExitCode};

use bongsu_host::plain;
use sandbox::serve::Sandbox;
use serde::{Deserialize, Serialize};

/// Its own settings.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    /// The file of the ledger; empty: beside the store it would have if it had one.
    ledger: String,
}

fn main() -> ExitCode {
    plain::main("sandbox", |config, settings: Settings, env| {
        let sandbox = Sandbox::open(&ledger_file(&settings, &config.store), env)?;
        Ok((sandbox.routes(), sandbox.settle_in_time()))
    })
}

fn ledger_file(settings: &Settings, store: &str) -> PathBuf {
    if settings.ledger.is_empty() {
        PathBuf::from(store.trim_start_matches("sqlite:")).with_extension("ledger")
    } else {
        PathBuf::from(&settings.ledger)
    }
}
