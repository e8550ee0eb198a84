//! payment 결제: when money is taken, and when it is given back. Start at [`service`], the map; the rules are
//! [`payment`](mod@payment).
#![forbid(unsafe_code)]

pub mod payment;
pub mod provider;
pub mod api;

use bongsu_core::{Ctx, Messages, Public, message};
use bongsu_host::config::within;
use bongsu_runtime::Service;
use money::Money;
use serde::{Deserialize, Serialize};

use crate::{
    payment::{
        CustomerId, OrderId, PaymentCommand, PaymentEvent, PaymentState, Payments, RememberEnd, RememberIntent,
        RememberStockHeld,
    },
    provider::{Capture, Provider, Refund},
};

/// The map of the payment context: every arrow in or out is one line.
pub fn service(settings: &Settings) -> Service {
    let provider = Provider::new(settings);
    Service::new("payment")
        .decider(Payments { margin_ms: settings.margin_ms }, told)
        .policy("follow-orders", follow_orders)
        .activity(Capture(provider.clone()))
        .activity(Refund(provider))
}

/// What payment hears of orders.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum Heard {
    Placed(OrderPlaced),
    Reserved(StockReserved),
    Rejected(OrderRejected),
    Cancelled(OrderCancelled),
}

/// A customer ordered.
#[message("ordering.order-placed", version = 1, key = order)]
pub struct OrderPlaced {
    pub order: OrderId,
    pub customer: CustomerId,
    pub amount: Money,
    /// Rejected unless confirmed by then, milliseconds since the Unix epoch.
    pub expires_at_ms: i64,
}

/// Product holds every line.
#[message("product.stock-reserved", version = 1, key = order)]
pub struct StockReserved {
    pub order: OrderId,
}

/// It ended before it was confirmed.
#[message("ordering.order-rejected", version = 1, key = order)]
pub struct OrderRejected {
    pub order: OrderId,
}

/// It was called back.
#[message("ordering.order-cancelled", version = 1, key = order)]
pub struct OrderCancelled {
    pub order: OrderId,
}

/// Remembers what is known; the payment decides what follows.
pub fn follow_orders(heard: &Heard, _: &Ctx) -> Vec<PaymentCommand> {
    vec![match heard.clone() {
        Heard::Placed(OrderPlaced { order, customer, amount, expires_at_ms }) => {
            RememberIntent { order, customer: Some(customer), amount, expires_at_ms }.into()
        }
        Heard::Reserved(StockReserved { order }) => RememberStockHeld { order }.into(),
        Heard::Rejected(OrderRejected { order }) | Heard::Cancelled(OrderCancelled { order }) => {
            RememberEnd { order }.into()
        }
    }]
}

/// The provider took the money (결제 처리됨).
#[message("payment.payment-captured", version = 1, key = order)]
pub struct Captured {
    pub order: OrderId,
    pub amount: Money,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// The provider declined.
#[message("payment.payment-declined", version = 1, key = order)]
pub struct Declined {
    pub order: OrderId,
    /// What the provider said.
    pub reason: String,
    pub at_ms: i64,
}

/// The money went back.
#[message("payment.payment-refunded", version = 1, key = order)]
pub struct Refunded {
    pub order: OrderId,
    pub amount: Money,
    pub at_ms: i64,
}

/// What the provider did is told; what this context only remembers is not.
pub fn told(order: &str, event: &PaymentEvent, _: &PaymentState) -> Option<Public> {
    let order = OrderId::from(order);
    match event.clone() {
        PaymentEvent::Captured(e) => Some(Public::of(&Captured { order, amount: e.amount, at_ms: e.at_ms })),
        PaymentEvent::Declined(e) => Some(Public::of(&Declined { order, reason: e.reason, at_ms: e.at_ms })),
        PaymentEvent::Refunded(e) => Some(Public::of(&Refunded { order, amount: e.amount, at_ms: e.at_ms })),
        _ => None,
    }
}

/// What can be configured under `[service]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the provider's API is.
    pub provider: String,
    /// The provider is not asked for money any more so long before the order expires, in milliseconds.
    #[serde(deserialize_with = "within::<_, _, 0, 31_536_000_000>")]
    pub margin_ms: i64,
    /// After so long without an answer a call's outcome is unknown, in milliseconds.
    #[serde(deserialize_with = "within::<_, _, 1, 3_600_000>")]
    pub deadline_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { provider: "http://127.0.0.1:9100".into(), margin_ms: 1_000, deadline_ms: 2_000 }
    }
}
