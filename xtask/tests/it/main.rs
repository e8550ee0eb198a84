//! What only a real compiler can tell.

mod hops;
