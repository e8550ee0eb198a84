//! Work with I/O: asking the provider. It runs at least once; the provider recognises our keys.

pub mod provider;
pub mod capture;
pub mod refund;
