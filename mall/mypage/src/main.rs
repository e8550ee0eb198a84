//! Runs MyPage.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use mypage::{Settings, api, service};

fn main() -> ExitCode {
    bongsu::main("mypage", service, |handle, _: &Settings| api::routes(handle))
}
