//! The rules of the audit context: what cannot all be true of one order.

mod words;
mod agreeing;
mod disagreeing;
mod watching;
mod inspecting;
mod golden;
