//! The command line.

use std::path::PathBuf;

use clap::{ArgGroup, Args as Flags, Parser, Subcommand, ValueEnum};

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
    #[command(flatten)]
    Asked(Asked),
    #[command(flatten)]
    Part(Part),
    /// Be the identity provider; started by 'up'
    #[command(hide = true)]
    Identity,
}

/// What somebody at the command line wants.
#[derive(Debug, Subcommand)]
pub(crate) enum Asked {
    /// Write a context into this system, or a system of its own with one
    New(Newly),
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
    /// Run so many instances of a service; kept until bongsu.toml says another number
    Scale(Scale),
    #[command(flatten)]
    Kept(Kept),
    /// Show the gateway's breakers and why they opened, or hold those of a service open or closed for a while
    Breakers(Breakers),
    /// Show the configuration that counts, who has taken it and what was refused, or take a commit that needs restarts
    Config(Config),
    /// Print the key of a service or an operator, or renew the secret all keys come from
    Secret(Secret),
    /// Copy one moment of the whole system, running or not, to a new folder
    Backup(Backup),
    /// Lay out a backup as the data folder of a system that is not there yet
    Restore(Restore),
    /// Open a new history of a context whose store is not the one that published: restored, or begun anew
    Adopt(Adopt),
    /// Show where requests go and who may send them, or explain one without sending it
    Routes(Routes),
    /// Print a bearer in the name of somebody, where the identity provider is for trying things
    Token(Token),
    /// Forget somebody for good: what they told is deleted everywhere, and the keys of what is sealed are destroyed
    Forget(Forget),
}

/// Of it, what is about facts, events, read models, and what waits for an operator.
#[derive(Debug, Subcommand)]
pub(crate) enum Kept {
    /// Show what happened: a context's own events, or every public fact of a key, indented by cause
    Events(Events),
    /// Show the public facts of a topic
    Facts(Facts),
    /// Show every read model: its generation, how far behind it is, and a rebuild's progress
    Projections(Projections),
    /// Fold a read model anew from the first fact while it is shown, then show that
    Rebuild(Rebuild),
    /// Show what was put aside after too many failures
    Parked(Json),
    /// Try again what was put aside
    Unpark(Unpark),
    /// Take snapshots now of everything that changed in a context since the last ones
    Snapshot(Snapshot),
    /// Show one stream: its snapshot, how many events are folded, and who did what when
    Stream(Stream),
    /// Give up what was put aside, with a reason; what waits behind it is tried
    Evict(Evict),
    /// Publish a context's facts again, for those who missed some; changes nothing for the others
    Republish(Republish),
}

/// A part of the platform that serves.
#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// Be the broker; started by 'up'
    #[command(hide = true)]
    Broker,
    /// Be the gateway; started by 'up'
    #[command(hide = true)]
    Gateway,
}

#[derive(Debug, Flags)]
pub(crate) struct Newly {
    #[command(subcommand)]
    pub(crate) what: New,
}

#[derive(Debug, Subcommand)]
pub(crate) enum New {
    /// Write a running, tested context beside bongsu.toml and name it there
    Context(NewContext),
    /// Write a workspace of its own with one context, a bongsu.toml and tests
    System(NewSystem),
}

#[derive(Debug, Flags)]
pub(crate) struct NewContext {
    /// Its name, in small letters: gift-card
    pub(crate) name: String,
}

#[derive(Debug, Flags)]
pub(crate) struct NewSystem {
    /// The folder to make
    #[arg(value_name = "NAME")]
    pub(crate) folder: PathBuf,
    /// The name of its first context
    #[arg(long, value_name = "NAME", default_value = "note")]
    pub(crate) context: String,
}

#[derive(Debug, Flags)]
pub(crate) struct Up {
    /// Return as soon as everything is ready, or known not to become it, and leave it running; exit code 1 if something is not
    #[arg(long)]
    pub(crate) detach: bool,
    /// A line to print with the summary, for whoever starts this from a script; may be repeated
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Vec<String>,
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
pub(crate) struct Scale {
    /// Services and how many instances of each, 1 to 64
    #[arg(required = true, value_name = "NAME=N", value_parser = wish)]
    pub(crate) wishes: Vec<(String, u32)>,
}

/// `NAME=N`.
fn wish(text: &str) -> Result<(String, u32), String> {
    let (name, number) = text.split_once('=').ok_or("expected NAME=N")?;
    let number = number.parse().map_err(|_| format!("'{number}' is no number of instances"))?;
    if name.is_empty() { Err("the name is missing".into()) } else { Ok((name.to_owned(), number)) }
}

#[derive(Debug, Flags)]
pub(crate) struct MaybeNames {
    /// Services or instances; default the whole system
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

#[derive(Debug, Flags)]
pub(crate) struct Events {
    /// The context whose events are meant; with --key only its facts are shown
    #[arg(required_unless_present = "key")]
    pub(crate) context: Option<String>,
    /// Every public fact with this partition key, of all contexts (--order says the same)
    #[arg(long, visible_alias = "order")]
    pub(crate) key: Option<String>,
    /// Go on as they happen
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Print one JSON object per line for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Flags)]
pub(crate) struct Facts {
    /// The topic: a context's name
    pub(crate) topic: String,
    /// Only those with this partition key
    #[arg(long, visible_alias = "order")]
    pub(crate) key: Option<String>,
    /// Go on as they happen
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Print one CloudEvent per line for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Flags)]
pub(crate) struct Projections {
    /// The context; default all
    pub(crate) context: Option<String>,
    /// Print JSON for programs
    #[arg(long)]
    pub(crate) json: bool,
    /// Delete the rows of an earlier version that no process has any more
    #[arg(long, value_name = "NAME@VERSION", requires = "context", conflicts_with = "json")]
    pub(crate) drop: Option<String>,
}

#[derive(Debug, Flags)]
pub(crate) struct Rebuild {
    /// The context
    pub(crate) context: String,
    /// The read model, as 'bongsu projections' calls it
    pub(crate) projection: String,
    /// Only compare every row with what is shown, and change nothing
    #[arg(long)]
    pub(crate) check: bool,
    /// End the rebuild or check that is under way; what is shown stays
    #[arg(long, conflicts_with_all = ["check", "detach"])]
    pub(crate) cancel: bool,
    /// Return at once instead of waiting for the end
    #[arg(long)]
    pub(crate) detach: bool,
}

#[derive(Debug, Flags)]
pub(crate) struct Unpark {
    /// The context
    pub(crate) context: String,
    #[command(flatten)]
    pub(crate) which: Which,
    #[command(flatten)]
    pub(crate) by: By,
}

/// What of all that a context has put aside.
#[derive(Debug, Flags)]
pub(crate) struct Which {
    /// What 'bongsu parked' calls it; for unpark default everything of the context
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// What waits for one consumer, process or activity: the second part of an ID
    #[arg(long, value_name = "NAME", conflicts_with = "ids")]
    pub(crate) consumer: Option<String>,
    /// The notes that an adoption of this context left: of facts that were acted on and are orphaned
    #[arg(long, value_name = "CONTEXT", conflicts_with_all = ["ids", "consumer"])]
    pub(crate) adopted: Option<String>,
    /// Only show what would be chosen
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Flags)]
#[command(group = ArgGroup::new("chosen").required(true).args(["ids", "consumer", "adopted", "all"]))]
pub(crate) struct Evict {
    /// The context
    pub(crate) context: String,
    #[command(flatten)]
    pub(crate) which: Which,
    /// The first of everything that the context has put aside; what waits behind it is tried, and may be put aside again
    #[arg(long)]
    pub(crate) all: bool,
    /// Why, in at most 1000 characters; it becomes an event of the context
    #[arg(long, required_unless_present = "dry_run")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) by: By,
}

#[derive(Debug, Flags)]
pub(crate) struct Backup {
    /// Where to; it must not be there, or be empty
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Flags)]
pub(crate) struct Restore {
    /// The backup
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Flags)]
pub(crate) struct Republish {
    /// The context whose facts are meant
    pub(crate) context: String,
    /// Only those of one stream, AGGREGATE/ID as 'bongsu events' shows it
    #[arg(long, value_name = "STREAM")]
    pub(crate) subject: Option<String>,
    /// Why; it becomes an event of the context
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Return at once; it goes on
    #[arg(long)]
    pub(crate) detach: bool,
    #[command(flatten)]
    pub(crate) by: By,
}

#[derive(Debug, Flags)]
pub(crate) struct Adopt {
    /// The context whose store it is
    pub(crate) context: String,
    /// Only show what would be orphaned, and who has applied it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Why; it becomes an event of the context
    #[arg(long, required_unless_present = "dry_run")]
    pub(crate) reason: Option<String>,
    /// Print what a dry run finds as JSON
    #[arg(long, requires = "dry_run")]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) by: By,
}

/// Who acts.
#[derive(Debug, Flags)]
pub(crate) struct By {
    /// Who does this; it becomes an event of the context
    #[arg(long = "as", value_name = "NAME", env = "USER", default_value = "operator")]
    pub(crate) actor: String,
}

#[derive(Debug, Flags)]
#[command(arg_required_else_help = true)]
pub(crate) struct Secret {
    /// Whose key: a service's, to publish under its name, or 'operator'
    #[arg(conflicts_with_all = ["rotate", "drop_old"], required_unless_present_any = ["rotate", "drop_old"])]
    pub(crate) name: Option<String>,
    /// Whom it is shown to: a service, 'broker' or 'gateway'; default the gateway for an operator, else the broker
    #[arg(long, value_name = "NAME", requires = "name")]
    pub(crate) to: Option<String>,
    /// Make a new secret; keys of the one before count until it is dropped
    #[arg(long, conflicts_with = "drop_old")]
    pub(crate) rotate: bool,
    /// Keys of the secret before count no longer
    #[arg(long)]
    pub(crate) drop_old: bool,
}

#[derive(Debug, Flags)]
pub(crate) struct Routes {
    /// What would become of this request
    #[arg(long, num_args = 2, value_names = ["METHOD", "PATH"])]
    pub(crate) explain: Option<Vec<String>>,
    /// As somebody with this role
    #[arg(long = "as", value_name = "ROLE", requires = "explain")]
    pub(crate) as_role: Option<String>,
    /// Which also says this; may be there several times
    #[arg(long = "header", value_name = "NAME: VALUE", requires = "explain")]
    pub(crate) headers: Vec<String>,
}

#[derive(Debug, Flags)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) deed: Option<ConfigDeed>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigDeed {
    /// Take the newest commit although it needs restarts, and start those services again, one instance after the other
    Apply,
    /// Show what can be set of a service: its keys, ranges and defaults, and what is taken while it runs
    Settings {
        /// The service
        #[arg(value_name = "SERVICE")]
        service: String,
    },
}

#[derive(Debug, Flags)]
pub(crate) struct Breakers {
    /// A service with a route; default all
    #[arg(value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    /// Hold its breakers so, or let them be again
    #[arg(long, value_name = "open|closed|auto", requires = "service")]
    pub(crate) force: Option<Force>,
    /// For so long
    #[arg(long, requires = "force", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1_440))]
    pub(crate) minutes: u64,
    /// Print JSON for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a breaker is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Force {
    Open,
    Closed,
    Auto,
}

#[derive(Debug, Flags)]
pub(crate) struct Token {
    /// What they log in with
    #[arg(long = "as", value_name = "PERSON")]
    pub(crate) person: String,
}

#[derive(Debug, Flags)]
pub(crate) struct Forget {
    /// Who: the opaque name, usr_…, that services know them by
    #[arg(value_name = "PERSON")]
    pub(crate) person: String,
    /// Wait so many seconds until nothing is left
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) wait: u64,
}

#[derive(Debug, Flags)]
pub(crate) struct Snapshot {
    /// The context
    pub(crate) context: String,
}

#[derive(Debug, Flags)]
pub(crate) struct Stream {
    /// The context
    pub(crate) context: String,
    /// The stream as 'bongsu events' shows it: AGGREGATE/ID
    pub(crate) stream: String,
    /// Print one JSON object per line for programs: the stream, then its events
    #[arg(long)]
    pub(crate) json: bool,
}
