//! Everything around a service that is not its domain: HTTP conventions, configuration, logs, shutdown.
//!
//! It must not know any domain, store or broker; it knows axum, the machine and the runtime's ports. Start
//! reading at [`host`] (what happens to every request), then [`command`] (what a handler is given),
//! [`config`] and [`server`].
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod config;
pub mod logs;
pub mod stop;
pub mod server;
pub mod head;
pub mod host;
pub mod health;
pub mod trace;
pub mod problem;
pub mod principal;
pub mod asking;
pub mod allow;
pub mod idempotency;
pub mod json;
pub mod list;
pub mod past;
pub mod query;
pub mod after;
pub mod etag;
pub mod sse;
pub mod pages;
pub mod plain;
pub mod openapi;
pub mod command;
pub mod metrics;
pub mod revision;
pub mod operator;

mod env;
pub mod directory;
mod http_client;

pub use env::{NotACrashPoint, TokioEnv, WrongClock, check_clock};
pub use http_client::HyperClient;
