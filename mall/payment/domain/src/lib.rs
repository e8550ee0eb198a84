//! The rules of the payment context: pure, no I/O.
#![forbid(unsafe_code)]
