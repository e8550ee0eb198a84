//! A breaker: whether calls are worth making, by what became of those before. Pure: it is told the time and the outcomes, and
//! knows neither requests nor sockets nor where its rules were read.
//!
//! Closed lets everything through and counts. Open lets nothing through for a while. Half-open lets a few through, each with a
//! lease that ends, so that a probe that never comes back holds up nobody; when all were answered well it closes, when one was not
//! it opens for twice as long. A call that began before the last change says nothing about what is now.
//! What counts as a failure is for its owner to say: the gateway for what comes from outside, `bongsu-runtime` for what one
//! service asks another. Start reading at [`Breaker`].
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod rules;
mod shown;
mod window;
mod breaker;

pub use breaker::{Breaker, Change, Fault, Force, Outcome, Pass, Shut};
pub use rules::Rules;
pub use shown::{Kind, Shown};

#[cfg(test)]
mod tests;
