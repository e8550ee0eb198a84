//! What cannot all be true of one order: the rules that judge the simulator's runs, over what was told.
//!
//! Each looks at the books of one order. While facts travel, an order may break a rule for a moment; only what
//! lasts is reported, see [`Watch`](crate::watch::Watch).

use money::Money;
use serde::{Deserialize, Serialize};

use crate::books::{Books, End};

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
    placed,
    ended_once,
    decided_in_time,
    packed_in_time,
    confirmed_holds_stock,
    held_as_ordered,
    given_back_at_the_end,
    given_back_only_at_the_end,
    gone_when_completed,
    moved_as_held,
    stock_has_one_answer,
    confirmed_is_paid,
    charged_as_ordered,
    money_has_one_answer,
    refunded_at_the_end,
    refunded_only_at_the_end,
    refunded_as_charged,
    packed_only_when_confirmed,
    completed_as_delivered,
    called_off_together,
    one_way,
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

// Orders: placed before anything else, ended once, decided in time.

/// Nobody speaks of an order that nobody placed.
fn placed(books: &Books) -> Option<Finding> {
    let Books { ordering, product, payment, delivery, .. } = books;
    let spoke = [
        ("ordering", ordering.confirmed || !ordering.ends.is_empty()),
        ("product", product.has_spoken()),
        ("payment", payment.has_spoken()),
        ("delivery", delivery.has_spoken()),
    ];
    let others: Vec<&str> = spoke.into_iter().filter_map(|(context, spoke)| spoke.then_some(context)).collect();
    let detail = format!("never placed, and yet told of by {}", others.join(", "));
    let contexts = [vec!["ordering"], others.iter().copied().filter(|context| *context != "ordering").collect()];
    found(ordering.placed.is_none() && !others.is_empty(), "never-placed", &contexts.concat(), detail)
}

/// An order ends once; it is rejected before it is confirmed, and completed after.
fn ended_once(books: &Books) -> Option<Finding> {
    let (ends, confirmed) = (&books.ordering.ends, books.ordering.confirmed);
    let twice = ends.len() > 1;
    let against = (confirmed && books.ended(End::Rejected)) || (!confirmed && books.ended(End::Completed));
    let detail = format!("confirmed: {confirmed}, ended: {ends:?}");
    found(twice || against, "ended-in-contradiction", &["ordering"], detail)
}

/// An order is confirmed or over long before its deadline is long over.
fn decided_in_time(books: &Books) -> Option<Finding> {
    let undecided = books.awaited_by_ms().is_some() && !books.ordering.confirmed;
    let detail = "neither confirmed nor over, long after its deadline";
    found(books.overdue && undecided, "undecided", &["ordering"], detail)
}

/// Delivery speaks of a confirmed order long before that order's deadline is long over.
fn packed_in_time(books: &Books) -> Option<Finding> {
    let unheard = books.awaited_by_ms().is_some() && books.ordering.confirmed;
    let detail = "confirmed, and delivery has told nothing of it, long after its deadline";
    found(books.overdue && unheard, "not-packed", &["ordering", "delivery"], detail)
}

// Stock: held as ordered, given back or gone as the order ended.

const WITH_PRODUCT: [&str; 2] = ["ordering", "product"];

/// A confirmed order holds its stock.
fn confirmed_holds_stock(books: &Books) -> Option<Finding> {
    let wrong = books.ordering.confirmed && books.product.held.is_none();
    found(wrong, "confirmed-without-stock", &WITH_PRODUCT, "confirmed, and product never held anything for it")
}

/// What is held is what was ordered.
fn held_as_ordered(books: &Books) -> Option<Finding> {
    let (placed, held) = (books.ordering.placed.as_ref()?, books.product.held.as_ref()?);
    let detail = format!("ordered {:?}, held {held:?}", placed.pieces);
    found(placed.pieces != *held, "other-pieces-held", &WITH_PRODUCT, detail)
}

/// An order that is not delivered keeps no stock.
fn given_back_at_the_end(books: &Books) -> Option<Finding> {
    let kept = books.product.held.is_some() && books.product.released.is_none();
    let detail = format!("{:?}, and what product held for it was not given back", books.ordering.ends);
    found(books.undone() && kept, "stock-kept", &WITH_PRODUCT, detail)
}

/// An order that stands, or was delivered, gives nothing back.
fn given_back_only_at_the_end(books: &Books) -> Option<Finding> {
    let released = books.product.released.is_some();
    let detail = format!("its stock was given back, and it ended {:?}", books.ordering.ends);
    found(released && !books.undone(), "stock-given-back-early", &WITH_PRODUCT, detail)
}

/// The stock of a completed order is gone for good, and of no other.
fn gone_when_completed(books: &Books) -> Option<Finding> {
    let gone = books.product.committed.is_some();
    let completed = books.ended(End::Completed);
    let detail = format!("completed: {completed}, its stock left for good: {gone}");
    found(gone != completed, "stock-not-as-completed", &WITH_PRODUCT, detail)
}

/// What is given back or goes for good is what was held.
fn moved_as_held(books: &Books) -> Option<Finding> {
    let product = &books.product;
    let moved = [&product.released, &product.committed];
    let other = moved.into_iter().flatten().find(|pieces| product.held.as_ref() != Some(pieces))?;
    let detail = format!("held {:?}, moved {other:?}", product.held);
    found(true, "other-pieces-moved", &["product"], detail)
}

/// Stock is held or refused, and then given back or gone: never both.
fn stock_has_one_answer(books: &Books) -> Option<Finding> {
    let product = &books.product;
    let both = product.held.is_some() && product.refused;
    let either = product.released.is_some() && product.committed.is_some();
    found(both || either, "stock-in-contradiction", &["product"], format!("{product:?}"))
}

// Money: taken once and in full, given back as the order ended.

const WITH_PAYMENT: [&str; 2] = ["ordering", "payment"];

/// A confirmed order is paid.
fn confirmed_is_paid(books: &Books) -> Option<Finding> {
    let wrong = books.ordering.confirmed && books.payment.captured.is_empty();
    found(wrong, "confirmed-without-money", &WITH_PAYMENT, "confirmed, and payment never took anything for it")
}

/// Money is taken once, and as much as the order costs.
fn charged_as_ordered(books: &Books) -> Option<Finding> {
    let captured = &books.payment.captured;
    let placed = books.ordering.placed.as_ref();
    let other = placed.is_some_and(|placed| captured.iter().any(|taken| *taken != placed.amount));
    let due = placed.map(|placed| placed.amount.to_string()).unwrap_or_default();
    let detail = format!("costs {due}, charged {}", listed(captured));
    found(other || captured.len() > 1, "charged-otherwise", &WITH_PAYMENT, detail)
}

/// Money is taken or declined: never both.
fn money_has_one_answer(books: &Books) -> Option<Finding> {
    let wrong = books.payment.declined && !books.payment.captured.is_empty();
    found(wrong, "charge-in-contradiction", &["payment"], "both declined and taken")
}

/// No money stays where no order is.
fn refunded_at_the_end(books: &Books) -> Option<Finding> {
    let kept = !books.payment.captured.is_empty() && books.payment.refunded.is_empty();
    let detail = format!("{:?}, and {} was not given back", books.ordering.ends, listed(&books.payment.captured));
    found(books.undone() && kept, "money-kept", &WITH_PAYMENT, detail)
}

/// An order that stands, or was delivered, is not refunded.
fn refunded_only_at_the_end(books: &Books) -> Option<Finding> {
    let refunded = !books.payment.refunded.is_empty();
    let detail = format!("{} went back, and it ended {:?}", listed(&books.payment.refunded), books.ordering.ends);
    found(refunded && !books.undone(), "refunded-early", &WITH_PAYMENT, detail)
}

/// What goes back is what was taken, once.
fn refunded_as_charged(books: &Books) -> Option<Finding> {
    let (captured, refunded) = (&books.payment.captured, &books.payment.refunded);
    let detail = format!("charged {}, refunded {}", listed(captured), listed(refunded));
    found(!refunded.is_empty() && refunded != captured, "refunded-otherwise", &["payment"], detail)
}

fn listed(amounts: &[Money]) -> String {
    let amounts: Vec<String> = amounts.iter().map(ToString::to_string).collect();
    if amounts.is_empty() { "nothing".into() } else { amounts.join(" and ") }
}

// Parcels: packed for confirmed orders, and ending together with them.

const WITH_DELIVERY: [&str; 2] = ["ordering", "delivery"];

/// Only confirmed orders have a parcel.
fn packed_only_when_confirmed(books: &Books) -> Option<Finding> {
    let wrong = books.delivery.has_spoken() && !books.ordering.confirmed;
    found(wrong, "parcel-unconfirmed", &WITH_DELIVERY, "delivery has a parcel for it, and it was never confirmed")
}

/// An order is completed when its parcel has arrived, and only then.
fn completed_as_delivered(books: &Books) -> Option<Finding> {
    let completed = books.ended(End::Completed);
    let arrived = books.delivery.completed;
    let detail = format!("completed: {completed}, its parcel arrived: {arrived}");
    found(completed != arrived, "not-completed-as-delivered", &WITH_DELIVERY, detail)
}

/// A confirmed order is cancelled when its parcel is not delivered, and only then.
fn called_off_together(books: &Books) -> Option<Finding> {
    let called_off = books.delivery.failed || books.delivery.cancelled;
    let cancelled = books.ended(End::Cancelled) && books.ordering.confirmed;
    let detail = format!("cancelled: {cancelled}, its parcel failed or was kept back: {called_off}");
    found(called_off != cancelled, "not-called-off-together", &WITH_DELIVERY, detail)
}

/// A parcel goes one way: packed, on its way, and one end.
fn one_way(books: &Books) -> Option<Finding> {
    let parcel = &books.delivery;
    let ends = [parcel.completed, parcel.failed, parcel.cancelled].into_iter().filter(|end| *end).count();
    let unpacked = (parcel.departed || parcel.failed) && !parcel.prepared;
    let not_gone = parcel.completed && !parcel.departed;
    found(ends > 1 || unpacked || not_gone, "parcel-in-contradiction", &["delivery"], format!("{parcel:?}"))
}
