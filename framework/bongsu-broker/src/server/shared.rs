//! What the requests share.

use std::{future::Future, sync::Arc};

use bongsu_keys::Keys;

use super::{config::Limits, consumers, hold, index::Index, reader::Readers, writer::Job};

/// What the requests share.
pub(crate) struct Shared {
    pub(crate) index: Arc<Index>,
    pub(crate) readers: Readers,
    pub(crate) jobs: tokio::sync::mpsc::Sender<Job>,
    pub(crate) consumers: consumers::Consumers,
    pub(crate) hold: hold::Hold,
    pub(crate) bodies: Arc<tokio::sync::Semaphore>,
    pub(crate) limits: Limits,
    pub(crate) keys: Option<Keys>,
    pub(crate) hosts: Vec<String>,
    pub(crate) stopping: tokio::sync::watch::Sender<bool>,
}

impl Shared {
    /// Resolves when the broker is to stop.
    pub(crate) fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stopping = self.stopping.subscribe();
        async move {
            // An error means that the server is gone altogether.
            let _ = stopping.wait_for(|stopping| *stopping).await.map(drop);
        }
    }
}
