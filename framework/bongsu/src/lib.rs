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
//!     message,
//! };
//! use http::StatusCode;
//!
//! #[message("door.opened", version = 1)]
//! struct Opened {}
//! #[message("door.open", version = 1, key = door)]
//! struct Open { door: String }
//! #[message("door.already-open", version = 1)]
//! struct AlreadyOpen {}
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
//!     let answer = handle.execute::<Door, _>(Open { door }, command.call(), |outcome| match outcome {
//!         Outcome::Accepted { id, .. } => command::reply(StatusCode::ACCEPTED, &serde_json::json!({ "door": id })),
//!         Outcome::Rejected(AlreadyOpen {}) => Problem::new(StatusCode::CONFLICT, "already-open", "It is open").reply(),
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
#[doc(hidden)]
pub use bongsu_core::__private;
pub use bongsu_core::*;
pub use bongsu_derive::{MessagesByFacade as Messages, id_by_facade as id, message_by_facade as message};
pub use bongsu_host as host;
pub use bongsu_host::config::NoSettings;
pub use bongsu_runtime::*;
pub use front::{main, main_as, main_live};
