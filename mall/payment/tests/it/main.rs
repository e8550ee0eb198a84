//! Payment: its rules as a shopkeeper would read them, its contracts, and its life with a provider.

mod words;
mod rules;
mod contracts;
mod life;
mod process;
