//! How a broker runs, and what it takes at most.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use bongsu_keys::Keys;

/// How a broker runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Its file; made, with its folder, when missing.
    pub data: PathBuf,
    /// Bounds.
    pub limits: Limits,
    /// Who may speak to it. None: whoever reaches it may do everything, as beside a service that runs alone.
    pub keys: Option<Keys>,
    /// Names it is reached by, beside IP addresses and `localhost`.
    pub hosts: Vec<String>,
}

/// What a broker takes at most; beyond, it refuses.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// Bytes of request bodies held at a time, read or queued.
    pub queued_bytes: usize,
    /// Time for the head of a request; also how long an idle connection is kept.
    pub header_timeout: Duration,
    /// Time for the body of a request.
    pub body_timeout: Duration,
    /// Time for open requests after the shutdown was asked for.
    pub drain: Duration,
}

impl Config {
    /// A broker with the usual limits.
    pub fn new(listen: SocketAddr, data: impl Into<PathBuf>) -> Self {
        Self { listen, data: data.into(), limits: Limits::default(), keys: None, hosts: Vec::new() }
    }

    /// With callers that must show a key.
    #[must_use]
    pub fn with_keys(self, keys: Option<Keys>) -> Self {
        Self { keys, ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            queued_bytes: 64 << 20,
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(10),
            drain: Duration::from_secs(5),
        }
    }
}
