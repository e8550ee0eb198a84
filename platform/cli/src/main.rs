//! The bongsu binary: every part of the platform as a subcommand.
#![forbid(unsafe_code)]

fn main() {}
