//! One run, many seeds, and a crash at every step of one.

pub(crate) mod run;
pub(crate) mod seeds;
pub(crate) mod crashes;
