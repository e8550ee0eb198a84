//! Runs the identity context.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use identity::{Settings, routes, service};

fn main() -> ExitCode {
    bongsu::main("identity", service, |handle, settings: &Settings| routes(handle, settings))
}
