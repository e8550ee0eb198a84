//! System tests: journeys, chaos and contracts over all contexts.
//!
//! [`evidence`] is what a run leaves behind, whoever ran it: the simulator, or real processes. [`rules`] judge
//! it: the invariants of the mall, each with how many things it looked at. [`harness`] runs the real processes, [`mall`] says
//! which contexts there are.
#![forbid(unsafe_code)]

pub mod mall;
pub mod evidence;
pub mod rules;
pub mod harness;
