//! Every planted bug: where it is, which rules may find it; and those of the mall's own logic.
//!
//! The numbers are those of the catalogue of bugs that systems like this one have shipped.

mod phantom;
mod payments;
mod resurrection;

use bongsu_runtime::Service;
use system_tests::mall;

/// A bug and what must find it.
pub(crate) struct Bug {
    /// As in `BUG=name`.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) does: &'static str,
    /// How the name of the rule begins that is there for it. That the run hangs, or that another rule is broken by what
    /// follows, does not count.
    pub(crate) found_by: &'static str,
}

/// Every bug; those of the runtime's kind are ports that lie, in `bongsu-sim/src/faults/mutants.rs`.
pub(crate) const BUGS: &[Bug] = &[
    bug("publish-before-commit", "facts leave before their Commit", "I2 published is committed"),
    bug("position-before-effect", "the cursor is written before the effect", "I5 lanes"),
    bug("highest-offset", "the cursor moves past a gap", "I5 lanes"),
    bug("fact-lost", "a fact in the middle of its subject is passed over", "I5 lanes"),
    bug("effect-before-mark", "effect and mark are two Commits", "I5 lanes"),
    bug("two-relays", "two workers publish one feed", "I3 published in order"),
    bug("blind-retry", "a repeated batch looks new to the broker", "I2 published once"),
    bug("lost-timer", "a timer is never written down", "I9 timers"),
    bug("timer-after-state", "a timer is written after its state", "I9 timers"),
    bug("timer-in-memory", "a timer is only in memory", "I9 timers"),
    bug("timer-early", "a timer is due before its time", "I9 timers"),
    bug("short-memory", "a fact repeated late is not recognised", "I5 lanes"),
    bug("once-key-after-handler", "an answer is kept only after its effect", "I12"),
    bug("cancelled-between-writes", "a command is two writes with an await between", "I9 processes begin"),
    bug("rebuild-swap-before-catch-up", "a read model is shown before it is filled", "I6"),
    bug("poison-skipped", "a fact that cannot be handled is passed over", "I5 lanes"),
    bug("poison-overtaken", "facts behind a parked one do not wait for it", "I16 poison"),
    bug("no-fence-after-pause", "what is done under a lease goes unguarded", "I15"),
    bug("phantom-stock", "stock is given back that was never taken", "I8"),
    bug("undo-skipped", "a capture that may have happened is not undone", "I7"),
    bug("undo-twice", "what was held is given back twice", "I8"),
    bug("late-reply-resurrects", "late replies confirm an order that has ended", "I14"),
];

const fn bug(name: &'static str, does: &'static str, found_by: &'static str) -> Bug {
    Bug { name, does, found_by }
}

/// The map of a context with a bug of the mall's own logic in it; `None` when the bug is not of this context.
pub(crate) fn map(context: &str, bug: Option<&str>) -> Option<Service> {
    match (context, bug?) {
        ("product", "phantom-stock") => Some(mall::map("product").decision_instead(phantom::ReleaseWhateverWasAsked)),
        ("product", "undo-twice") => Some(mall::map("product").decision_instead(phantom::ReleaseTwice)),
        ("payment", "undo-skipped") => Some(payments::service()),
        ("ordering", "late-reply-resurrects") => Some(resurrection::service()),
        _ => None,
    }
}
