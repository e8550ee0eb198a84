//! The rules of the payment context: when money is taken, and when it is given back.
//!
//! [`payment::Payments`] decides over the payment of one order. It captures only when it knows what to
//! capture, that stock is held, and of no end; a capture that turns out to have happened after the end is
//! refunded. Talking to the provider is the service's business. Pure: it must not know stores, HTTP or
//! clocks. Start reading at [`payment`].
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod events;
pub mod payment;
pub mod begin_capture;
pub mod remember_end;
pub mod record_capture;
pub mod record_refund;
