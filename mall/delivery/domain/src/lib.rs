//! The rules of the delivery context: a parcel is prepared, departs and arrives, or does not.
//!
//! [`delivery::Deliveries`] decides over the delivery of one order; [`courier::Courier`] moves it by clock,
//! or leaves that to people. Pure: it must not know stores, HTTP or clocks. Start reading at [`delivery`].
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod events;
pub mod delivery;
pub mod prepare_delivery;
pub mod depart;
pub mod complete_delivery;
pub mod fail_delivery;
pub mod cancel_delivery;
pub mod courier;
