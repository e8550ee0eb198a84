//! What this context speaks of, by name.

use bongsu_core::id;

/// An order.
#[id]
#[derive(Default)]
pub struct OrderId(String);

/// Who orders.
#[id]
pub struct CustomerId(String);

/// A cart; a customer has one after another.
#[id]
pub struct CartId(String);

/// A product, as the product context names it.
#[id]
pub struct Sku(String);
