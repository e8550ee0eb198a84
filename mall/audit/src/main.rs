//! Runs the audit context.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use audit::{Settings, api, service};

fn main() -> ExitCode {
    bongsu::main("audit", service, |handle, _: &Settings| api::routes(handle))
}
