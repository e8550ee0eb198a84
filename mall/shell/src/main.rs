//! Runs the shell.
#![forbid(unsafe_code)]

use std::{path::Path, process::ExitCode};

use bongsu_host::{config::NoSettings, plain};
use shell::frame;

fn main() -> ExitCode {
    plain::main("shell", |config, _: NoSettings, _| Ok((frame::routes(Path::new(&config.pages)), ())))
}
