//! Reading what is stored: states and documents, the past of a stream, and following one as it grows.

pub(crate) mod read;
pub(crate) mod past;
pub(crate) mod feed;
pub(crate) mod follow;
