//! Memory adapters, given/when/then, conformance suites for every port, and the simulator.
#![forbid(unsafe_code)]
