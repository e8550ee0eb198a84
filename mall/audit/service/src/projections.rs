//! What this context reads, folded from its own facts.

pub mod disagreements;
pub mod orders_heard;
