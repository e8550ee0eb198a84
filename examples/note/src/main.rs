//! Runs the note context.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use note::{Settings, api, service};

fn main() -> ExitCode {
    bongsu::main("note", service, |handle, _: &Settings| api::routes(handle))
}
