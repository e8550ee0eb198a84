//! The rules of the product context: pure, no I/O.
#![forbid(unsafe_code)]
