//! `bongsu`: starts a system, shows it, steers it. Every part of the platform is a subcommand of this one binary.
//!
//! Start reading at [`args`]; each command has its file.
#![forbid(unsafe_code)]

mod args;
mod place;
mod screen;
mod up;
mod ps;
mod steer;
mod logs;
mod operator;
mod tail;
mod causes;
mod events;
mod facts;
mod parked;
mod snapshot;
mod stream;
mod projections;
mod rebuild;
mod evict;
mod republish;
mod child;
mod broker_process;
mod gateway_process;

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Builder;

use args::{Args, Command};

/// Threads of a part that serves many at once; a laptop has other things to do too.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(code) => code,
        Err(error) => {
            // One line with its causes; a backtrace would hide it.
            eprintln!("bongsu: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> anyhow::Result<ExitCode> {
    let place = args.place;
    let mut runtime = match args.command {
        Command::Gateway | Command::Broker => Builder::new_multi_thread(),
        _ => Builder::new_current_thread(),
    };
    runtime.enable_all().worker_threads(WORKERS).build()?.block_on(async {
        match args.command {
            Command::Up(flags) => up::up(&place, &flags).await,
            Command::Ps(flags) => ps::ps(&place, &flags).await,
            Command::Logs(flags) => logs::logs(&place, &flags).await,
            Command::Start(flags) => steer::steer(&place, "start", &flags.names).await,
            Command::Restart(flags) => steer::steer(&place, "restart", &flags.names).await,
            Command::Kill(flags) => steer::steer(&place, "kill", &flags.names).await,
            Command::Stop(flags) if flags.names.is_empty() => steer::stop_everything(&place).await,
            Command::Stop(flags) => steer::steer(&place, "stop", &flags.names).await,
            Command::Scale(flags) => steer::scale(&place, &flags.wishes).await,
            Command::Events(flags) => events::events(&place, &flags).await,
            Command::Facts(flags) => facts::facts(&place, &flags).await,
            Command::Projections(flags) => projections::projections(&place, &flags).await,
            Command::Rebuild(flags) => rebuild::rebuild(&place, &flags).await,
            Command::Parked(flags) => parked::parked(&place, &flags).await,
            Command::Unpark(flags) => parked::unpark(&place, &flags).await,
            Command::Snapshot(flags) => snapshot::snapshot(&place, &flags).await,
            Command::Stream(flags) => stream::stream(&place, &flags).await,
            Command::Evict(flags) => evict::evict(&place, &flags).await,
            Command::Republish(flags) => republish::republish(&place, &flags).await,
            Command::Broker => broker_process::run().await,
            Command::Gateway => gateway_process::run().await,
        }
    })
}
