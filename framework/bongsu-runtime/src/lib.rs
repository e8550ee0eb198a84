//! Runs the kernel: commands, relay, consumers, processes, projections, timers, activities and parking.
//!
//! It knows the ports in [`ports`] and nothing behind them: no database, broker, web framework or clock of
//! the machine. Start reading at [`ports::store`], then `Service` (the map of a context) and `Handle`.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod ports;
