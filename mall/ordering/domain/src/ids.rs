//! What this context speaks of, by name.

use bongsu_core::id;

/// An order.
#[id]
#[derive(Default)]
pub struct OrderId(String);

/// Who orders.
#[id]
pub struct CustomerId(String);

impl CustomerId {
    /// Whether that is a visitor: whoever comes without a login is called so, and nobody who logs in is.
    pub fn is_visitor(&self) -> bool {
        self.starts_with("vis_")
    }
}

/// A cart; a customer has one after another.
#[id]
pub struct CartId(String);

/// A product, as the product context names it.
#[id]
pub struct Sku(String);
