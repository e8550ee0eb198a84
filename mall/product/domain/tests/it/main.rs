//! The rules of the product context, as a shopkeeper would read them.

mod reservations;
mod stock;
mod conservation;
