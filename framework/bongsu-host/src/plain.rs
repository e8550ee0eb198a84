//! The whole `main` of a process that has routes and neither a map nor a store: every convention of this crate, and a clean end.

use std::{error::Error, fmt::Display, io::Write as _, process::ExitCode, sync::Arc, time::Duration};

use axum::{Json, Router, routing::get};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    check_clock,
    config::{
        Config, ConfigError, Loaded, Watch,
        schema::{self, Setting},
    },
    env::TokioEnv,
    health::Health,
    host::Host,
    logs::{Logs, chain},
    pages, revision, server,
    stop::Stop,
};

/// The last lines of the log get so long to be written.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// Why a process does not start.
pub type NotStarted = Box<dyn Error + Send + Sync>;

/// Runs until it is told to stop. `S` is the `[service]` table of the configuration; `routes` gives what is served, and what has
/// to live as long. What keeps it from starting is one line on stderr and the exit code of [`failed`].
pub fn main<S: Serialize + DeserializeOwned, K>(
    name: &'static str,
    routes: impl FnOnce(&Config, S, Arc<TokioEnv>) -> Result<(Router, K), NotStarted>,
) -> ExitCode {
    match run(name, routes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(name, &chain(error.as_ref()), error.downcast_ref()),
    }
}

/// Says why a process has ended, in one line on stderr: exit code 1, or that of what was refused.
pub fn failed(name: &str, why: &dyn Display, refused: Option<&ConfigError>) -> ExitCode {
    // Not eprintln!: with the supervisor gone nobody reads, and that must not become a panic.
    let _ = writeln!(std::io::stderr(), "{name}: {why}");
    refused.map_or(ExitCode::FAILURE, |refused| refused.exit_code().into())
}

fn run<S: Serialize + DeserializeOwned, K>(
    name: &'static str,
    routes: impl FnOnce(&Config, S, Arc<TokioEnv>) -> Result<(Router, K), NotStarted>,
) -> Result<(), NotStarted> {
    let mut loaded = Loaded::from_process(name)?;
    let settings: S = loaded.service()?;
    if loaded.print {
        let printed = std::io::stdout().write_all(loaded.config.to_toml().as_bytes());
        return printed.map_err(|error| format!("cannot write to stdout: {error}").into());
    }
    check_clock()?;
    let logs = Logs::start(&loaded.config)?;
    let registered = schema::settings::<S>(&loaded.config, &[]);
    let watch = Watch::of(&loaded, registered.clone());
    let config = loaded.config;
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = tokio.block_on(async {
        let env = Arc::new(TokioEnv::from_process()?);
        let follow = revision::follow(watch, env.as_ref(), &logs, Loaded::service::<S>, |_, _| Ok(()));
        tokio::select! { biased;
            served = serve(&config, &logs, &registered, env.clone(), |env| routes(&config, settings, env)) => served,
            () = follow => Ok(()),
        }
    });
    tokio.shutdown_timeout(LAST_MOMENT);
    logs.flush(LAST_MOMENT);
    served
}

async fn serve<K>(
    config: &Config,
    logs: &Logs,
    registered: &[Setting],
    env: Arc<TokioEnv>,
    routes: impl FnOnce(Arc<TokioEnv>) -> Result<(Router, K), NotStarted>,
) -> Result<(), NotStarted> {
    // The signals first: a process asked to stop while it starts must not be deaf to it.
    let stop = Stop::from_process()?;
    let bound = server::bind(config.listen).await?;
    let (routes, _kept) = routes(env.clone())?;
    // Operators ask every process what it has put aside; this one never does.
    let routes = routes.route("/bongsu/parked", get(async || Json([(); 0]))).merge(pages::of(config));
    let health = Health::always().under(logs.revision().clone());
    let app = Host::new(config, env, health.clone()).app(routes);
    logs.settings(registered);
    logs.listening(bound.addr());
    logs.ready();
    bound.serve(app, config, &health, &stop).await;
    Ok(())
}
