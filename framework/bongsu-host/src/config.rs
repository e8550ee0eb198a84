//! Typed configuration: file < environment < flags. An unknown key is an error with its path and a
//! suggestion, because a setting that is silently ignored is worse than a process that does not start.
//!
//! The keys are the fields of [`Config`], dotted (`limits.body_bytes`); the environment variable of a key is
//! `BONGSU_` and the key in capitals with underscores (`BONGSU_LIMITS_BODY_BYTES`); the flag of any key is
//! `--set limits.body_bytes=1024`. What the service itself wants lives under `[service]`.

use std::{
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use bongsu_keys::{Keys, KeysError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use toml::Table;

use crate::directory::{Directory, NoDirectory};

mod address;
mod committed;
mod layers;
mod moment;
mod probe;
mod range;
mod retention;
pub mod schema;
mod secret;
mod show;
mod sources;
mod watch;

use address::address;
use committed::{Stamp, Unusable};
use layers::Layer;
pub use moment::{time_of_day, time_zone};
pub use range::within;
pub use retention::Retention;
pub use secret::secret;
use sources::Sources;
pub use watch::{Refused, Watch};

/// Everything around a service that can be set from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The context's name. Fixed by the binary; a file that names another one is refused.
    pub name: String,
    /// Name of this instance, stable over restarts: leases are taken back at once by the same slot.
    /// Default `<name>-1`.
    pub slot: String,
    /// Where to listen. Default `127.0.0.1:0`: loopback, any free port, announced on stdout.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// The store's URL. Default `sqlite:./data/<name>.db`.
    pub store: String,
    /// The broker's URL: `http://127.0.0.1:PORT` of a running one, or `embedded:PATH` for one inside this
    /// process, so that a service runs alone. Default `embedded:./data/<name>-broker.db`.
    pub broker: String,
    /// The file with the keys of this process, written by whoever starts a system. Default none: it recognises nobody,
    /// believes whoever reaches it, and so listens on loopback only.
    pub keys: String,
    /// Names this process is reached by beside IP addresses and `localhost`, separated by commas: a request for any
    /// other name is refused. Default none.
    pub hosts: String,
    /// The folder with this context's built pages, see [`crate::pages`]. Default none: it has no pages.
    pub pages: String,
    /// The file that says where those are whom this service asks, see [`crate::directory`]. Default none: their names are hosts.
    pub directory: String,
    /// A PEM file with certificates that activities believe of an `https` address beside the machine's own. Default none.
    pub trust: String,
    /// Partitions of the context's topic; never changes once there are facts. Default 8.
    #[serde(deserialize_with = "within::<_, _, 1, 1_024>")]
    pub partitions: u32,
    /// Activities in work at once in this instance. Default 32.
    #[serde(deserialize_with = "within::<_, _, 1, 65_536>")]
    pub activity_concurrency: usize,
    /// How long the broker keeps this context's facts. Default -1: for ever, or as the broker was told before.
    pub retention_ms: Retention,
    /// How many bytes of them it keeps at least in each partition, the newest. Default -1: all, or as the broker was
    /// told before.
    pub retention_bytes: Retention,
    /// What is logged, as `tracing`'s directives. Default `info`.
    pub log: String,
    /// Deployment colour, shown in `/info`. Default `blue`.
    pub colour: String,
    /// Configuration revision, shown in `/info`. Default: a digest of the effective configuration.
    pub revision: String,
    /// Bounds on what a client may ask for.
    pub limits: Limits,
    /// How the process ends.
    pub shutdown: Shutdown,
    /// The service's own settings, see [`Config::service`].
    pub service: Table,
}

/// Bounds on what a client may ask for. Durations are milliseconds. Each has a range; what is outside keeps the process
/// from starting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Largest request body; more is 413. Default 262 144.
    #[serde(deserialize_with = "within::<_, _, 1, 1_073_741_824>")]
    pub body_bytes: usize,
    /// Deepest nesting of a JSON body. Default 32.
    #[serde(deserialize_with = "within::<_, _, 1, 120>")]
    pub json_depth: usize,
    /// Largest request head (target and headers); more is 431. Default 16 384.
    #[serde(deserialize_with = "within::<_, _, 1_024, 1_048_576>")]
    pub header_bytes: usize,
    /// A connection that has not sent a whole head after so long is closed. Default 5 000.
    #[serde(deserialize_with = "within::<_, _, 1, 3_600_000>")]
    pub header_timeout_ms: u64,
    /// A request not answered after so long gets 503; streams are not counted. Default 10 000.
    #[serde(deserialize_with = "within::<_, _, 1, 86_400_000>")]
    pub request_timeout_ms: u64,
    /// An answer of which a client takes nothing for so long ends. Default 60 000.
    #[serde(deserialize_with = "within::<_, _, 1, 3_600_000>")]
    pub send_timeout_ms: u64,
    /// Connections at once; one more is answered 503 and closed. Default 2 048.
    #[serde(deserialize_with = "within::<_, _, 1, 1_048_576>")]
    pub max_connections: usize,
    /// Requests at once; one more gets 503. Default 512.
    #[serde(deserialize_with = "within::<_, _, 1, 1_048_576>")]
    pub concurrency: usize,
    /// Open streams of server-sent events; one more gets 503. Default 256.
    #[serde(deserialize_with = "within::<_, _, 1, 1_048_576>")]
    pub streams: usize,
}

/// How the process ends: unready, a short wait so that callers notice, then drained. Milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shutdown {
    /// Still served after becoming unready. Default 100.
    #[serde(deserialize_with = "within::<_, _, 0, 600_000>")]
    pub unready_ms: u64,
    /// Connections on which nothing is asked stay open so much longer, for one last request. Default 0.
    #[serde(deserialize_with = "within::<_, _, 0, 600_000>")]
    pub linger_ms: u64,
    /// Requests in flight get so long to end. Default 5 000.
    #[serde(deserialize_with = "within::<_, _, 0, 3_600_000>")]
    pub drain_ms: u64,
}

/// A [`Config`] and what the command line wants done with it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The effective configuration.
    pub config: Config,
    /// `--print-config` was given.
    pub print: bool,
    /// What was set where.
    layers: Vec<Layer>,
    /// Where it was read, to be read again.
    sources: Sources,
    /// What the folder was when it was read; `None` where there is no folder.
    stamp: Option<Stamp>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {file}")]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{file} is not TOML: {reason}")]
    NotToml {
        /// Which file.
        file: PathBuf,
        /// Where and why, in one line.
        reason: String,
    },
    /// Nobody reads this key.
    #[error("unknown key {key} in {source_name}{}", layers::hint(.suggestion.as_deref()))]
    UnknownKey {
        /// Its path.
        key: String,
        /// Where it was found.
        source_name: String,
        /// The nearest key there is.
        suggestion: Option<String>,
    },
    /// What was started with another value goes on with it.
    #[error("{key} is taken at start alone: it needs a restart")]
    NeedsRestart {
        /// Its path.
        key: String,
    },
    /// The environment of a whole system says what only one service can mean.
    #[error("{variables} in the environment: what is a service's own is said in its env or config, in bongsu.toml")]
    OfOneService {
        /// Which variables.
        variables: String,
    },
    /// A known key has an impossible value.
    #[error("{key} in {source_name}: {reason}")]
    BadValue {
        /// Its path.
        key: String,
        /// Where it was found.
        source_name: String,
        /// What is wrong.
        reason: String,
    },
}

/// For a service that has no settings of its own: any key under `[service]` is an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

impl From<Unusable> for ConfigError {
    fn from(unusable: Unusable) -> Self {
        match unusable {
            Unusable::Unreadable { file, source } => Self::Unreadable { file, source },
            Unusable::NotToml { file, reason } => Self::NotToml { file, reason },
            Unusable::BadValue { key, source_name, reason } => Self::BadValue { key, source_name, reason },
        }
    }
}

impl ConfigError {
    /// The exit code of a process whose settings cannot be meant (`EX_CONFIG` of sysexits.h): to start it again with the same
    /// ones is of no use, and a supervisor does not.
    pub const REFUSED: u8 = 78;

    /// The exit code of a process that ends with this. A file that cannot be read may be there a moment later.
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Unreadable { .. }) { 1 } else { Self::REFUSED }
    }
}

/// The command line every service has.
#[derive(Debug, clap::Parser)]
struct Flags {
    /// Configuration file (TOML); also BONGSU_CONFIG
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the effective configuration, secrets hidden, and exit
    #[arg(long)]
    print_config: bool,
    /// Set one key, as in limits.body_bytes=1024; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Where to listen, as in 127.0.0.1:8080
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// URL of the store, as in sqlite:./data/service.db
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// URL of the broker, as in http://127.0.0.1:7000
    #[arg(long, value_name = "URL")]
    broker: Option<String>,
    /// Name of this instance
    #[arg(long, value_name = "NAME")]
    slot: Option<String>,
}

impl Config {
    /// The configuration of a service nobody configured.
    pub fn defaults(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            slot: format!("{name}-1"),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            store: format!("sqlite:./data/{name}.db"),
            broker: format!("embedded:./data/{name}-broker.db"),
            keys: String::new(),
            hosts: String::new(),
            pages: String::new(),
            directory: String::new(),
            trust: String::new(),
            partitions: 8,
            activity_concurrency: 32,
            retention_ms: Retention::default(),
            retention_bytes: Retention::default(),
            log: "info".to_owned(),
            colour: "blue".to_owned(),
            revision: String::new(),
            limits: Limits::default(),
            shutdown: Shutdown::default(),
            service: Table::new(),
        }
    }

    /// The keys of this process, if it was given some.
    ///
    /// # Errors
    /// [`KeysError`] for a file that is not there, that others may read, or that is none: then nothing may start.
    pub fn open_keys(&self) -> Result<Option<Keys>, KeysError> {
        if self.keys.is_empty() { Ok(None) } else { Keys::open(Path::new(&self.keys)).map(Some) }
    }

    /// Where those are whom this process asks, if it was told.
    ///
    /// # Errors
    /// [`NoDirectory`] for a file that is not there, or is none.
    pub fn open_directory(&self) -> Result<Option<Directory>, NoDirectory> {
        if self.directory.is_empty() { Ok(None) } else { Directory::open(Path::new(&self.directory)).map(Some) }
    }

    /// Whether what the environment says about every process can be meant. A setting of one service's own cannot: all the
    /// others refuse it. Whoever starts many asks once instead of having each of them complain.
    ///
    /// # Errors
    /// [`ConfigError`], which names the variables.
    pub fn check_environment(environment: impl IntoIterator<Item = (String, String)>) -> Result<(), ConfigError> {
        let mut ours: Vec<_> = environment.into_iter().filter(|(key, _)| key.starts_with("BONGSU_")).collect();
        ours.sort();
        let shape = layers::shape(&Self::defaults("any"));
        let layer = Layer::from_environment(&shape, ours.clone())?;
        layers::merge(shape, &[layer])?;
        match layers::of_a_service(ours) {
            own if own.is_empty() => Ok(()),
            own => Err(ConfigError::OfOneService { variables: own.join(", ") }),
        }
    }

    /// `hosts`, one by one.
    pub fn host_names(&self) -> Vec<String> {
        self.hosts.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    /// The service's own settings, from the `[service]` table.
    ///
    /// A key the struct does not have is an error whether or not it says `deny_unknown_fields`.
    ///
    /// # Errors
    /// [`ConfigError::UnknownKey`] or [`ConfigError::BadValue`], with the key's path.
    ///
    /// ```
    /// use bongsu_host::config::Config;
    /// #[derive(serde::Deserialize)]
    /// #[serde(default)]
    /// struct Settings { greeting: String }
    /// impl Default for Settings {
    ///     fn default() -> Self { Self { greeting: "hello".into() } }
    /// }
    ///
    /// let mut config = Config::defaults("door");
    /// assert_eq!(config.service::<Settings>().unwrap().greeting, "hello");
    /// config.service.insert("greetin".into(), "hi".into());
    /// let refused = config.service::<Settings>().err().unwrap();
    /// assert_eq!(refused.to_string(), "unknown key service.greetin in the configuration");
    /// ```
    pub fn service<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        layers::service(&self.service, &[])
    }
}

impl Loaded {
    /// Reads flags, environment and file of this process. A wrong flag, `--help` and `--version` end it here.
    ///
    /// # Errors
    /// [`ConfigError`], one line for the operator.
    pub fn from_process(name: &'static str) -> Result<Self, ConfigError> {
        Self::load(name, std::env::args_os(), environment())
    }

    /// Reads the given flags (the first is the program) and environment, and the file they name.
    ///
    /// # Errors
    /// As [`Loaded::from_process`].
    pub fn load(
        name: &'static str,
        args: impl IntoIterator<Item = impl Into<std::ffi::OsString> + Clone>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let flags = parse(name, args);
        let environment: Vec<_> = environment.into_iter().filter(|(key, _)| key.starts_with("BONGSU_")).collect();
        let variable = |name: &str| environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let named = variable("BONGSU_CONFIG").map(PathBuf::from);
        let from = variable("BONGSU_CONFIG_FROM").filter(|_| flags.config.is_none());
        let sources = Sources {
            name,
            file: flags.config.clone().or(named).map(|file| (file, from)),
            folder: variable("BONGSU_CONFIGURATION").filter(|folder| !folder.is_empty()).map(PathBuf::from),
            flags: flags.pairs(),
            print: flags.print_config,
            environment,
        };
        sources.load()
    }

    /// As [`Config::service`], and fills `[service]` with the defaults, so that `--print-config` shows them.
    ///
    /// # Errors
    /// As [`Config::service`].
    pub fn service<T: DeserializeOwned + Serialize>(&mut self) -> Result<T, ConfigError> {
        if let Some(fields) = probe::fields::<T>() {
            layers::own(&mut self.config.service, &self.layers, fields);
        }
        let settings: T = layers::service(&self.config.service, &self.layers)?;
        if let Ok(effective) = Table::try_from(&settings) {
            self.config.service = effective;
        }
        Ok(settings)
    }
}

impl Flags {
    /// What was set, as (key, value) with the shorthands last.
    fn pairs(&self) -> Vec<(String, String)> {
        let set = self.set.iter().map(|pair| match pair.split_once('=') {
            Some((key, value)) => (key.trim().to_owned(), value.to_owned()),
            None => (pair.clone(), String::new()),
        });
        let short = [("listen", &self.listen), ("store", &self.store), ("broker", &self.broker), ("slot", &self.slot)];
        set.chain(short.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)))).collect()
    }
}

impl Limits {
    /// `header_timeout_ms` as a duration.
    pub fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms)
    }

    /// `request_timeout_ms` as a duration.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    /// `send_timeout_ms` as a duration.
    pub fn send_timeout(&self) -> Duration {
        Duration::from_millis(self.send_timeout_ms)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 256 << 10,
            json_depth: 32,
            header_bytes: 16 << 10,
            header_timeout_ms: 5_000,
            request_timeout_ms: 10_000,
            send_timeout_ms: 60_000,
            max_connections: 2_048,
            concurrency: 512,
            streams: 256,
        }
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { unready_ms: 100, linger_ms: 0, drain_ms: 5_000 }
    }
}

/// The variables of this process. What is not UTF-8 in them is replaced: it is no setting of ours, or refused as a value.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(move |(name, value)| (text(name), text(value)))
}

/// clap's own way out: a wrong flag and `--help` end the process with the message and the code users expect.
fn parse(name: &'static str, args: impl IntoIterator<Item = impl Into<std::ffi::OsString> + Clone>) -> Flags {
    use clap::{CommandFactory as _, FromArgMatches as _};
    let command = Flags::command().name(name).version(env!("CARGO_PKG_VERSION"));
    let read = command.try_get_matches_from(args).and_then(|matches| Flags::from_arg_matches(&matches));
    read.unwrap_or_else(|asked| {
        let unsaid = asked.print().err().filter(|error| error.kind() != std::io::ErrorKind::BrokenPipe);
        if let Some(error) = unsaid {
            let _ = writeln!(std::io::stderr(), "{name}: cannot write to stdout: {error}");
            std::process::exit(1);
        }
        std::process::exit(asked.exit_code())
    })
}
