//! What only a real compiler can tell.

mod features;
mod hops;
