//! When a fact is heard, then these commands.

use std::fmt::Debug;

use bongsu_core::{Ctx, Wire};

/// What a policy asks for. See [`policy`].
pub struct Reacted<C> {
    commands: Vec<C>,
}

/// Tells a policy a fact, over the wire: the fact is encoded, decoded and then heard.
///
/// ```
/// use bongsu_core::{Ctx, message};
/// use bongsu_given::policy;
///
/// #[message("weather.rained", version = 1)]
/// struct Rained {}
/// #[message("stadium.close-roof", version = 1)]
/// struct CloseRoof {}
///
/// fn keep_dry(_: &Rained, _: &Ctx) -> Vec<CloseRoof> { vec![CloseRoof {}] }
///
/// policy(keep_dry, Rained {}).then([CloseRoof {}]);
/// ```
pub fn policy<F: Wire, C>(policy: impl Fn(&F, &Ctx) -> Vec<C>, fact: impl Into<F>) -> Reacted<C> {
    let fact = fact.into();
    let (name, schema) = fact.name();
    let heard = F::decode(name, schema, &fact.encode()).expect("a fact that was encoded decodes");
    Reacted { commands: policy(&heard.expect("a fact knows its own name"), &super::ctx(0)) }
}

impl<C: Debug + PartialEq> Reacted<C> {
    /// exactly these commands, first to last.
    #[track_caller]
    pub fn then(self, commands: impl Into<Vec<C>>) {
        assert_eq!(self.commands, commands.into(), "other commands follow");
    }
}
