//! Runs bff-web.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use bff_web::{Settings, api, service};

fn main() -> ExitCode {
    bongsu::main("bff-web", service, |handle, _: &Settings| api::routes(handle))
}
