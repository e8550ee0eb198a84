//! The adapter on real files: the rules of the port, and what only files and processes can do to it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop here")]

mod bench;
mod conformance;
mod copies;
mod group;
mod instances;
mod open;
mod damage;
mod full;
mod kill;
mod stopped;
mod fatal;
mod scrub;
