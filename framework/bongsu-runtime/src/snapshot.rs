//! States kept beside their streams: written when they are due, and at night.

pub(crate) mod write;
pub(crate) mod nightly;
