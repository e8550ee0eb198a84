//! The tests of this crate, one binary.

mod long;
mod sim;
