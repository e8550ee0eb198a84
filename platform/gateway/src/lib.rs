//! The one address of a system: routes, balancing, limits, timeouts and a chain of filters.
#![forbid(unsafe_code)]
