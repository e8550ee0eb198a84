//! Runs the delivery context.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use delivery::{Settings, api, service};

fn main() -> ExitCode {
    bongsu::main("delivery", service, |handle, _: &Settings| api::routes(handle))
}
