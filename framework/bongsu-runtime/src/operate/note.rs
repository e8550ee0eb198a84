//! What an operator does is written down: who, why, when, beside the events it changes something about.

use std::sync::Arc;

use bongsu_core::{Change, CommandId, Ctx, DecodeError, Folder, StreamRef};
use serde::Serialize;

use crate::{
    commit::{fail::Fail, unit::Unit},
    records::{cloudevent::rfc3339, deed::RecordedDeed},
};

/// Who acts as an operator, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    actor: String,
    reason: Option<String>,
}

/// The deed cannot be written down as it was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDeed {
    /// Nobody, or a name nobody has.
    #[error("an operator has a name of 1 to {} characters", Deed::LONGEST_ACTOR)]
    Actor,
    /// Empty, or a story.
    #[error("a reason has 1 to {} characters on one line", Deed::LONGEST_REASON)]
    Reason,
}

impl Deed {
    /// Longest name, in characters: a person has shorter ones, and it stands in every row of a list.
    pub const LONGEST_ACTOR: usize = 100;
    /// Longest reason, in characters: a paragraph. It is kept for ever in an event and read in a log line.
    pub const LONGEST_REASON: usize = 1_000;

    /// A deed of this operator.
    ///
    /// # Errors
    /// [`BadDeed`] for what is empty, too long, or has control characters in it.
    pub fn new(actor: &str, reason: Option<&str>) -> Result<Self, BadDeed> {
        if !fits(actor, Self::LONGEST_ACTOR) {
            return Err(BadDeed::Actor);
        }
        if reason.is_some_and(|reason| !fits(reason, Self::LONGEST_REASON)) {
            return Err(BadDeed::Reason);
        }
        Ok(Self { actor: actor.to_owned(), reason: reason.map(str::to_owned) })
    }

    /// Whether a reason was given.
    pub fn has_reason(&self) -> bool {
        self.reason.is_some()
    }
}

fn fits(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
}

impl Unit {
    /// Appends an event about a deed to the operator's stream of `what`.
    pub(crate) async fn note_deed(
        &mut self,
        deed: &Deed,
        name: &'static str,
        what: &str,
        about: impl Serialize,
    ) -> Result<(), Fail> {
        let command = CommandId(self.id.0);
        let ctx = Ctx::new(self.now_ms, command, deed.actor.clone());
        let Deed { actor, reason } = deed.clone();
        let data = RecordedDeed { actor, reason, time: rfc3339(self.now_ms), id: what.to_owned(), about };
        let data = serde_json::to_vec(&data).expect("a deed has string keys and encodes as JSON");
        self.append(Change { target: deeds(what), name: (name, 1), data, event: Arc::new(()) }, &ctx).await
    }
}

/// The stream of what operators did to one thing; nothing is folded from it.
fn deeds(what: &str) -> StreamRef {
    let apply = |_: &mut (dyn std::any::Any + Send + Sync), _: &str, _: u32, _: &[u8]| Ok::<(), DecodeError>(());
    let folder =
        Folder { aggregate: "operator", empty: || Box::new(()), copy: |_| Box::new(()), apply, evolve: |_, _| true };
    StreamRef { stream: format!("operator/{what}"), folder }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_has_a_name_and_a_reason_worth_reading() {
        assert!(Deed::new("ann", None).is_ok_and(|deed| !deed.has_reason()));
        assert!(Deed::new("ann", Some("중복 주문")).is_ok_and(|deed| deed.has_reason()));
        assert_eq!(Deed::new(" ", None), Err(BadDeed::Actor));
        assert_eq!(Deed::new(&"a".repeat(101), None), Err(BadDeed::Actor));
        assert_eq!(Deed::new("ann", Some("")), Err(BadDeed::Reason));
        assert_eq!(Deed::new("ann", Some(&"가".repeat(1_001))), Err(BadDeed::Reason));
        assert_eq!(Deed::new("ann", Some("two\nlines")), Err(BadDeed::Reason));
    }
}
