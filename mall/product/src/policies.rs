//! What this context does when it hears another.

pub mod follow_orders;
