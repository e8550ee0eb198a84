//! The audit: what cannot all be true of one order, what is recorded of it and when, and what a running audit answers.

mod words;
mod rules;
mod watching;
mod answering;

bongsu_testing::standing!(audit, answering::there);
