//! Parcels: packed for confirmed orders, and ending together with them.

use super::{Finding, found};
use crate::books::{Books, End};

const BOTH: [&str; 2] = ["ordering", "delivery"];

/// Only confirmed orders have a parcel.
pub(super) fn packed_only_when_confirmed(books: &Books) -> Option<Finding> {
    let wrong = books.delivery.has_spoken() && !books.ordering.confirmed;
    found(wrong, "parcel-unconfirmed", &BOTH, "delivery has a parcel for it, and it was never confirmed")
}

/// An order is completed when its parcel has arrived, and only then.
pub(super) fn completed_as_delivered(books: &Books) -> Option<Finding> {
    let (completed, arrived) = (books.ended(End::Completed), books.delivery.completed);
    let detail = format!("completed: {completed}, its parcel arrived: {arrived}");
    found(completed != arrived, "not-completed-as-delivered", &BOTH, detail)
}

/// A confirmed order is cancelled when its parcel is not delivered, and only then.
pub(super) fn called_off_together(books: &Books) -> Option<Finding> {
    let called_off = books.delivery.failed || books.delivery.cancelled;
    let cancelled = books.ended(End::Cancelled) && books.ordering.confirmed;
    let detail = format!("cancelled: {cancelled}, its parcel failed or was kept back: {called_off}");
    found(called_off != cancelled, "not-called-off-together", &BOTH, detail)
}

/// A parcel goes one way: packed, on its way, and one end.
pub(super) fn one_way(books: &Books) -> Option<Finding> {
    let parcel = &books.delivery;
    let ends = [parcel.completed, parcel.failed, parcel.cancelled].into_iter().filter(|end| *end).count();
    let unpacked = (parcel.departed || parcel.failed) && !parcel.prepared;
    let not_gone = parcel.completed && !parcel.departed;
    found(ends > 1 || unpacked || not_gone, "parcel-in-contradiction", &["delivery"], format!("{parcel:?}"))
}
