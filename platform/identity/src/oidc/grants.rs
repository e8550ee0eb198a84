//! What can be exchanged for tokens, a file each.

mod given;
pub(crate) mod code;
pub(crate) mod refresh;
pub(crate) mod credentials;
