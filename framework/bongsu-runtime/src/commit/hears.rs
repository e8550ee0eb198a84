//! What a reader hears of a message: the same for one that follows the broker and for one that is filled anew.

use crate::{
    commit::core::Core,
    ports::broker::{is_orphaned, may_tell},
    records::{cloudevent::Envelope, seen::Stand},
};

impl Core {
    /// Wire name and schema of a fact that a reader hears: one that it reads, told by whom it belongs to, and not orphaned
    /// by a parting of its source's history. `None`: it passes by, and leaves no mark.
    pub(crate) fn hears<'e>(
        &self,
        envelope: &'e Envelope<'_>,
        stand: Stand,
        reads: impl Fn(&str) -> bool,
    ) -> Option<(&'e str, u32)> {
        let (name, schema) = envelope.name().filter(|(name, _)| reads(name))?;
        let Envelope { source, id, .. } = envelope;
        if !may_tell(source, name) {
            tracing::warn!(%source, name, %id, "a fact that is another's to tell is not heard");
            return None;
        }
        let partings = self.partings.of(source);
        let orphaned = partings.is_some_and(|partings| is_orphaned(&partings, stand.era, stand.position));
        (!orphaned).then_some((name, schema))
    }
}
