//! The runtime over the memory adapters, in paused time.

mod bank;
mod world;
mod commands;
mod reactions;
mod processes;
mod todos;
