//! What one service asks another, synchronously and bounded: within a deadline, through a breaker, so many at once.
//!
//! Whom it may ask is declared by the map ([`Service::asks`](crate::Service::asks)); [`Peer`] is how it is asked. A call that
//! hangs costs its own place among those at once and nothing else.

pub(crate) mod asks;
pub(crate) mod budget;
pub(crate) mod question;
pub(crate) mod ticket;
pub(crate) mod peer;
pub(crate) mod peers;
pub(crate) mod measure;
