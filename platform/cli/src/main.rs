//! `bongsu`: starts a system, shows it, steers it. Every part of the platform is a subcommand of this one binary.
//!
//! Start reading at [`args`]; each command has its file.
#![forbid(unsafe_code)]

mod args;
mod place;
mod screen;
mod whole;
mod manifest;
mod new;
mod backup;
mod restore;
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
mod secret;
mod breakers;
mod people;
mod forget;
mod routes;
mod adopt;
mod child;
mod config;
mod broker_process;
mod gateway_process;
mod identity_process;

use std::io::{self, Write};
use std::process::ExitCode;

use bongsu_host::config::ConfigError;
use clap::Parser;
use nix::sys::stat::{Mode, umask};
use tokio::runtime::Builder;

use args::{Args, Asked, Command, Kept, Part, Place};

/// Threads of a part that serves many at once; a laptop has other things to do too.
const WORKERS: usize = 2;

/// Rights that no file made here, or by a child, gives to anybody but its owner.
const OTHERS: u32 = 0o077;

fn main() -> ExitCode {
    umask(Mode::from_bits_truncate(OTHERS));
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(asked) => return not_a_command(&asked),
    };
    let is_child = matches!(args.command, Command::Part(_));
    // Asked last: what a command could not say counts, however well it went.
    match run(args).and_then(|code| screen::printed().map(|()| code)) {
        Ok(code) => code,
        Err(error) => {
            complain(&with_causes(&error));
            match error.downcast_ref::<ConfigError>() {
                Some(refused) if is_child => refused.exit_code().into(),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

/// An error and what caused it, in one line; a cause that it has in its own words is not said again.
fn with_causes(error: &anyhow::Error) -> String {
    error
        .chain()
        .skip(1)
        .map(ToString::to_string)
        .fold(error.to_string(), |line, cause| if line.ends_with(&cause) { line } else { format!("{line}: {cause}") })
}

/// `--help`, `--version`, or a mistake in the command line.
fn not_a_command(asked: &clap::Error) -> ExitCode {
    if let Some(line) = new::wrongly_asked(asked) {
        complain(&line);
        return exit_code(asked);
    }
    match asked.print() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("cannot write to stdout: {error}"));
            ExitCode::FAILURE
        }
        _ => exit_code(asked),
    }
}

fn exit_code(asked: &clap::Error) -> ExitCode {
    ExitCode::from(u8::try_from(asked.exit_code()).unwrap_or(1))
}

/// One line with its causes; a backtrace would hide it.
fn complain(line: &str) {
    // Not eprintln!: that nobody reads must not become a panic.
    let _ = writeln!(io::stderr(), "bongsu: {line}");
}

fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        // With a runtime of its own, as any service.
        Command::Identity => Ok(identity_process::run()),
        Command::Part(part) => {
            let mut runtime = Builder::new_multi_thread();
            runtime.enable_all().worker_threads(WORKERS).build()?.block_on(serve(part))
        }
        Command::Asked(wish) => Builder::new_current_thread().enable_all().build()?.block_on(asked(&args.place, wish)),
    }
}

/// What `up` starts beside the services.
async fn serve(part: Part) -> anyhow::Result<ExitCode> {
    match part {
        Part::Broker => broker_process::run().await,
        Part::Gateway => gateway_process::run().await,
    }
}

/// What somebody at the command line wants: of the processes, or of what they keep.
async fn asked(place: &Place, wish: Asked) -> anyhow::Result<ExitCode> {
    match wish {
        Asked::New(flags) => new::new(place, &flags.what),
        Asked::Up(flags) => up::up(place, &flags).await,
        Asked::Ps(flags) => ps::ps(place, &flags).await,
        Asked::Logs(flags) => logs::logs(place, &flags).await,
        Asked::Start(flags) => steer::steer(place, "start", &flags.names).await,
        Asked::Restart(flags) => steer::steer(place, "restart", &flags.names).await,
        Asked::Kill(flags) => steer::steer(place, "kill", &flags.names).await,
        Asked::Stop(flags) => steer::stop(place, &flags.names).await,
        Asked::Scale(flags) => steer::scale(place, &flags.wishes).await,
        Asked::Secret(flags) => secret::secret(place, &flags).await,
        Asked::Config(flags) => config::config(place, &flags).await,
        Asked::Breakers(flags) => breakers::breakers(place, &flags).await,
        Asked::Routes(flags) => routes::routes(place, &flags).await,
        Asked::Token(flags) => people::token(place, &flags).await,
        Asked::Forget(flags) => forget::forget(place, &flags).await,
        Asked::Backup(flags) => backup::backup(place, &flags).await,
        Asked::Restore(flags) => restore::restore(place, &flags),
        Asked::Adopt(flags) => adopt::adopt(place, &flags).await,
        Asked::Kept(kept) => of_what_is_kept(place, kept).await,
    }
}

/// Facts, events, read models, and what waits for an operator.
async fn of_what_is_kept(place: &Place, kept: Kept) -> anyhow::Result<ExitCode> {
    match kept {
        Kept::Events(flags) => events::events(place, &flags).await,
        Kept::Facts(flags) => facts::facts(place, &flags).await,
        Kept::Projections(flags) => projections::projections(place, &flags).await,
        Kept::Rebuild(flags) => rebuild::rebuild(place, &flags).await,
        Kept::Parked(flags) => parked::parked(place, &flags).await,
        Kept::Unpark(flags) => parked::unpark(place, &flags).await,
        Kept::Snapshot(flags) => snapshot::snapshot(place, &flags).await,
        Kept::Stream(flags) => stream::stream(place, &flags).await,
        Kept::Evict(flags) => evict::evict(place, &flags).await,
        Kept::Republish(flags) => republish::republish(place, &flags).await,
    }
}
