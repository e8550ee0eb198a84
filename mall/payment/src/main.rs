//! Runs the payment context.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use payment::{Settings, api, service};

fn main() -> ExitCode {
    bongsu::main("payment", service, |handle, _: &Settings| api::routes(handle))
}
