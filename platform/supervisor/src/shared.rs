//! What the keepers of all instances share.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::front::Front;
use crate::http::Http;
use crate::logs::Logs;
use crate::registry::Registry;
use crate::spec::Spec;
/// What all keepers share.
pub(crate) struct Shared {
    pub(crate) front: Front,
    pub(crate) registry: Arc<Registry>,
    pub(crate) logs: Arc<Logs>,
    pub(crate) http: Http,
    pub(crate) data: PathBuf,
    /// Relative commands start here.
    pub(crate) base: PathBuf,
    /// The running binary.
    pub(crate) own: PathBuf,
    /// The folder in which configuration is handed out, if it is.
    pub(crate) configuration: Option<PathBuf>,
    /// What tells the children of this run from all other processes.
    pub(crate) mark: String,
    /// Where the first instance of each service listened last, also when it does not now.
    pub(crate) addresses: Mutex<HashMap<String, String>>,
}

impl Shared {
    /// All of them.
    pub(crate) fn known_addresses(&self) -> HashMap<String, String> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn url_of(&self, name: &str) -> Option<String> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(crate) fn listens(&self, spec: &Spec, url: &str) {
        if spec.is_first {
            let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
            addresses.insert(spec.name.clone(), url.to_owned());
        }
    }
}
