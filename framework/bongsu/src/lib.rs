//! The front door: a service in one line, adapters picked by URL.
#![forbid(unsafe_code)]
