//! The runtime over the memory adapters, in paused time.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod bank;
mod trips;
mod once_encoded;
mod parcels;
mod alarms;
mod dropping;
mod history;
mod world;
mod commands;
mod reactions;
mod rebuild;
mod rollout;
mod processes;
mod ids;
mod unwinding;
mod versions;
mod upgrades;
mod early;
mod wiring;
mod todos;
mod forgetting;
mod counting;
mod followers;
mod awaiting;
mod long_streams;
mod content;
mod snapshots;
mod clocks;
mod parting;
mod past;
mod slots;
mod rules;
mod asking;
