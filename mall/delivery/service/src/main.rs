//! Runs the delivery context.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use delivery_service::{api, service, settings::Settings};

fn main() -> ExitCode {
    bongsu::main("delivery", service, |handle, _: &Settings| api::routes(handle))
}
