//! What the product context tells the others. Facts of an order's life carry the order id as key.

use bongsu_core::{Public, message};
use money::Money;
use product_domain::{
    about::About,
    events::{self, Line, ProductEvent, ReservationEvent, Shortage, StockEvent},
    ids::{OrderId, Sku},
    product::Product,
    reservation::ReservationState,
    stock::StockState,
};

/// A product was put on sale.
#[message("product.product-registered", version = 1, key = sku)]
pub struct ProductRegistered {
    /// Which.
    pub sku: Sku,
    /// Its name.
    pub name: String,
    /// For one piece.
    pub price: Money,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What else a page shows of it; nothing of a fact that is older than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
}

/// What a page shows of a product changed.
#[message("product.product-changed", version = 1, key = sku)]
pub struct ProductChanged {
    /// Which.
    pub sku: Sku,
    /// The name from now on.
    pub name: String,
    /// The price from now on.
    pub price: Money,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What else a page shows of it; nothing of a fact that is older than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
}

/// A product is no longer sold.
#[message("product.product-retired", version = 1, key = sku)]
pub struct ProductRetired {
    /// Which.
    pub sku: Sku,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// Goods came in (입고).
#[message("product.stock-received", version = 1, key = sku)]
pub struct StockReceived {
    /// Which product.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
    /// How many can be had now.
    pub available: u64,
}

/// Every line of the order is held.
#[message("product.stock-reserved", version = 1, key = order)]
pub struct StockReserved {
    /// For which order.
    pub order: OrderId,
    /// One line per sku.
    pub lines: Vec<Line>,
}

/// There was not enough of some line; nothing is held.
#[message("product.stock-rejected", version = 1, key = order)]
pub struct StockRejected {
    /// For which order.
    pub order: OrderId,
    /// The lines that fell short.
    pub short: Vec<Shortage>,
}

/// What the order held was given back.
#[message("product.stock-released", version = 1, key = order)]
pub struct StockReleased {
    /// For which order.
    pub order: OrderId,
    /// One line per sku.
    pub lines: Vec<Line>,
}

/// What the order held left for good.
#[message("product.stock-committed", version = 1, key = order)]
pub struct StockCommitted {
    /// For which order.
    pub order: OrderId,
    /// One line per sku.
    pub lines: Vec<Line>,
}

/// Facts of product information, keyed by sku.
pub fn of_product(_: &str, event: &ProductEvent, _: &Option<Product>) -> Option<Public> {
    Some(match event.clone() {
        ProductEvent::Registered(e) => {
            let events::ProductRegistered { sku, name, price, at_ms, about } = e;
            Public::of(&ProductRegistered { sku, name, price, at_ms, about })
        }
        ProductEvent::Changed(e) => {
            let events::ProductChanged { sku, name, price, at_ms, about } = e;
            Public::of(&ProductChanged { sku, name, price, at_ms, about })
        }
        ProductEvent::Retired(e) => Public::of(&ProductRetired { sku: e.sku, at_ms: e.at_ms }),
    })
}

/// Facts of stock, keyed by sku: what one order does to it is told by the reservation.
pub fn of_stock(sku: &str, event: &StockEvent, state: &StockState) -> Option<Public> {
    match event {
        StockEvent::Received(e) => {
            let fact = StockReceived { sku: sku.into(), quantity: e.quantity, available: state.available() };
            Some(Public::of(&fact))
        }
        StockEvent::Adjusted(_) | StockEvent::Reserved(_) | StockEvent::Released(_) | StockEvent::Committed(_) => None,
    }
}

/// One fact per order, keyed by order.
pub fn of_reservation(order: &str, event: &ReservationEvent, _: &ReservationState) -> Option<Public> {
    let order = OrderId::from(order);
    match event.clone() {
        ReservationEvent::Held(e) => Some(Public::of(&StockReserved { order, lines: e.lines })),
        ReservationEvent::Rejected(e) => Some(Public::of(&StockRejected { order, short: e.short })),
        ReservationEvent::Released(e) => Some(Public::of(&StockReleased { order, lines: e.lines })),
        ReservationEvent::Committed(e) => Some(Public::of(&StockCommitted { order, lines: e.lines })),
        ReservationEvent::Closed(_) => None,
    }
}
