//! The rules of the delivery context, as a shopkeeper would read them.

mod deliveries;
mod courier;
mod sagas;
mod golden;
