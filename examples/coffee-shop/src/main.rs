//! The first service: a counter takes orders while baristas work.
#![forbid(unsafe_code)]

fn main() {}
