//! What is folded from facts to be read.

pub mod confirmed;
