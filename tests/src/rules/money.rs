//! I7: money, judged from outside by the provider's books.

use std::collections::BTreeMap;

use ordering_domain::order::{Orders, Phase};
use payment::payment::{Charge, Payments};
use serde_json::Value;

use super::Checked;
use crate::evidence::Evidence;

/// What the provider did for one order.
#[derive(Default)]
struct Account {
    captured: i64,
    captures: u64,
    refunded: i64,
}

/// I7: captures ≤ 1 per order and of its total; refunds ≤ captures; a completed order is paid and not refunded;
/// an order that ended otherwise holds no money.
pub(super) fn conserved(evidence: &Evidence) -> Checked {
    let accounts = accounts(&evidence.ledger);
    let orders = evidence.store("ordering").states_of::<Orders>();
    for (order, account) in &accounts {
        let total = orders.get(order).and_then(|state| state.placed.as_ref()).map_or(0, |placed| placed.amount.minor);
        if account.captures > 1 || (account.captured != 0 && account.captured != total) {
            return Err(format!("{order} of {total} was charged {} times, {}", account.captures, account.captured));
        }
        if account.refunded > account.captured {
            return Err(format!("{order} got back {} of {}", account.refunded, account.captured));
        }
    }
    for (order, state) in orders.iter() {
        let account = accounts.get(order);
        let kept = account.map_or(0, |account| account.captured - account.refunded);
        let total = state.placed.as_ref().map_or(0, |placed| placed.amount.minor);
        let due = if matches!(state.phase, Phase::Completed | Phase::Confirmed { .. }) { total } else { 0 };
        if kept != due {
            return Err(format!("{order} is {:?} and {kept} of {due} is kept", state.phase));
        }
    }
    Ok(orders.len() as u64)
}

/// I7: what payment believes of every order is what the provider did.
pub(super) fn books_agree(evidence: &Evidence) -> Checked {
    let accounts = accounts(&evidence.ledger);
    let payments = evidence.store("payment").states_of::<Payments>();
    for (order, state) in payments.iter() {
        let account = accounts.get(order);
        let theirs = account.map_or((0, 0), |account| (account.captured, account.refunded));
        let ours = match &state.charge {
            Charge::None | Charge::Forgone | Charge::Declined { .. } => (0, 0),
            Charge::Captured { amount, .. } => (amount.minor, 0),
            Charge::Refunded { amount } => (amount.minor, amount.minor),
            Charge::Requested | Charge::RefundRequested { .. } => {
                return Err(format!("{order}: the provider was asked and the answer is not recorded"));
            }
        };
        if ours != theirs {
            return Err(format!("{order}: our books say {ours:?}, the provider's {theirs:?}"));
        }
    }
    match accounts.keys().find(|order| !payments.contains_key(*order)) {
        Some(order) => Err(format!("{order} was charged and payment knows nothing of it")),
        None => Ok(payments.len() as u64),
    }
}

fn accounts(ledger: &Value) -> BTreeMap<String, Account> {
    let mut accounts: BTreeMap<String, Account> = BTreeMap::new();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for charge in ledger["captures"].as_array().into_iter().flatten() {
        let order = charge["order"].as_str().unwrap_or_default().to_owned();
        let account = accounts.entry(order.clone()).or_default();
        if charge["status"] == "captured" {
            account.captures += 1;
            account.captured += charge["amount"]["minor"].as_i64().unwrap_or(0);
            names.insert(charge["capture"].as_str().unwrap_or_default().to_owned(), order);
        }
    }
    for refund in ledger["refunds"].as_array().into_iter().flatten() {
        let order = names.get(refund["capture"].as_str().unwrap_or_default()).cloned().unwrap_or_default();
        accounts.entry(order).or_default().refunded += refund["amount"]["minor"].as_i64().unwrap_or(0);
    }
    accounts
}
