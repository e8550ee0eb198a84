//! The shell: answers every address that is no service's with the frame, in which each context shows its own pages.
//!
//! It knows no context, owns no data and hears no facts, so it has no store and no runtime. [`frame`] is all it does.
#![forbid(unsafe_code)]

pub mod frame;
mod hints;
