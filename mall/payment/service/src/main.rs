//! Runs the payment context.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use payment_service::{api, service, settings::Settings};

fn main() -> ExitCode {
    bongsu::main("payment", service, |handle, _: &Settings| api::routes(handle))
}
