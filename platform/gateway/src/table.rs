//! Where requests can go at the moment.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use http::Method;

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
    /// What only operators may ask of a service.
    pub operator: Vec<OperatorRoute>,
    /// Services that answer a request the same when its `Idempotency-Key` comes again.
    pub idempotent: BTreeSet<String>,
}

/// One path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `/x` exactly, `/x/*` everything below.
    pub path: String,
    /// Whose it is.
    pub service: String,
}

/// What only operators may ask.
///
/// ```
/// use gateway::OperatorRoute;
/// use http::Method;
/// let route = OperatorRoute { service: "door".into(), method: "POST".into(), path: "/doors/*/keys".into() };
/// assert!(route.fits(&Method::POST, "/doors/7/keys"));
/// assert!(route.fits(&Method::POST, "/doors/7//k%65ys/"), "whatever a service might take for the same path");
/// assert!(!route.fits(&Method::GET, "/doors/7/keys") && !route.fits(&Method::POST, "/doors/7"));
/// let all = OperatorRoute { service: "door".into(), method: "*".into(), path: "/vault/*".into() };
/// assert!(all.fits(&Method::DELETE, "/vault/a/b") && all.fits(&Method::GET, "/vault"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorRoute {
    /// Whose it is.
    pub service: String,
    /// A method, or `*` for all. HEAD is as GET.
    pub method: String,
    /// `*` stands for one part; at the end for everything below, and for nothing.
    pub path: String,
}

impl OperatorRoute {
    /// Whether a request is one of these. A path is taken apart as the most lenient service would.
    pub fn fits(&self, method: &Method, path: &str) -> bool {
        let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
        (self.method == "*" || self.method == method) && (fits(&self.path, path) || fits(&self.path, &decoded(path)))
    }
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
    /// Whether only an operator may ask this of a service.
    pub fn is_for_operators(&self, service: &str, method: &Method, path: &str) -> bool {
        self.operator.iter().any(|route| route.service == service && route.fits(method, path))
    }

    /// The service of a path: of all routes that fit, the longest.
    pub fn service_of(&self, path: &str) -> Option<&str> {
        let fitting = self.routes.iter().filter(|route| route.fits(path));
        fitting.max_by_key(|route| route.path.len()).map(|route| route.service.as_str())
    }

    /// Every service that has a path, by name.
    pub fn services(&self) -> BTreeSet<String> {
        self.routes.iter().map(|route| route.service.clone()).collect()
    }

    /// The ready instances of a service.
    pub fn ready(&self, service: &str) -> &[SocketAddr] {
        self.upstreams.get(service).map_or(&[], Vec::as_slice)
    }
}

impl Route {
    fn fits(&self, path: &str) -> bool {
        match self.path.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => path == self.path,
        }
    }
}
