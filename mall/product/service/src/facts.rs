//! What the product context tells the others. Facts of an order's life carry the order id as key.

use bongsu_core::{Public, version};
use money::Money;
use product_domain::{
    events::{Line, ProductEvent, ReservationEvent, Shortage, StockEvent},
    product::Product,
    reservation::ReservationState,
    stock::StockState,
};
use serde::{Deserialize, Serialize};

/// A product was put on sale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductRegistered {
    /// Which.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// For one piece.
    pub price: Money,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(ProductRegistered, "product.product-registered", 1);

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
version!(ProductChanged, "product.product-changed", 1);

/// A product is no longer sold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductRetired {
    /// Which.
    pub sku: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(ProductRetired, "product.product-retired", 1);

/// Goods came in (입고).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockReceived {
    /// Which product.
    pub sku: String,
    /// How many.
    pub quantity: u32,
    /// How many can be had now.
    pub available: u64,
}
version!(StockReceived, "product.stock-received", 1);

/// Every line of the order is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockReserved {
    /// For which order.
    pub order: String,
    /// One line per sku.
    pub lines: Vec<Line>,
}
version!(StockReserved, "product.stock-reserved", 1);

/// There was not enough of some line; nothing is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockRejected {
    /// For which order.
    pub order: String,
    /// The lines that fell short.
    pub short: Vec<Shortage>,
}
version!(StockRejected, "product.stock-rejected", 1);

/// What the order held was given back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockReleased {
    /// For which order.
    pub order: String,
    /// One line per sku.
    pub lines: Vec<Line>,
}
version!(StockReleased, "product.stock-released", 1);

/// What the order held left for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockCommitted {
    /// For which order.
    pub order: String,
    /// One line per sku.
    pub lines: Vec<Line>,
}
version!(StockCommitted, "product.stock-committed", 1);

/// Facts of product information, keyed by sku.
pub fn of_product(sku: &str, event: &ProductEvent, _: &Option<Product>) -> Option<Public> {
    Some(match event.clone() {
        ProductEvent::Registered(e) => {
            Public::new(sku, &ProductRegistered { sku: e.sku, name: e.name, price: e.price, at_ms: e.at_ms })
        }
        ProductEvent::Changed(e) => {
            Public::new(sku, &ProductChanged { sku: e.sku, name: e.name, price: e.price, at_ms: e.at_ms })
        }
        ProductEvent::Retired(e) => Public::new(sku, &ProductRetired { sku: e.sku, at_ms: e.at_ms }),
    })
}

/// Facts of stock, keyed by sku: what one order does to it is told by the reservation.
pub fn of_stock(sku: &str, event: &StockEvent, state: &StockState) -> Option<Public> {
    match event {
        StockEvent::Received(e) => {
            let fact = StockReceived { sku: sku.into(), quantity: e.quantity, available: state.available() };
            Some(Public::new(sku, &fact))
        }
        StockEvent::Adjusted(_) | StockEvent::Reserved(_) | StockEvent::Released(_) | StockEvent::Committed(_) => None,
    }
}

/// One fact per order, keyed by order.
pub fn of_reservation(order: &str, event: &ReservationEvent, _: &ReservationState) -> Option<Public> {
    let key = order;
    let order = order.to_owned();
    match event.clone() {
        ReservationEvent::Held(e) => Some(Public::new(key, &StockReserved { order, lines: e.lines })),
        ReservationEvent::Rejected(e) => Some(Public::new(key, &StockRejected { order, short: e.short })),
        ReservationEvent::Released(e) => Some(Public::new(key, &StockReleased { order, lines: e.lines })),
        ReservationEvent::Committed(e) => Some(Public::new(key, &StockCommitted { order, lines: e.lines })),
        ReservationEvent::Closed(_) => None,
    }
}
