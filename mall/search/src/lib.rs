//! What somebody looks for in Korean or English, found: an index in memory, of whatever has an id, names and a category.
//!
//! It holds no truth: whoever uses it fills it from what he stores, and again after every start. What is typed is never read as
//! a language: it becomes words ([`Words`]), and each is looked for as it is. Start reading at [`Index`]; [`gram`] says what a
//! text consists of, [`shelf`] in which order things are found.
#![forbid(unsafe_code)]

mod gram;
mod words;
mod shelf;
mod index;

pub use index::{Entry, Index, SearchError};
pub use shelf::{Found, Place};
pub use words::{LONGEST, MOST_WORDS, TooMuch, Words};
