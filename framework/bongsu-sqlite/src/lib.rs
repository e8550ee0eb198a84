//! Store on SQLite: group commit, guards and fencing in one file per service.
#![forbid(unsafe_code)]
