//! The gateway as a library: its chain of filters, and what it tries again.
#![expect(clippy::unwrap_used, reason = "what a test cannot do ends it")]

mod street;
mod operators;
mod issuer;
mod tokens;
mod bad_tokens;
mod access;
mod provider;
mod browser;
mod sessions;
mod logging_in;
mod visitors;
mod streams;
mod shaping;
mod pressing;
mod websockets;
mod tls;
mod untaken;
mod access_log;
mod instead;
mod canaries;
mod doorstep;
mod filters;
mod fragments;
mod retries;
mod sick;
mod breakers;
mod breaker_steering;
mod rates;
