//! What the payment context tells the others, keyed by order.

use bongsu_core::{Public, version};
use money::Money;
use payment_domain::{events::PaymentEvent, payment::PaymentState};
use serde::{Deserialize, Serialize};

/// The provider took the money (결제 처리됨).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentCaptured {
    /// For which order.
    pub order: String,
    /// How much.
    pub amount: Money,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(PaymentCaptured, "payment.payment-captured", 1);

/// The provider declined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentDeclined {
    /// For which order.
    pub order: String,
    /// What the provider said.
    pub reason: String,
    /// When.
    pub at_ms: i64,
}
version!(PaymentDeclined, "payment.payment-declined", 1);

/// The money went back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentRefunded {
    /// For which order.
    pub order: String,
    /// How much.
    pub amount: Money,
    /// When.
    pub at_ms: i64,
}
version!(PaymentRefunded, "payment.payment-refunded", 1);

/// What the provider did is told; what this context only remembers is not.
pub fn of_payment(order: &str, event: &PaymentEvent, _: &PaymentState) -> Option<Public> {
    let (key, order) = (order, order.to_owned());
    match event.clone() {
        PaymentEvent::Captured(e) => {
            Some(Public::new(key, &PaymentCaptured { order, amount: e.amount, at_ms: e.at_ms }))
        }
        PaymentEvent::Declined(e) => {
            Some(Public::new(key, &PaymentDeclined { order, reason: e.reason, at_ms: e.at_ms }))
        }
        PaymentEvent::Refunded(e) => {
            Some(Public::new(key, &PaymentRefunded { order, amount: e.amount, at_ms: e.at_ms }))
        }
        PaymentEvent::Intended(_)
        | PaymentEvent::StockHeld(_)
        | PaymentEvent::CaptureRequested(_)
        | PaymentEvent::CaptureForgone(_)
        | PaymentEvent::OrderEnded(_)
        | PaymentEvent::RefundRequested(_) => None,
    }
}
