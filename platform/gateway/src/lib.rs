//! The one address of a system: routes, balancing, limits, timeouts, and a chain of filters everything passes.
//!
//! It must not know who starts services nor what they do: routes and instances come as a [`Table`] over a channel,
//! whoever feeds it. Start reading at [`Gateway`], then [`filter`] and [`filters`] (what happens to every request),
//! [`login`] (who is asking), [`sessions`] (who is logged in in a browser), `visitors` (who is not),
//! [`rates`] (how often), `forward` (which instance gets it, and what may be tried again), `outliers` (who is left out for a while) and
//! [`breaker`] (when nobody is asked for a while).
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod table;
pub mod settings;
pub mod filter;
pub mod filters;
pub mod login;
pub mod sessions;
mod visitors;
mod lease;
pub mod breaker;
pub mod fallback;
mod last_good;
pub mod rates;
pub mod rewrite;
pub mod headers;
pub mod cors;
pub mod compression;
mod alone;
pub mod tls;
mod breakers;
mod metrics;
mod outcome;
mod own;
mod merge;
mod outliers;
mod balance;
mod body;
mod stream;
mod streams;
mod tunnel;
mod connect;
mod forward;
mod gateway;

pub use filter::{Exchange, Filter, Flow, Who};
pub use gateway::Gateway;
pub use login::Login;
pub use sessions::{Sessions, Shelf};
pub use settings::Settings;
pub use table::{Access, Canary, May, Route, Table};
pub use tls::{Certificate, Tls};
