//! Everybody whom a map declares to ask.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    ask::{
        asks::Asks,
        measure,
        peer::{Known, Peer},
    },
    ports::{
        env::{Env, HttpClient},
        metric::Metric,
    },
};

pub(crate) struct Peers {
    known: BTreeMap<&'static str, Arc<Known>>,
    /// The first that was wanted and is not declared.
    undeclared: Mutex<Option<&'static str>>,
}

impl Peers {
    pub(crate) fn new(asks: &[(&'static str, Asks)], env: &Arc<dyn Env>, http: &Arc<dyn HttpClient>) -> Self {
        let known = asks.iter().map(|(name, asks)| (*name, Arc::new(Known::new(name, asks, env, http))));
        Self { known: known.collect(), undeclared: Mutex::default() }
    }

    /// The one of that name. Whether it is declared is said by [`undeclared`](Self::undeclared).
    pub(crate) fn of(&self, name: &'static str) -> Peer {
        let known = self.known.get(name).cloned();
        if known.is_none() {
            self.undeclared.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(name);
        }
        Peer { name, known }
    }

    pub(crate) fn undeclared(&self) -> Option<&'static str> {
        *self.undeclared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn metrics(&self) -> Vec<Metric> {
        measure::all(self.known.values().map(AsRef::as_ref))
    }
}
