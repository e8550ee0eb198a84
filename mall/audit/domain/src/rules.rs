//! What cannot all be true of one order: the rules that judge the simulator's runs, over what was told.
//!
//! Each looks at the books of one order. While facts travel, an order may break a rule for a moment; only what
//! lasts is reported, see [`Watch`](crate::watch::Watch).

mod orders;
mod stock;
mod money;
mod parcels;

use serde::{Deserialize, Serialize};

use crate::books::Books;

/// A rule that an order breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's name: stable, for programs.
    pub rule: String,
    /// Who disagrees.
    pub contexts: Vec<String>,
    /// What they say, for people.
    pub detail: String,
}

/// One rule: what is wrong, if something is.
pub type Rule = fn(&Books) -> Option<Finding>;

/// Every rule.
pub const ALL: &[Rule] = &[
    orders::placed,
    orders::ended_once,
    orders::decided_in_time,
    orders::packed_in_time,
    stock::confirmed_holds_stock,
    stock::held_as_ordered,
    stock::given_back_at_the_end,
    stock::given_back_only_at_the_end,
    stock::gone_when_completed,
    stock::moved_as_held,
    stock::one_answer,
    money::confirmed_is_paid,
    money::charged_as_ordered,
    money::one_answer,
    money::refunded_at_the_end,
    money::refunded_only_at_the_end,
    money::refunded_as_charged,
    parcels::packed_only_when_confirmed,
    parcels::completed_as_delivered,
    parcels::called_off_together,
    parcels::one_way,
];

/// Every rule this order breaks.
pub fn findings(books: &Books) -> Vec<Finding> {
    ALL.iter().filter_map(|rule| rule(books)).collect()
}

/// A finding, if something is wrong.
fn found(wrong: bool, rule: &str, contexts: &[&str], detail: impl Into<String>) -> Option<Finding> {
    let contexts = contexts.iter().map(|context| (*context).to_owned()).collect();
    wrong.then(|| Finding { rule: rule.into(), contexts, detail: detail.into() })
}
