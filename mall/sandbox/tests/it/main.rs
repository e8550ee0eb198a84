//! The outside world, as those who depend on it need it to be.

mod books;
mod requests;
mod file;
mod server;
