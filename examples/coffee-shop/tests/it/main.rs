//! The tutorial, step by step on real processes: what its README says is what happens here.

#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy exempts only the tests themselves")]

mod shop;

mod counter;
mod baristas;
mod readme;
