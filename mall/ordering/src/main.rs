//! Runs the ordering context.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use ordering::{Settings, api, service};

fn main() -> ExitCode {
    bongsu::main_live("ordering", Settings::LIVE, service, |handle, _: &Settings| api::routes(handle))
}
