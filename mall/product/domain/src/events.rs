//! What happens in the product context. Private: the service maps what others may hear.

use bongsu_core::{version, wire};
use money::Money;
use serde::{Deserialize, Serialize};

/// A product was put on sale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductRegistered {
    /// Which.
    pub sku: String,
    /// What customers read.
    pub name: String,
    /// For one piece.
    pub price: Money,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(ProductRegistered, "product.registered", 1);

/// A product's name or price changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductChanged {
    /// Which.
    pub sku: String,
    /// The name from now on.
    pub name: String,
    /// The price from now on.
    pub price: Money,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(ProductChanged, "product.changed", 1);

/// A product is no longer sold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductRetired {
    /// Which.
    pub sku: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(ProductRetired, "product.retired", 1);

wire! {
    /// What happens to product information.
    pub enum ProductEvent {
        Registered(ProductRegistered),
        Changed(ProductChanged),
        Retired(ProductRetired),
    }
}

/// Goods came in (입고).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockReceived {
    /// How many.
    pub quantity: u32,
}
version!(StockReceived, "stock.received", 1);

/// A count found more or less than the books said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockAdjusted {
    /// What to add; negative for missing pieces.
    pub by: i64,
}
version!(StockAdjusted, "stock.adjusted", 1);

/// An order holds some of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockReserved {
    /// Whose.
    pub order: String,
    /// How many.
    pub quantity: u64,
}
version!(StockReserved, "stock.reserved", 1);

/// An order gave back what it held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockReleased {
    /// Whose.
    pub order: String,
    /// How many.
    pub quantity: u64,
}
version!(StockReleased, "stock.released", 1);

/// What an order held left the house for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockCommitted {
    /// Whose.
    pub order: String,
    /// How many.
    pub quantity: u64,
}
version!(StockCommitted, "stock.committed", 1);

wire! {
    /// What happens to the stock of one sku.
    pub enum StockEvent {
        Received(StockReceived),
        Adjusted(StockAdjusted),
        Reserved(StockReserved),
        Released(StockReleased),
        Committed(StockCommitted),
    }
}

/// So many of one sku.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which product.
    pub sku: String,
    /// How many.
    pub quantity: u64,
}

/// A sku of which there is not enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// Which product.
    pub sku: String,
    /// How many were asked for.
    pub asked: u64,
    /// How many could have been had.
    pub available: u64,
}

/// Every line of the order is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReservationHeld {
    /// One line per sku.
    pub lines: Vec<Line>,
}
version!(ReservationHeld, "reservation.held", 1);

/// There was not enough of some line, so nothing is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReservationRejected {
    /// The lines that fell short.
    pub short: Vec<Shortage>,
}
version!(ReservationRejected, "reservation.rejected", 1);

/// What was held was given back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReservationReleased {
    /// One line per sku.
    pub lines: Vec<Line>,
}
version!(ReservationReleased, "reservation.released", 1);

/// What was held left for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReservationCommitted {
    /// One line per sku.
    pub lines: Vec<Line>,
}
version!(ReservationCommitted, "reservation.committed", 1);

/// The order ended before its beginning was heard: a reserve that comes later is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReservationClosed {}
version!(ReservationClosed, "reservation.closed", 1);

wire! {
    /// What happens to the reservation of one order.
    pub enum ReservationEvent {
        Held(ReservationHeld),
        Rejected(ReservationRejected),
        Released(ReservationReleased),
        Committed(ReservationCommitted),
        Closed(ReservationClosed),
    }
}
