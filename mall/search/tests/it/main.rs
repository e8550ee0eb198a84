//! What is found and what is not, in the words of a shop.

mod finding;
mod hostile;
