//! What takes commands, whichever way it decides.

use crate::{Decider, Decision, Wire};

/// A [`Decider`] or a [`Decision`]: who asks it gets its own rejection back.
///
/// Implemented for both; `Kind` says which of them it is, and is always inferred.
pub trait Takes<Kind> {
    /// What may be asked.
    type Command: Wire;
    /// Why it may be refused.
    type Rejection: Wire;
}

/// It decides over one aggregate.
#[derive(Debug)]
pub enum ByDecider {}

/// It decides over several.
#[derive(Debug)]
pub enum ByDecision {}

impl<D: Decider> Takes<ByDecider> for D {
    type Command = D::Command;
    type Rejection = D::Rejection;
}

impl<D: Decision> Takes<ByDecision> for D {
    type Command = D::Command;
    type Rejection = D::Rejection;
}
