//! The figures the documentation states, measured on real processes. Ignored by ordinary test runs, because a
//! figure needs the machine for itself: `make bench`, which makes one table of the rows that are printed here.
//!
//! Start reading at [`table`], which says what a row is. Each other module has the rows of one family, or what they share:
//! [`machine`] reads what the kernel says of a process, [`callers`] ask.

mod table;
mod machine;
mod callers;
mod street;
mod nginx;
mod edge;
mod slow;
mod breaker;
mod orders;
mod service;
mod mall;
