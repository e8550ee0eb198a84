//! What only a real compiler can tell.

mod domains;
mod features;
mod hops;
