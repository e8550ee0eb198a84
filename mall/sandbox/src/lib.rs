//! The outside world over real HTTP: a payment provider with a ledger.
#![forbid(unsafe_code)]
