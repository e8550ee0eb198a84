//! Runs MyPage.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use bongsu::NoSettings;
use mypage::{api, service};

fn main() -> ExitCode {
    bongsu::main("mypage", |_: &NoSettings| service(), |handle, _| api::routes(handle))
}
