//! The command line.

use std::path::PathBuf;

use clap::{Args as Flags, Parser, Subcommand};

/// Runs event-driven services on one machine: starts, heals, shows and stops them.
#[derive(Debug, Parser)]
#[command(name = "bongsu", version, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which system is meant.
#[derive(Debug, Clone, Default, Flags)]
pub(crate) struct Place {
    /// The system's description; default ./bongsu.toml, else the one ./*/bongsu.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The system's data folder; default what bongsu.toml says, else .bongsu beside it
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the system of a bongsu.toml and stay with it; Ctrl-C stops it
    Up(Up),
    /// Show every instance
    Ps(Json),
    /// Show what instances say, all or those named, merged
    Logs(Logs),
    /// Start a stopped service or instance
    Start(Names),
    /// Stop a service or instance and keep it stopped; without a name stop everything
    Stop(MaybeNames),
    /// Stop a service or instance and start it again
    Restart(Names),
    /// Kill a service or instance as kill -9 does; it is started again as after any crash
    Kill(Names),
    /// Be the gateway; started by 'up'
    #[command(hide = true)]
    Gateway,
}

#[derive(Debug, Flags)]
pub(crate) struct Up {
    /// Return as soon as everything is ready, and leave it running
    #[arg(long)]
    pub(crate) detach: bool,
}

#[derive(Debug, Flags)]
pub(crate) struct Json {
    /// Print JSON for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Flags)]
pub(crate) struct Logs {
    /// Services or instances; default all
    pub(crate) names: Vec<String>,
    /// Go on with new lines
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// How many lines of the past
    #[arg(short = 'n', long, default_value_t = 200, value_name = "LINES")]
    pub(crate) tail: usize,
    /// Print {"instance", "line"} for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Flags)]
pub(crate) struct Names {
    /// Services or instances
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

#[derive(Debug, Flags)]
pub(crate) struct MaybeNames {
    /// Services or instances; default the whole system
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
}
