//! The rules of the delivery context: pure, no I/O.
#![forbid(unsafe_code)]
