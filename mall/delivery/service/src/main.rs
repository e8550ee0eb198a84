//! The delivery context as a service: its map, its reactions and its HTTP API.
#![forbid(unsafe_code)]

fn main() {}
