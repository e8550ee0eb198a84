//! Where requests can go at the moment.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

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
}

/// One path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `/x` exactly, `/x/*` everything below.
    pub path: String,
    /// Whose it is.
    pub service: String,
}

impl Table {
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
