//! What happens in the product context. Private: the service maps what others may hear.

use bongsu_core::{Messages, message};
use money::Money;
use serde::{Deserialize, Serialize};

use crate::{
    about::About,
    ids::{OrderId, Sku},
};

/// A product was put on sale.
#[message("product.registered", version = 1, key = sku)]
pub struct ProductRegistered {
    /// Which.
    pub sku: Sku,
    /// What customers read.
    pub name: String,
    /// For one piece.
    pub price: Money,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What else a page shows of it; nothing of an event that is older than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
}

/// What a page shows of a product changed.
#[message("product.changed", version = 1, key = sku)]
pub struct ProductChanged {
    /// Which.
    pub sku: Sku,
    /// The name from now on.
    pub name: String,
    /// The price from now on.
    pub price: Money,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What else a page shows of it; nothing of an event that is older than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
}

/// A product is no longer sold.
#[message("product.retired", version = 1, key = sku)]
pub struct ProductRetired {
    /// Which.
    pub sku: Sku,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// What happens to product information.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum ProductEvent {
    Registered(ProductRegistered),
    Changed(ProductChanged),
    Retired(ProductRetired),
}

/// Goods came in (입고).
#[message("stock.received", version = 1)]
pub struct StockReceived {
    /// How many.
    pub quantity: u32,
}

/// A count found more or less than the books said.
#[message("stock.adjusted", version = 1)]
pub struct StockAdjusted {
    /// What to add; negative for missing pieces.
    pub by: i64,
}

/// An order holds some of it.
#[message("stock.reserved", version = 1, key = order)]
pub struct StockReserved {
    /// Whose.
    pub order: OrderId,
    /// How many.
    pub quantity: u64,
}

/// An order gave back what it held.
#[message("stock.released", version = 1, key = order)]
pub struct StockReleased {
    /// Whose.
    pub order: OrderId,
    /// How many.
    pub quantity: u64,
}

/// What an order held left the house for good.
#[message("stock.committed", version = 1, key = order)]
pub struct StockCommitted {
    /// Whose.
    pub order: OrderId,
    /// How many.
    pub quantity: u64,
}

/// What happens to the stock of one sku.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum StockEvent {
    Received(StockReceived),
    Adjusted(StockAdjusted),
    Reserved(StockReserved),
    Released(StockReleased),
    Committed(StockCommitted),
}

/// So many of one sku.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which product.
    pub sku: Sku,
    /// How many.
    pub quantity: u64,
}

/// A sku of which there is not enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// Which product.
    pub sku: Sku,
    /// How many were asked for.
    pub asked: u64,
    /// How many could have been had.
    pub available: u64,
}

/// Every line of the order is held.
#[message("reservation.held", version = 1)]
pub struct ReservationHeld {
    /// One line per sku.
    pub lines: Vec<Line>,
}

/// There was not enough of some line, so nothing is held.
#[message("reservation.rejected", version = 1)]
pub struct ReservationRejected {
    /// The lines that fell short.
    pub short: Vec<Shortage>,
}

/// What was held was given back.
#[message("reservation.released", version = 1)]
pub struct ReservationReleased {
    /// One line per sku.
    pub lines: Vec<Line>,
}

/// What was held left for good.
#[message("reservation.committed", version = 1)]
pub struct ReservationCommitted {
    /// One line per sku.
    pub lines: Vec<Line>,
}

/// The order ended before its beginning was heard: a reserve that comes later is refused.
#[message("reservation.closed", version = 1)]
pub struct ReservationClosed {}

/// What happens to the reservation of one order.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum ReservationEvent {
    Held(ReservationHeld),
    Rejected(ReservationRejected),
    Released(ReservationReleased),
    Committed(ReservationCommitted),
    Closed(ReservationClosed),
}
