//! The adapter on real files: the rules of the port, and what only a file can do to it.

mod conformance;
