//! Stock: held as ordered, given back or gone as the order ended.

use super::{Finding, found};
use crate::books::{Books, End};

const BOTH: [&str; 2] = ["ordering", "product"];

/// A confirmed order holds its stock.
pub(super) fn confirmed_holds_stock(books: &Books) -> Option<Finding> {
    let wrong = books.ordering.confirmed && books.product.held.is_none();
    found(wrong, "confirmed-without-stock", &BOTH, "confirmed, and product never held anything for it")
}

/// What is held is what was ordered.
pub(super) fn held_as_ordered(books: &Books) -> Option<Finding> {
    let (placed, held) = (books.ordering.placed.as_ref()?, books.product.held.as_ref()?);
    let detail = format!("ordered {:?}, held {held:?}", placed.pieces);
    found(placed.pieces != *held, "other-pieces-held", &BOTH, detail)
}

/// An order that is not delivered keeps no stock.
pub(super) fn given_back_at_the_end(books: &Books) -> Option<Finding> {
    let kept = books.product.held.is_some() && books.product.released.is_none();
    let detail = format!("{:?}, and what product held for it was not given back", books.ordering.ends);
    found(books.undone() && kept, "stock-kept", &BOTH, detail)
}

/// An order that stands, or was delivered, gives nothing back.
pub(super) fn given_back_only_at_the_end(books: &Books) -> Option<Finding> {
    let released = books.product.released.is_some();
    let detail = format!("its stock was given back, and it ended {:?}", books.ordering.ends);
    found(released && !books.undone(), "stock-given-back-early", &BOTH, detail)
}

/// The stock of a completed order is gone for good, and of no other.
pub(super) fn gone_when_completed(books: &Books) -> Option<Finding> {
    let (gone, completed) = (books.product.committed.is_some(), books.ended(End::Completed));
    let detail = format!("completed: {completed}, its stock left for good: {gone}");
    found(gone != completed, "stock-not-as-completed", &BOTH, detail)
}

/// What is given back or goes for good is what was held.
pub(super) fn moved_as_held(books: &Books) -> Option<Finding> {
    let product = &books.product;
    let moved = [&product.released, &product.committed];
    let other = moved.into_iter().flatten().find(|pieces| product.held.as_ref() != Some(pieces))?;
    let detail = format!("held {:?}, moved {other:?}", product.held);
    found(true, "other-pieces-moved", &["product"], detail)
}

/// Stock is held or refused, and then given back or gone: never both.
pub(super) fn one_answer(books: &Books) -> Option<Finding> {
    let product = &books.product;
    let both = product.held.is_some() && product.refused;
    let either = product.released.is_some() && product.committed.is_some();
    found(both || either, "stock-in-contradiction", &["product"], format!("{product:?}"))
}
