//! What happens to a cart. Private: nobody else is told what a customer thinks of buying.

use bongsu_core::{Messages, message};

use crate::ids::{CartId, CustomerId, OrderId, Sku};

/// A cart was opened.
#[message("cart.created", version = 1, key = cart)]
pub struct CartCreated {
    /// Its id.
    pub cart: CartId,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Whose it is, if that is a visitor: his cart does not stay for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest: Option<CustomerId>,
}

/// Pieces of a product were put in, beside those that were there.
#[message("cart.item-added", version = 1)]
pub struct ItemAdded {
    /// Which product.
    pub sku: Sku,
    /// How many more.
    pub quantity: u32,
    /// When.
    pub at_ms: i64,
}

/// There are so many pieces of a product now.
#[message("cart.quantity-changed", version = 1)]
pub struct QuantityChanged {
    /// Which product.
    pub sku: Sku,
    /// How many in all.
    pub quantity: u32,
    /// When.
    pub at_ms: i64,
}

/// A product was taken out, however many there were.
#[message("cart.item-removed", version = 1)]
pub struct ItemRemoved {
    /// Which product.
    pub sku: Sku,
    /// When.
    pub at_ms: i64,
}

/// The cart became an order, and is gone.
#[message("cart.checked-out", version = 1)]
pub struct CartCheckedOut {
    /// Which cart.
    pub cart: CartId,
    /// Which order, placed in the same moment.
    pub order: OrderId,
    /// When.
    pub at_ms: i64,
}

/// A visitor logged in, and what was in his cart is in the customer's.
#[message("cart.merged", version = 1, key = cart)]
pub struct CartMerged {
    /// Which cart.
    pub cart: CartId,
    /// When.
    pub at_ms: i64,
}

/// A visitor did not come back; his cart is gone.
#[message("cart.abandoned", version = 1, key = cart)]
pub struct CartAbandoned {
    /// Which cart.
    pub cart: CartId,
    /// When.
    pub at_ms: i64,
}

/// What happens to a cart.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum CartEvent {
    Created(CartCreated),
    ItemAdded(ItemAdded),
    QuantityChanged(QuantityChanged),
    ItemRemoved(ItemRemoved),
    CheckedOut(CartCheckedOut),
    Merged(CartMerged),
    Abandoned(CartAbandoned),
}
