//! Stateless reactions: most of what a context does when it hears another.

use crate::{Ctx, wire::Wire};

/// "Whenever this fact, then these commands."
///
/// The commands are decided in the same Commit that remembers the fact as handled. A rejected command is
/// an answer, not a failure: it is logged, and the fact counts as handled.
///
/// ```
/// use bongsu_core::{CommandId, Ctx, Policy, version};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// struct Rained {}
/// version!(Rained, "weather.rained", 1);
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// struct CloseRoof {}
/// version!(CloseRoof, "stadium.close-roof", 1);
///
/// struct KeepDry;
/// impl Policy for KeepDry {
///     const NAME: &'static str = "keep-dry";
///     type Fact = Rained;
///     type Command = CloseRoof;
///     fn react(&self, _: &Rained, _: &Ctx) -> Vec<CloseRoof> { vec![CloseRoof {}] }
/// }
/// assert_eq!(KeepDry.react(&Rained {}, &Ctx::new(0, CommandId(1), "test")), vec![CloseRoof {}]);
/// ```
pub trait Policy {
    /// Names the consumer; its position is kept under this name, so it never changes.
    const NAME: &'static str;
    /// What it hears.
    type Fact: Wire;
    /// What it asks for.
    type Command: Wire;

    /// The commands that follow from a fact.
    fn react(&self, fact: &Self::Fact, ctx: &Ctx) -> Vec<Self::Command>;
}
