//! The invariants of the mall (`I1`…`I16` as in docs/guides/testing.md). Each looks at a whole run, says how
//! many things it looked at, or the first that is wrong; the caller fails a rule that looked at nothing.

pub mod orders;
mod effects;
mod marks;
mod money;
mod stock;
pub mod processes;
pub mod snapshots;
mod views;
mod audit;
mod replies;
mod causes;
pub mod poison;
#[cfg(test)]
mod tests;

use crate::evidence::Evidence;

/// How many things a rule looked at, or what is wrong.
pub type Checked = Result<u64, String>;

/// A rule and its name.
pub type Rule = (&'static str, fn(&Evidence) -> Checked);

/// Every rule over the evidence of a quiet system.
pub const ALL: &[Rule] = &[
    ("I1 no lost and no phantom order", orders::no_lost_no_phantom),
    ("I1 every order has ended", orders::every_order_has_ended),
    ("I3 versions and positions rise", orders::versions_rise),
    ("I4 every effect exactly once", effects::exactly_once),
    ("I4 no process hears anything twice", processes::heard_once),
    ("I5 no cursor passed an unhandled fact", marks::marks_cover_facts),
    ("I7 money is conserved", money::conserved),
    ("I7 our books are the provider's books", money::books_agree),
    ("I8 stock is conserved at every prefix", stock::conserved),
    ("I8 reservations end as their orders", stock::reservations_end),
    ("I9 no process is left with a timer", processes::nothing_left_to_do),
    ("I9 processes begin with their events", processes::begin_with_their_events),
    ("I9 every process has ended", processes::have_ended),
    ("I10 MyPage shows what the contexts hold", views::agree),
    ("I12 one key has one reply and one effect", replies::same_key_same_reply),
    ("I14 every cause is there", causes::causes_exist),
    ("I14 nothing but undoing after the end", causes::nothing_but_undoing_after_the_end),
];

/// Those that hold at every moment, quiet or not.
pub const ALWAYS: &[Rule] = &[
    ("I3 versions and positions rise", orders::versions_rise),
    ("I4 no process hears anything twice", processes::heard_once),
    ("I8 stock is conserved at every prefix", stock::conserved),
    ("I9 processes begin with their events", processes::begin_with_their_events),
    ("I14 every cause is there", causes::causes_exist),
    ("I14 nothing but undoing after the end", causes::nothing_but_undoing_after_the_end),
];

/// The rule of a system in which the audit runs.
pub const AUDITED: Rule = ("the audit has heard of every order and agrees", audit::agrees);

/// Checks everything; the first broken or vacuous rule is the error.
///
/// # Errors
/// The name of the rule and what is wrong.
pub fn check(evidence: &Evidence) -> Result<Vec<(&'static str, u64)>, String> {
    judge(ALL, evidence)
}

/// As [`check`], for these rules only: a system may be judged whose MyPage was stopped for good.
///
/// # Errors
/// The name of the rule and what is wrong.
pub fn judge(rules: &[Rule], evidence: &Evidence) -> Result<Vec<(&'static str, u64)>, String> {
    let judged = rules.iter().map(|(name, rule)| match rule(evidence) {
        Ok(0) => Err(format!("{name}: looked at nothing")),
        Ok(looked) => Ok((*name, looked)),
        Err(broken) => Err(format!("{name}: {broken}")),
    });
    judged.collect()
}
