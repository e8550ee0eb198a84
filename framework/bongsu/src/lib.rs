//! The front door: a service in one line, adapters picked by URL.
//!
//! A service author needs this crate alone: it re-exports the kernel, the runtime and, as [`host`], the HTTP
//! conventions. [`main()`] is a service's whole `main`: configuration, logs, store, broker, runtime, server,
//! and a clean end.
//!
//! ```no_run
//! use axum::{Router, extract::{Path, State}, response::Response, routing::post};
//! use bongsu::{
//!     Aggregate, Ctx, Decider, Handle, NoSettings, Outcome, Service,
//!     host::{command::{self, Command, NoBody}, problem::Problem},
//!     version,
//! };
//! use http::StatusCode;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)] struct Opened {}
//! version!(Opened, "door.opened", 1);
//! #[derive(Serialize, Deserialize)] struct Open { door: String }
//! version!(Open, "door.open", 1);
//! #[derive(Serialize, Deserialize)] struct AlreadyOpen {}
//! version!(AlreadyOpen, "door.already-open", 1);
//!
//! struct Door;
//! impl Aggregate for Door {
//!     const NAME: &'static str = "door";
//!     type Event = Opened;
//!     type State = bool;
//!     fn evolve(open: &mut bool, _: &Opened) { *open = true; }
//! }
//! impl Decider for Door {
//!     type Command = Open;
//!     type Rejection = AlreadyOpen;
//!     fn target(&self, command: &Open, _: &Ctx) -> String { command.door.clone() }
//!     fn decide(&self, open: &bool, _: Open, _: &Ctx) -> Result<Vec<Opened>, AlreadyOpen> {
//!         if *open { Err(AlreadyOpen {}) } else { Ok(vec![Opened {}]) }
//!     }
//! }
//!
//! async fn open(
//!     State(handle): State<Handle>,
//!     Path(door): Path<String>,
//!     command: Command<NoBody>,
//! ) -> Result<Response, Problem> {
//!     let answer = handle.execute(&Open { door }, command.call(), &|outcome| match outcome {
//!         Outcome::Accepted { id, .. } => command::reply(StatusCode::ACCEPTED, &serde_json::json!({ "door": id })),
//!         Outcome::Rejected { .. } => Problem::new(StatusCode::CONFLICT, "already-open", "It is open").reply(),
//!     }).await?;
//!     Ok(command::respond(answer))
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     bongsu::main(
//!         "house",
//!         |_: &NoSettings| Service::new("house").decider(Door, |_, _, _| None),
//!         |handle, _| Router::new().route("/doors/{door}/open", post(open)).with_state(handle),
//!     )
//! }
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod adapters;
mod build;
mod front;

pub use adapters::{AdapterError, EmbeddedBroker, open_broker, open_store};
pub use bongsu_core::*;
pub use bongsu_host as host;
pub use bongsu_runtime::*;
pub use front::{NoSettings, main};
