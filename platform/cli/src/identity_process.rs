//! `bongsu identity`: the identity provider as a child of the supervisor, a service like any other.

use std::process::ExitCode;

use identity::{Settings, routes, service};

/// Serves until asked to stop.
pub(crate) fn run() -> ExitCode {
    // Told everything by its environment, as every child.
    bongsu::main_as("identity", ["identity".into()], service, |handle, settings: &Settings| routes(handle, settings))
}
