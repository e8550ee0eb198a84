//! What this context speaks of, by name.

use bongsu_core::id;

/// A product.
#[id]
pub struct Sku(String);

/// An order, as the ordering context names it.
#[id]
pub struct OrderId(String);
