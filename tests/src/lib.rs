//! System tests: journeys, chaos and contracts over all contexts.
#![forbid(unsafe_code)]
