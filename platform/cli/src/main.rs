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
mod routes;
mod adopt;
mod child;
mod broker_process;
mod gateway_process;
mod identity_process;

use std::io::{self, Write};
use std::process::ExitCode;

use bongsu_host::config::ConfigError;
use clap::Parser;
use nix::sys::stat::{Mode, umask};
use tokio::runtime::{Builder, Runtime};

use args::{Args, Command, Place};

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
    if matches!(args.command, Command::Identity) {
        return identity_process::run();
    }
    let is_child = matches!(args.command, Command::Broker | Command::Gateway);
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
    match asked.print() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("cannot write to stdout: {error}"));
            ExitCode::FAILURE
        }
        _ => ExitCode::from(u8::try_from(asked.exit_code()).unwrap_or(1)),
    }
}

/// One line with its causes; a backtrace would hide it.
fn complain(line: &str) {
    // Not eprintln!: that nobody reads must not become a panic.
    let _ = writeln!(io::stderr(), "bongsu: {line}");
}

/// Many threads for a part that serves, one for a command that asks.
fn runtime(command: &Command) -> io::Result<Runtime> {
    let mut runtime = match command {
        Command::Gateway | Command::Broker => Builder::new_multi_thread(),
        _ => Builder::new_current_thread(),
    };
    runtime.enable_all().worker_threads(WORKERS).build()
}

fn run(args: Args) -> anyhow::Result<ExitCode> {
    let place = args.place;
    runtime(&args.command)?.block_on(async {
        match args.command {
            Command::Broker => broker_process::run().await,
            Command::Gateway => gateway_process::run().await,
            command => asked(&place, command).await,
        }
    })
}

/// What somebody at the command line wants: of the processes, or of what they keep.
async fn asked(place: &Place, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::New(flags) => new::new(place, &flags.what),
        Command::Up(flags) => up::up(place, &flags).await,
        Command::Ps(flags) => ps::ps(place, &flags).await,
        Command::Logs(flags) => logs::logs(place, &flags).await,
        Command::Start(flags) => steer::steer(place, "start", &flags.names).await,
        Command::Restart(flags) => steer::steer(place, "restart", &flags.names).await,
        Command::Kill(flags) => steer::steer(place, "kill", &flags.names).await,
        Command::Stop(flags) => steer::stop(place, &flags.names).await,
        Command::Scale(flags) => steer::scale(place, &flags.wishes).await,
        Command::Secret(flags) => secret::secret(place, &flags).await,
        Command::Breakers(flags) => breakers::breakers(place, &flags).await,
        Command::Routes(flags) => routes::routes(place, &flags).await,
        Command::Token(flags) => people::token(place, &flags).await,
        Command::Backup(flags) => backup::backup(place, &flags).await,
        Command::Restore(flags) => restore::restore(place, &flags),
        Command::Adopt(flags) => adopt::adopt(place, &flags).await,
        kept => of_what_is_kept(place, kept).await,
    }
}

/// Facts, events, read models, and what waits for an operator.
async fn of_what_is_kept(place: &Place, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Events(flags) => events::events(place, &flags).await,
        Command::Facts(flags) => facts::facts(place, &flags).await,
        Command::Projections(flags) => projections::projections(place, &flags).await,
        Command::Rebuild(flags) => rebuild::rebuild(place, &flags).await,
        Command::Parked(flags) => parked::parked(place, &flags).await,
        Command::Unpark(flags) => parked::unpark(place, &flags).await,
        Command::Snapshot(flags) => snapshot::snapshot(place, &flags).await,
        Command::Stream(flags) => stream::stream(place, &flags).await,
        Command::Evict(flags) => evict::evict(place, &flags).await,
        Command::Republish(flags) => republish::republish(place, &flags).await,
        other => anyhow::bail!("{other:?} is no command for here"),
    }
}
