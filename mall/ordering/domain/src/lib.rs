//! The rules of the ordering context: pure, no I/O.
#![forbid(unsafe_code)]
