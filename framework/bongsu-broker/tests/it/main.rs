//! The embedded broker through real sockets and, where it matters, in a real process.

mod bench;
mod conformance;
mod restart;
mod layouts;
mod recipes;
mod who;
mod node;
mod kill;
mod http;
mod hold;
mod limits;
mod file;
mod disk_full;
