//! Why a broker does not run.

use std::{io, net::SocketAddr, path::PathBuf};

/// Why a broker does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another process has the file.
    #[error("{} is in use by another broker", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error("{} is not a broker's file: {found}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
    },
    /// The file cannot be trusted.
    #[error("{} is damaged: {why}; move it away and start again, then let the services refill the broker", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// The file or its folder cannot be read or written.
    #[error("{} cannot be used: {why}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// The linked SQLite has a bug that loses data.
    #[error("SQLite {found} is older than 3.51.3, which first fixed the WAL-reset corruption")]
    OldSqlite {
        /// Its version.
        found: &'static str,
    },
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Writing failed in a way after which nothing is certain; restart.
    #[error("the broker's file can no longer be written: {0}")]
    Writing(String),
}
