//! `bongsu.toml`: what a system consists of.
//!
//! ```toml
//! name = "house"
//! data = "../.bongsu"                    # relative to this file; default ".bongsu" beside it
//!
//! [gateway]
//! listen = "127.0.0.1:8080"              # a free port is taken, and said, when this one is not free
//! instances = 1                          # processes that share it
//! config = { principal = "demo" }
//!
//! [identity]                             # people log in here; without it everybody is `principal`
//! config = { environment = "dev", roles = ["author", "operator"], newcomers = ["author"] }
//! people = [{ email = "ann@house.example", name = "Ann", password = "let me in please", roles = ["author"] }]
//!
//! [config]                               # settings that are committed, and taken while everything runs: [`Configuration`]
//! repository = "../settings"
//!
//! [[service]]
//! name = "question"
//! command = "question-service"           # beside the bongsu binary, then on the PATH
//! routes = ["/questions", "/questions/*"]
//! public = ["GET /questions/*"]          # who may ask it, where people log in: everybody…
//! visitor = ["* /notes/*"]               # …also whoever comes without a login, by an id that his browser is given
//! roles = { author = ["PATCH /questions/*"] }      # …whoever has that role; what is not said is for whoever is logged in
//! operator = ["PUT /questions/*"]        # asked by operators only: that role, or 'bongsu secret operator'
//! idempotent = true                      # it knows Idempotency-Key, so that the gateway may send it again
//! asks = ["answer"]                      # it asks these while somebody waits, on his behalf; their names are their addresses
//! pages = "question/web/dist"            # the folder with its built pages, below /web/question/; anybody may ask for them
//! after = ["answer"]                     # started when these are ready
//! canary = { of = "question-1", percent = 5 }      # instead of routes: it stands in for that one for some callers
//! env = { ANSWERS = "${url:answer}" }    # where the first instance of one of them listens
//! config = { deadline_ms = 30000 }       # handed over as the [service] table of its configuration file
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bongsu_core::Strict;
use bongsu_keys::{OPERATOR, is_name};
use serde::Deserialize;

use crate::canary;
pub use crate::canary::Canary;
use crate::configuration::Configuration;
use crate::identity::{IDENTITY, Identity};
pub use crate::part::PlatformPart;
use crate::part::{instances, one};
use crate::paths::shown;
use crate::placeholder;
use crate::references::{self, Refers};

/// The instance name of the built-in broker.
pub const BROKER: &str = "broker";
/// What stands for everybody where roles stand.
const PUBLIC: &str = "public";
/// And for whoever comes without a login, each by an id of his own.
const VISITOR: &str = "visitor";
/// The instance name of the built-in gateway.
pub const GATEWAY: &str = "gateway";
/// What no service may be called, whatever the file says.
const RESERVED: [&str; 4] = [BROKER, GATEWAY, OPERATOR, "supervisor"];

/// Whether a name is the platform's own, or may become so: `[identity]` starts a service of that name.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || name == IDENTITY
}

/// A system, as its author describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemFile {
    /// What it is called on screen.
    pub name: String,
    /// Where everything it keeps lives, relative to the file.
    #[serde(default = "default_data")]
    pub data: PathBuf,
    /// The built-in broker.
    #[serde(default)]
    pub broker: PlatformPart,
    /// The one address of the system.
    #[serde(default)]
    pub gateway: PlatformPart,
    /// The built-in identity provider; without one nobody can log in.
    #[serde(default)]
    pub identity: Option<Identity>,
    /// Where configuration comes from that changes while the system runs; without it there is none.
    #[serde(default, rename = "config")]
    pub configuration: Option<Configuration>,
    /// Its services; the identity provider is the first of them.
    #[serde(default, rename = "service")]
    pub services: Vec<Service>,
    /// The folder the file is in; relative paths start here.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The file itself.
    #[serde(skip)]
    pub path: PathBuf,
}

/// One service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name: the context's.
    pub name: String,
    /// Its program.
    pub command: String,
    /// Whether that is the `bongsu` binary itself.
    #[serde(skip)]
    pub is_own: bool,
    /// Arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Extra environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// How many processes.
    #[serde(default = "one", deserialize_with = "instances")]
    pub instances: u32,
    /// Paths the gateway sends here: `/x` exactly, `/x/*` everything below.
    #[serde(default)]
    pub routes: Vec<String>,
    /// What of it only operators may ask, as `METHOD /path`: any method is `*`; in a path `*` stands for one part, at the
    /// end for everything below.
    #[serde(default)]
    pub operator: Vec<String>,
    /// What of it anybody may ask, in the same form.
    #[serde(default)]
    pub public: Vec<String>,
    /// What of it whoever comes without a login may ask, too, by an id of his own that the gateway gives his browser; in the
    /// same form.
    #[serde(default)]
    pub visitor: Vec<String>,
    /// What of it only whoever has a role may ask, in the same form.
    #[serde(default)]
    pub roles: BTreeMap<String, Vec<String>>,
    /// Whether it answers the same when a request's `Idempotency-Key` comes again, as services of this framework do:
    /// only then does the gateway send such a request again after a broken connection.
    #[serde(default)]
    pub idempotent: bool,
    /// Services it asks while somebody waits, as its map declares: it is told where they are, and the gateway names whoever asks it
    /// to them, too.
    #[serde(default)]
    pub asks: Vec<String>,
    /// Whether it recognises its callers itself, as an identity provider does: what they show goes on to it, unread by the
    /// gateway but for an operator's key.
    #[serde(default)]
    pub own_login: bool,
    /// The folder with its built pages, relative to the file: it serves them below `/web/NAME/`, to anybody. It may be missing:
    /// then it has none.
    #[serde(default)]
    pub pages: Option<PathBuf>,
    /// Whom it stands in for, where it is the next version of another service, and for which of that one's callers.
    #[serde(default)]
    pub canary: Option<Canary>,
    /// Services that must be ready first.
    #[serde(default)]
    pub after: Vec<String>,
    /// Whether it starts with the system.
    #[serde(default = "yes")]
    pub start: bool,
    /// Handed to it as the `[service]` table of its configuration file.
    #[serde(default)]
    pub config: toml::Table,
}

/// Why a `bongsu.toml` cannot be used; each is one line.
#[derive(Debug, thiserror::Error)]
pub enum SystemFileError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", shown(path))]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not TOML, or has a key nobody knows, or lacks one.
    #[error("{}:{line}: {message}", shown(path))]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Where.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// It contradicts itself.
    #[error("{}: {message}", shown(path))]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

impl SystemFile {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// See [`SystemFileError`].
    pub fn read(path: &Path) -> Result<Self, SystemFileError> {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let text =
            fs::read_to_string(path).map_err(|source| SystemFileError::Read { path: path.to_path_buf(), source })?;
        let mut file = Self::parse(&text, path)?;
        file.path.clone_from(&absolute);
        file.folder = absolute.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(file)
    }

    /// The data folder it names.
    pub fn data_folder(&self) -> PathBuf {
        self.folder.join(&self.data)
    }

    /// How many instances of that name there are to be, where that can be said.
    pub(crate) fn instances(&mut self, name: &str) -> Option<&mut u32> {
        let service = self.services.iter_mut().find(|service| service.name == name).map(|one| &mut one.instances);
        service.or((name == GATEWAY).then_some(&mut self.gateway.instances))
    }

    /// Where the gateway should listen.
    pub fn gateway_address(&self) -> SocketAddr {
        self.gateway.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)))
    }

    /// The order services depend on each other in: 0 waits for no other service, n waits for one of n - 1.
    pub fn depth(&self, service: &str) -> usize {
        let after = self.services.iter().find(|s| s.name == service).map_or(&[][..], |s| &s.after);
        after.iter().map(|name| self.depth(name) + 1).max().unwrap_or(0)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, SystemFileError> {
        let read = toml::Deserializer::parse(text).and_then(|toml| Self::deserialize(Strict(toml)));
        let mut file = read.map_err(|error| SystemFileError::Parse {
            path: path.to_path_buf(),
            line: error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1),
            message: match error.span().filter(|_| is_too_large(error.message())) {
                Some(span) => format!("a number that is larger than any: {}", line_at(text, span.start)),
                None => error.message().replace('\n', ", "),
            },
        })?;
        file.services.iter_mut().for_each(Service::open_its_pages);
        let identity = file.identity.as_ref().map(Identity::service);
        file.services.splice(0..0, identity);
        match file.complaint() {
            Some(message) => Err(SystemFileError::Invalid { path: path.to_path_buf(), message }),
            None => Ok(file),
        }
    }

    /// The first thing wrong with it.
    fn complaint(&self) -> Option<String> {
        let mut seen = BTreeSet::from(RESERVED);
        let mut routes = BTreeMap::new();
        for part in [&self.broker, &self.gateway] {
            if let Some(listen) = part.listen.filter(|address| !address.ip().is_loopback()) {
                return Some(format!("{listen} faces the network; only loopback addresses are served"));
            }
        }
        if self.broker.instances != 1 {
            return Some(format!("there is one {BROKER}, and no more"));
        }
        for service in &self.services {
            if let Some(complaint) = service.complaint() {
                return Some(format!("service '{}': {complaint}", service.name));
            }
            if !seen.insert(&service.name) {
                return Some(format!("service '{}': the name is taken", service.name));
            }
            for route in &service.routes {
                if let Some(other) = routes.insert(route, &service.name) {
                    return Some(format!("route '{route}' belongs to both '{other}' and '{}'", service.name));
                }
            }
        }
        let identity = self.identity.as_ref().and_then(Identity::complaint);
        let refers: Vec<Refers<'_>> = self.services.iter().map(Service::refers).collect();
        let graph = canary::wrong(self).or_else(|| references::wrong(&refers));
        graph.or(identity).or_else(|| self.configuration.as_ref()?.complaint())
    }
}

impl Service {
    /// Its pages are asked for like the rest of it.
    fn open_its_pages(&mut self) {
        if self.pages.is_some() {
            let below = format!("/web/{}/*", self.name);
            self.public.push(format!("GET {below}"));
            self.routes.push(below);
        }
    }

    /// Whom it names.
    fn refers(&self) -> Refers<'_> {
        Refers { name: &self.name, after: &self.after, asks: &self.asks }
    }

    /// The services whose addresses it is told, see [`crate::placeholder`].
    pub(crate) fn asks_for(&self) -> impl Iterator<Item = &str> {
        let texts = self.env.values().chain(&self.args);
        texts.flat_map(|text| placeholder::names(text).unwrap_or_default())
    }

    /// Who may ask what of it: `public`, `visitor` or a role, and `METHOD /path`.
    pub(crate) fn access(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = [(PUBLIC, &self.public), (VISITOR, &self.visitor), (OPERATOR, &self.operator)];
        let roles = self.roles.iter().map(|(role, requests)| (role.as_str(), requests));
        let all = own.into_iter().chain(roles);
        all.flat_map(|(who, requests)| requests.iter().map(move |request| (who, request.as_str())))
    }

    fn complaint(&self) -> Option<String> {
        if let Some(error) = self.env.values().chain(&self.args).find_map(|text| placeholder::names(text).err()) {
            return Some(error);
        }
        if !is_name(&self.name) {
            return Some("a name has lower-case letters, digits and '-', and starts with a letter".into());
        }
        if self.command.is_empty() {
            return Some("the command is empty".into());
        }
        if let Some(bad) = self.routes.iter().find(|route| !is_route(route)) {
            return Some(format!("route '{bad}': a route is '/x', '/x/*' or '/*'"));
        }
        if let Some(bad) =
            self.roles.keys().find(|role| !is_name(role) || matches!(role.as_str(), OPERATOR | PUBLIC | VISITOR))
        {
            return Some(format!("roles: '{bad}' is no name of a role, or has a key of its own"));
        }
        if let Some((who, bad)) = self.access().find(|(_, request)| !is_request(request)) {
            return Some(format!("{who} = '{bad}': what may be asked is 'METHOD /path' or '* /path'"));
        }
        if let Some(why) = self.canary.as_ref().and_then(|canary| canary.complaint(self)) {
            return Some(why);
        }
        let early = self.asks_for().find(|name| !self.after.iter().any(|after| after == name))?;
        Some(format!("${{url:{early}}} is known only when after = ['{early}']"))
    }
}

/// Whether a reader of TOML says so of a number, which it names by none of its names.
fn is_too_large(message: &str) -> bool {
    message.contains("value was too large") || message.contains("as i128") || message.contains("as u128")
}

fn line_at(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    text[start..].lines().next().unwrap_or_default().trim()
}

fn is_route(route: &str) -> bool {
    let path = route.strip_suffix("/*").unwrap_or(route);
    (route.starts_with('/') && !path.ends_with('/') || route == "/") && !path.contains(['*', '?', '#', ' '])
}

fn is_request(route: &str) -> bool {
    let Some((method, path)) = route.split_once(' ') else { return false };
    let is_method = method == "*" || (!method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase()));
    let whole = path.split('/').all(|part| part == "*" || !part.contains('*'));
    is_method && path.starts_with('/') && whole && !path.contains(['?', '#', ' ', '%'])
}

fn default_data() -> PathBuf {
    ".bongsu".into()
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SystemFile, String> {
        SystemFile::parse(text, Path::new("bongsu.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_system_is_its_name_and_its_services() {
        let file = parse(
            "name = 'house'\n[[service]]\nname = 'door'\ncommand = 'door-service'\nroutes = ['/doors', '/doors/*']\n\
             [[service]]\nname = 'bell'\ncommand = 'bell'\nafter = ['door']\ninstances = 2\nstart = false\n\
             config = { volume = 3 }",
        )
        .unwrap();
        assert_eq!((file.services.len(), file.depth("door"), file.depth("bell")), (2, 0, 1));
        assert!(file.services[0].start && !file.services[1].start);
    }

    #[test]
    fn pages_are_asked_for_like_the_rest_of_a_service_by_anybody() {
        let file = parse("name = 'house'\n[[service]]\nname = 'door'\ncommand = 'x'\npages = 'door/web/dist'").unwrap();
        let door = &file.services[0];
        assert_eq!(door.routes, ["/web/door/*"]);
        assert!(door.access().any(|said| said == ("public", "GET /web/door/*")));
        let taken = "name = 'house'\n[[service]]\nname = 'a'\ncommand = 'x'\npages = 'p'\n\
                     [[service]]\nname = 'b'\ncommand = 'x'\nroutes = ['/web/a/*']";
        assert!(parse(taken).unwrap_err().contains("route '/web/a/*' belongs to both"));
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_its_line() {
        let line = parse("name = 'house'\n[[service]]\nname = 'door'\ncomand = 'x'").unwrap_err();
        assert!(line.starts_with("bongsu.toml:4: unknown field `comand`"), "{line}");
        assert!(!line.contains('\n'), "{line}");
    }

    #[test]
    fn a_part_is_a_table_and_no_list_of_its_values() {
        for part in
            ["gateway = [true]", "[[service]]\nname = 'a'\ncommand = 'x'\n[[gateway]]", "service = [['a', 'x']]"]
        {
            let line = parse(&format!("name = 'house'\n{part}")).expect_err(part);
            assert!(line.starts_with("bongsu.toml:") && line.contains("invalid type: sequence"), "{line}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        are_refused(&[
            (service("a", "") + &service("a", ""), "service 'a': the name is taken"),
            (service("broker", ""), "service 'broker': the name is taken"),
            (service("operator", ""), "service 'operator': the name is taken"),
            (service("A b", ""), "a name has lower-case letters"),
            (service("a", "after = ['b']"), "service 'a': after = 'b', which is no service"),
            (service("a", "asks = ['b']"), "service 'a': asks = 'b', which is no other service"),
            (service("a", "asks = ['a']"), "service 'a': asks = 'a', which is no other service"),
            (
                service("a", "asks = ['b', 'b']") + &service("b", ""),
                "asks = 'b', which is no other service, or is there",
            ),
            (service("a", "asks = ['gateway']"), "asks = 'gateway'"),
            (service("a", "args = ['${b}']"), "the only placeholder is ${url:SERVICE}"),
            (service("a", "after = ['b']") + &service("b", "after = ['a']"), "these wait for each other: a, b"),
            (service("a", "instances = 0"), "instances = 0: 1 to 64 are possible"),
            (service("a", "instances = -1"), "instances = -1: 1 to 64 are possible"),
            (service("a", "instances = 4294967296"), "instances = 4294967296: 1 to 64 are possible"),
            (service("a", "instances = 9223372036854775807"), "instances = 9223372036854775807: 1 to 64 are possible"),
            (service("a", "routes = ['x']"), "route 'x'"),
            (service("a", "routes = ['/x/']"), "route '/x/'"),
            (service("a", "env = { B = 'see ${url:b}' }") + &service("b", ""), "known only when after = ['b']"),
            (service("a", "routes = ['/x']") + &service("b", "routes = ['/x']"), "belongs to both 'a' and 'b'"),
            ("[gateway]\nlisten = '0.0.0.0:80'".into(), "faces the network"),
        ]);
    }

    #[test]
    fn who_may_ask_what_is_written_in_one_form() {
        are_refused(&[
            (service("a", "operator = ['/x']"), "operator = '/x'"),
            (service("a", "operator = ['put /x']"), "operator = 'put /x'"),
            (service("a", "operator = ['PUT /x*']"), "operator = 'PUT /x*'"),
            (service("a", "public = ['/x']"), "public = '/x'"),
            (service("a", "roles = { keeper = ['/x'] }"), "keeper = '/x'"),
            (service("a", "roles = { Keeper = ['GET /x'] }"), "roles: 'Keeper'"),
            (service("a", "roles = { public = ['GET /x'] }"), "roles: 'public'"),
            (service("a", "roles = { visitor = ['GET /x'] }"), "roles: 'visitor'"),
            (service("a", "visitor = ['/x']"), "visitor = '/x'"),
            (service("a", "roles = { operator = ['GET /x'] }"), "roles: 'operator'"),
        ]);
    }

    fn service(name: &str, more: &str) -> String {
        format!("[[service]]\nname = '{name}'\ncommand = 'x'\n{more}\n")
    }

    fn are_refused(texts: &[(String, &str)]) {
        for (text, expected) in texts {
            let line = parse(&format!("name = 'house'\n{text}")).unwrap_err();
            assert!(line.contains(expected), "{line}");
        }
    }
}
