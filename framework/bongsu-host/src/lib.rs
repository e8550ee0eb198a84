//! Everything around a service that is not its domain: HTTP conventions, configuration, logs, shutdown.
#![forbid(unsafe_code)]
