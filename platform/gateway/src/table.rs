//! Where requests can go at the moment.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;

use bongsu_keys::Audience;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// Paths, and the ready instances behind them.
///
/// ```
/// use gateway::{Route, Table};
/// let route = |path: &str, service: &str| Route { path: path.into(), service: service.into() };
/// let routes = vec![route("/doors", "door"), route("/doors/*", "door"), route("/doors/keys/*", "key"), route("/*", "shell")];
/// let table = Table { routes, ..Table::default() };
/// assert_eq!(table.service_of("/doors"), Some("door"));
/// assert_eq!(table.service_of("/doors/keys/7"), Some("key"), "the longest path wins");
/// assert_eq!(table.service_of("/doorstep"), Some("shell"), "a path ends at a slash");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Rises with every change; 0: nothing is known yet.
    pub revision: u64,
    /// Every path, in any order.
    pub routes: Vec<Route>,
    /// Ready instances of each service.
    pub upstreams: BTreeMap<String, Vec<SocketAddr>>,
    /// Services of which an instance is about to be ready.
    pub coming: BTreeSet<String>,
    /// Who may ask what of a service; whatever is not said is for whoever is logged in.
    pub access: Vec<Access>,
    /// Services that answer a request the same when its `Idempotency-Key` comes again.
    pub idempotent: BTreeSet<String>,
    /// Whom a service asks on behalf of whoever asks it: what is said of him is for those, too.
    pub asks: BTreeMap<String, Audience>,
    /// Services that recognise their callers themselves: what is shown to them is not read here, but for an operator's key.
    pub own_login: BTreeSet<String>,
    /// Services that stand in for another one for some of its callers.
    pub canaries: Vec<Canary>,
    /// Slots of the gateways that take requests, each of which lets through its share.
    pub gateways: Vec<String>,
}

/// A service that stands in for another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// Who it is.
    pub service: String,
    /// Whose routes lead to it, too.
    pub of: String,
    /// For so many of a hundred callers.
    pub percent: u32,
    /// And for whoever says this.
    pub header: Option<(HeaderName, HeaderValue)>,
}

/// One path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `/x` exactly, `/x/*` everything below.
    pub path: String,
    /// Whose it is.
    pub service: String,
}

/// Who may ask something, where that is not simply somebody.
///
/// ```
/// use gateway::{Access, May, Table};
/// use http::Method;
/// let of = |method: &str, path: &str, who: &str| {
///     Access { service: "door".into(), method: method.into(), path: path.into(), who: who.into() }
/// };
/// let access = vec![
///     of("GET", "/doors/*", "public"),
///     of("POST", "/doors/*/keys", "keeper"),
///     of("*", "/vault/*", "operator"),
///     of("*", "/bell/*", "visitor"),
/// ];
/// let table = Table { access, ..Table::default() };
/// let may = |method: Method, path: &str| table.may("door", &method, path);
/// assert_eq!(may(Method::GET, "/doors/7"), May::Everybody);
/// assert_eq!(may(Method::GET, "/d%6Fors/7"), May::Somebody, "what is open is open as it is written");
/// assert_eq!(may(Method::POST, "/doors/7"), May::Somebody);
/// assert_eq!(may(Method::POST, "/doors/7//k%65ys/"), May::Only(vec!["keeper"]), "whatever a service might take for the same path");
/// assert_eq!(may(Method::DELETE, "/vault/a/b"), May::Only(vec!["operator"]));
/// assert_eq!(may(Method::HEAD, "/vault"), May::Only(vec!["operator"]));
/// assert_eq!(may(Method::POST, "/bell/ring"), May::Visitors);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whose it is.
    pub service: String,
    /// A method, or `*` for all. HEAD is as GET.
    pub method: String,
    /// `*` stands for one part; at the end for everything below, and for nothing.
    pub path: String,
    /// `public`, `visitor`, or a role.
    pub who: String,
}

/// Who may ask something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum May<'t> {
    /// Whoever comes.
    Everybody,
    /// Whoever is logged in, and whoever comes without: he is given an id of his own.
    Visitors,
    /// Whoever is logged in.
    Somebody,
    /// Whoever has one of these roles.
    Only(Vec<&'t str>),
}

impl Access {
    /// The word for what anybody may ask.
    pub const PUBLIC: &str = "public";
    /// The word for what may be asked without a login by whoever has an id of his own.
    pub const VISITOR: &str = "visitor";

    /// Whether a request is one of these. What is closed is closed however a lenient service might read the path; what is
    /// open is open as it is written.
    fn fits(&self, method: &Method, path: &str) -> bool {
        let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
        let is_method = self.method == "*" || self.method == method;
        match self.who == Self::PUBLIC || self.who == Self::VISITOR {
            true => is_method && fits(&self.path, path) && is_plain(path),
            false => is_method && (fits(&self.path, path) || fits(&self.path, &decoded(path))),
        }
    }
}

/// Whether a path says one thing to whoever reads it.
fn is_plain(path: &str) -> bool {
    let mut parts = path.split('/').skip(1);
    path == "/" || (!path.contains('%') && parts.all(|part| !matches!(part, "" | "." | "..")))
}

/// Whether a pattern fits; empty parts do not count, and `.` and `..` lead where they lead.
fn fits(pattern: &str, path: &str) -> bool {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    let (pattern, is_open) = match pattern.strip_suffix("/*") {
        Some(above) => (above, true),
        None => (pattern, false),
    };
    let pattern: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    let long_enough = if is_open { parts.len() >= pattern.len() } else { parts.len() == pattern.len() };
    long_enough && pattern.iter().zip(&parts).all(|(wanted, part)| *wanted == "*" || wanted.eq_ignore_ascii_case(part))
}

/// Percent-encoding undone once; what is none stays as it is.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let encoded = after.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match encoded.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Table {
    /// What is said of such a request.
    pub fn fitting<'t>(&'t self, service: &str, method: &Method, path: &str) -> impl Iterator<Item = &'t Access> {
        self.access.iter().filter(move |access| access.service == service && access.fits(method, path))
    }

    /// Who may ask this of a service. Where roles are named, that it is open counts no more.
    pub fn may(&self, service: &str, method: &Method, path: &str) -> May<'_> {
        let fitting = self.fitting(service, method, path).map(|access| access.who.as_str());
        let (open, roles): (Vec<&str>, Vec<&str>) =
            fitting.partition(|who| matches!(*who, Access::PUBLIC | Access::VISITOR));
        match (roles.is_empty(), open.contains(&Access::PUBLIC), open.is_empty()) {
            (false, ..) => May::Only(roles),
            (true, true, _) => May::Everybody,
            (true, false, false) => May::Visitors,
            (true, false, true) => May::Somebody,
        }
    }

    /// Whether anything of a service is for visitors.
    pub(crate) fn has_visitors(&self, service: &str) -> bool {
        self.access.iter().any(|access| access.service == service && access.who == Access::VISITOR)
    }

    /// The service of a path: of all routes that fit, the longest.
    pub fn service_of(&self, path: &str) -> Option<&str> {
        self.route_of(path).map(|route| route.service.as_str())
    }

    /// The route of a path: of all that fit, the longest.
    pub fn route_of(&self, path: &str) -> Option<&Route> {
        let fitting = self.routes.iter().filter(|route| is_below(&route.path, path));
        fitting.max_by_key(|route| route.path.len())
    }

    /// Every service that has a path, by name.
    pub fn services(&self) -> BTreeSet<String> {
        self.routes.iter().map(|route| route.service.clone()).collect()
    }

    /// Whoever stands in for a service, for a caller who says this; one without a ready instance stands in for nobody. What is
    /// said counts more than the share a caller falls into, and he falls into the same each time.
    pub fn canary(&self, service: &str, headers: &HeaderMap, caller: &str) -> Option<&Canary> {
        let its = || self.canaries.iter().filter(|one| one.of == service);
        let is_ready = |one: &&Canary| !self.ready(&one.service).is_empty();
        let says = |one: &&Canary| {
            one.header.as_ref().is_some_and(|(name, value)| headers.get_all(name).iter().any(|said| said == value))
        };
        if let Some(said) = its().filter(is_ready).find(says) {
            return Some(said);
        }
        let mut left = place(service, caller);
        let falls_into = |one: &&Canary| {
            let is_in = left < one.percent;
            left = left.saturating_sub(one.percent);
            is_in
        };
        // Also one that is not ready has its share: nobody else's changes with it.
        its().find(falls_into).filter(is_ready)
    }

    /// Whether a service has a route, its own or that of whom it stands in for.
    pub(crate) fn leads_to(&self, service: &str, route: &str) -> bool {
        let stands_in_for = self.canaries.iter().find(|one| one.service == service).map(|one| one.of.as_str());
        let whose = stands_in_for.unwrap_or(service);
        self.routes.iter().any(|known| known.path == route && known.service == whose)
    }

    /// Which of the gateways that is, and how many there are; one that nobody has heard of yet comes after all others.
    pub(crate) fn place_among_gateways(&self, slot: &str) -> (u32, u32) {
        let at = self.gateways.iter().position(|known| known == slot).unwrap_or(self.gateways.len());
        let all = self.gateways.len().max(at + 1);
        (u32::try_from(at).unwrap_or(u32::MAX), u32::try_from(all).unwrap_or(u32::MAX))
    }

    /// The ready instances of a service.
    pub fn ready(&self, service: &str) -> &[SocketAddr] {
        self.upstreams.get(service).map_or(&[], Vec::as_slice)
    }
}

impl Route {
    /// Whether it leads where that path does.
    pub fn fits(&self, path: &str) -> bool {
        is_below(&self.path, path)
    }
}

/// Where a caller falls among a hundred, the same each time.
fn place(service: &str, caller: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    (service, caller).hash(&mut hasher);
    u32::try_from(hasher.finish() % 100).unwrap_or(0)
}

/// Why it is no path of a route, if it is none.
pub(crate) fn no_path(path: &str) -> Option<&'static str> {
    let above = path.strip_suffix("/*").unwrap_or(path);
    let is_one = path.starts_with('/') && !above.contains('*');
    (!is_one).then_some("a path begins with '/', and only its last part may be '*'")
}

/// Why a list has one of its paths twice, if it has.
pub(crate) fn once_each<'p>(list: &str, paths: impl Iterator<Item = &'p str>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    match paths.into_iter().find(|path| !seen.insert(*path)) {
        Some(path) => Err(format!("{list} {path:?} is there twice")),
        None => Ok(()),
    }
}

/// Whether a path is meant by a route's, as it is written.
pub(crate) fn is_below(route: &str, path: &str) -> bool {
    match route.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix),
        None => path == route,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(ready: &[&str]) -> Table {
        let canary = |service: &str, percent, header: Option<(&'static str, &'static str)>| Canary {
            service: service.into(),
            of: "door".into(),
            percent,
            header: header.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))),
        };
        let at = vec![SocketAddr::from(([127, 0, 0, 1], 1))];
        Table {
            upstreams: ready.iter().map(|service| ((*service).to_owned(), at.clone())).collect(),
            canaries: vec![canary("next", 10, Some(("x-door", "next"))), canary("other", 20, None)],
            ..Table::default()
        }
    }

    fn shares(table: &Table) -> (usize, usize) {
        let headers = HeaderMap::new();
        let goes_to = |name: &str| {
            let all = (0..10_000).map(|caller| caller.to_string());
            all.filter(|caller| table.canary("door", &headers, caller).is_some_and(|one| one.service == name)).count()
        };
        (goes_to("next"), goes_to("other"))
    }

    #[test]
    fn callers_fall_into_shares_that_stay_the_same_whoever_is_ready() {
        let both = table(&["next", "other"]);
        let (next, other) = shares(&both);
        assert!((850..=1_150).contains(&next) && (1_800..=2_200).contains(&other), "{next} {other}");
        assert_eq!(shares(&table(&["other"])), (0, other), "who is not ready leaves his share to the service itself");
        assert_eq!(shares(&table(&[])), (0, 0));
        assert!((0..100).all(|caller| both.canary("bell", &HeaderMap::new(), &caller.to_string()).is_none()));
    }

    #[test]
    fn what_is_said_counts_more_than_a_share() {
        let says = |value: &'static str| {
            HeaderMap::from_iter([(HeaderName::from_static("x-door"), HeaderValue::from_static(value))])
        };
        let goes_to = |table: &Table, value, caller: u32| {
            table.canary("door", &says(value), &caller.to_string()).map(|one| one.service.clone())
        };
        let both = table(&["next", "other"]);
        assert!((0..500).all(|caller| goes_to(&both, "next", caller).as_deref() == Some("next")));
        let said_otherwise = (0..500).filter(|caller| goes_to(&both, "Next", *caller).is_some()).count();
        assert!(said_otherwise < 250, "{said_otherwise}");
        let other = table(&["other"]);
        assert!((0..500).all(|caller| goes_to(&other, "next", caller).is_none_or(|one| one == "other")));
    }
}
