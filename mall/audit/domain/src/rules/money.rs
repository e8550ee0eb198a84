//! Money: taken once and in full, given back as the order ended.

use super::{Finding, found};
use crate::books::Books;

const BOTH: [&str; 2] = ["ordering", "payment"];

/// A confirmed order is paid.
pub(super) fn confirmed_is_paid(books: &Books) -> Option<Finding> {
    let wrong = books.ordering.confirmed && books.payment.captured.is_empty();
    found(wrong, "confirmed-without-money", &BOTH, "confirmed, and payment never took anything for it")
}

/// Money is taken once, and as much as the order costs.
pub(super) fn charged_as_ordered(books: &Books) -> Option<Finding> {
    let captured = &books.payment.captured;
    let placed = books.ordering.placed.as_ref();
    let other = placed.is_some_and(|placed| captured.iter().any(|taken| *taken != placed.amount));
    let due = placed.map(|placed| placed.amount.to_string()).unwrap_or_default();
    let detail = format!("costs {due}, charged {}", listed(captured));
    found(other || captured.len() > 1, "charged-otherwise", &BOTH, detail)
}

/// Money is taken or declined: never both.
pub(super) fn one_answer(books: &Books) -> Option<Finding> {
    let wrong = books.payment.declined && !books.payment.captured.is_empty();
    found(wrong, "charge-in-contradiction", &["payment"], "both declined and taken")
}

/// No money stays where no order is.
pub(super) fn refunded_at_the_end(books: &Books) -> Option<Finding> {
    let kept = !books.payment.captured.is_empty() && books.payment.refunded.is_empty();
    let detail = format!("{:?}, and {} was not given back", books.ordering.ends, listed(&books.payment.captured));
    found(books.undone() && kept, "money-kept", &BOTH, detail)
}

/// An order that stands, or was delivered, is not refunded.
pub(super) fn refunded_only_at_the_end(books: &Books) -> Option<Finding> {
    let refunded = !books.payment.refunded.is_empty();
    let detail = format!("{} went back, and it ended {:?}", listed(&books.payment.refunded), books.ordering.ends);
    found(refunded && !books.undone(), "refunded-early", &BOTH, detail)
}

/// What goes back is what was taken, once.
pub(super) fn refunded_as_charged(books: &Books) -> Option<Finding> {
    let (captured, refunded) = (&books.payment.captured, &books.payment.refunded);
    let detail = format!("charged {}, refunded {}", listed(captured), listed(refunded));
    found(!refunded.is_empty() && refunded != captured, "refunded-otherwise", &["payment"], detail)
}

fn listed(amounts: &[money::Money]) -> String {
    let amounts: Vec<String> = amounts.iter().map(ToString::to_string).collect();
    if amounts.is_empty() { "nothing".into() } else { amounts.join(" and ") }
}
