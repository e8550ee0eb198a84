//! The rules of the audit context: which orders disagree between contexts, and since when.
//!
//! [`books::Books`] is what each context told of one order; [`rules`] says what cannot all be true. A
//! [`watch::Watch`] over every order gives the contexts a moment to hear of each other, and then has the
//! [`inspection::Inspections`] record what it found. Pure: it must not know stores, HTTP or clocks. Start
//! reading at [`rules`].
#![forbid(unsafe_code)]

pub mod heard;
pub mod books;
pub mod rules;
pub mod events;
pub mod inspection;
pub mod take_up;
pub mod report;
pub mod settle;
pub mod watch;
