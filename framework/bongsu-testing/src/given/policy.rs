//! When a fact is heard, then these commands.

use std::fmt::Debug;

use bongsu_core::{Policy, Wire};

/// What a policy asks for. See [`policy`].
pub struct Reacted<P: Policy> {
    commands: Vec<P::Command>,
}

/// Tells a policy a fact, over the wire: the fact is encoded, decoded and then heard.
///
/// ```
/// use bongsu_core::{Ctx, Policy, version};
/// use bongsu_testing::given::policy;
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
/// policy(&KeepDry, Rained {}).then([CloseRoof {}]);
/// ```
pub fn policy<P: Policy>(policy: &P, fact: impl Into<P::Fact>) -> Reacted<P> {
    let fact = fact.into();
    let (name, schema) = fact.name();
    let heard = P::Fact::decode(name, schema, &fact.encode()).expect("a fact that was encoded decodes");
    Reacted { commands: policy.react(&heard.expect("a fact knows its own name"), &super::ctx(0)) }
}

impl<P: Policy> Reacted<P>
where
    P::Command: Debug + PartialEq,
{
    /// exactly these commands, first to last.
    #[track_caller]
    pub fn then(self, commands: impl Into<Vec<P::Command>>) {
        assert_eq!(self.commands, commands.into(), "other commands follow");
    }
}
