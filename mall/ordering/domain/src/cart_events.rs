//! What happens to a cart. Private: nobody else is told what a customer thinks of buying.

use bongsu_core::{version, wire};
use serde::{Deserialize, Serialize};

/// A cart was opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CartCreated {
    /// Its id.
    pub cart: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(CartCreated, "cart.created", 1);

/// Pieces of a product were put in, beside those that were there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemAdded {
    /// Which product.
    pub sku: String,
    /// How many more.
    pub quantity: u32,
    /// When.
    pub at_ms: i64,
}
version!(ItemAdded, "cart.item-added", 1);

/// There are so many pieces of a product now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantityChanged {
    /// Which product.
    pub sku: String,
    /// How many in all.
    pub quantity: u32,
    /// When.
    pub at_ms: i64,
}
version!(QuantityChanged, "cart.quantity-changed", 1);

/// A product was taken out, however many there were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemRemoved {
    /// Which product.
    pub sku: String,
    /// When.
    pub at_ms: i64,
}
version!(ItemRemoved, "cart.item-removed", 1);

/// The cart became an order, and is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CartCheckedOut {
    /// Which cart.
    pub cart: String,
    /// Which order, placed in the same moment.
    pub order: String,
    /// When.
    pub at_ms: i64,
}
version!(CartCheckedOut, "cart.checked-out", 1);

wire! {
    /// What happens to a cart.
    pub enum CartEvent {
        Created(CartCreated),
        ItemAdded(ItemAdded),
        QuantityChanged(QuantityChanged),
        ItemRemoved(ItemRemoved),
        CheckedOut(CartCheckedOut),
    }
}
