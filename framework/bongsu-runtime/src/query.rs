//! Reading what is stored: the past of a stream, and following one as it grows.

pub(crate) mod past;
pub(crate) mod feed;
pub(crate) mod follow;
