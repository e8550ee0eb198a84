//! Orders: placed before anything else, ended once, decided in time.

use super::{Finding, found};
use crate::books::{Books, End};

/// Nobody speaks of an order that nobody placed.
pub(super) fn placed(books: &Books) -> Option<Finding> {
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
pub(super) fn ended_once(books: &Books) -> Option<Finding> {
    let (ends, confirmed) = (&books.ordering.ends, books.ordering.confirmed);
    let twice = ends.len() > 1;
    let against = (confirmed && books.ended(End::Rejected)) || (!confirmed && books.ended(End::Completed));
    let detail = format!("confirmed: {confirmed}, ended: {ends:?}");
    found(twice || against, "ended-in-contradiction", &["ordering"], detail)
}

/// An order is confirmed or over long before its deadline is long over.
pub(super) fn decided_in_time(books: &Books) -> Option<Finding> {
    let undecided = books.awaited_by_ms().is_some() && !books.ordering.confirmed;
    let detail = "neither confirmed nor over, long after its deadline";
    found(books.overdue && undecided, "undecided", &["ordering"], detail)
}

/// Delivery speaks of a confirmed order long before that order's deadline is long over.
pub(super) fn packed_in_time(books: &Books) -> Option<Finding> {
    let unheard = books.awaited_by_ms().is_some() && books.ordering.confirmed;
    let detail = "confirmed, and delivery has told nothing of it, long after its deadline";
    found(books.overdue && unheard, "not-packed", &["ordering", "delivery"], detail)
}
