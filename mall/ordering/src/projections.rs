//! What this context reads, folded from facts.

pub mod orders_of_customer;
