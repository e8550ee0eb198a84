//! What happens to a payment. Private: the service maps what others may hear.

use bongsu_core::{version, wire};
use money::Money;
use serde::{Deserialize, Serialize};

/// An order wants to be paid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentIntended {
    /// Which order.
    pub order: String,
    /// How much.
    pub amount: Money,
    /// The order ends by then, milliseconds since the Unix epoch.
    pub expires_at_ms: i64,
}
version!(PaymentIntended, "payment.intended", 1);

/// Stock is held for the order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockHeld {
    /// Which order.
    pub order: String,
}
version!(StockHeld, "payment.stock-held", 1);

/// The provider is to be asked for the money.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaptureRequested {
    /// Which order.
    pub order: String,
    /// How much.
    pub amount: Money,
    /// A request that reaches the provider later must not charge, milliseconds since the Unix epoch.
    pub not_after_ms: i64,
}
version!(CaptureRequested, "payment.capture-requested", 1);

/// It was too late to ask the provider: the order is about to end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaptureForgone {
    /// Which order.
    pub order: String,
}
version!(CaptureForgone, "payment.capture-forgone", 1);

/// The order ended without being delivered: what was taken goes back, nothing more is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderEnded {
    /// Which order.
    pub order: String,
}
version!(OrderEnded, "payment.order-ended", 1);

/// The provider took the money (결제 처리됨).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentCaptured {
    /// Which order.
    pub order: String,
    /// How much.
    pub amount: Money,
    /// The provider's name for it.
    pub capture: String,
    /// When it became known, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(PaymentCaptured, "payment.captured", 1);

/// The provider refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentDeclined {
    /// Which order.
    pub order: String,
    /// In the provider's words.
    pub reason: String,
    /// When it became known, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(PaymentDeclined, "payment.declined", 1);

/// The provider is to give the money back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefundRequested {
    /// Which order.
    pub order: String,
    /// The provider's name for what it took.
    pub capture: String,
}
version!(RefundRequested, "payment.refund-requested", 1);

/// The provider gave the money back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentRefunded {
    /// Which order.
    pub order: String,
    /// How much.
    pub amount: Money,
    /// The provider's name for the refund.
    pub refund: String,
    /// When it became known, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(PaymentRefunded, "payment.refunded", 1);

wire! {
    /// What happens to a payment.
    pub enum PaymentEvent {
        Intended(PaymentIntended),
        StockHeld(StockHeld),
        CaptureRequested(CaptureRequested),
        CaptureForgone(CaptureForgone),
        OrderEnded(OrderEnded),
        Captured(PaymentCaptured),
        Declined(PaymentDeclined),
        RefundRequested(RefundRequested),
        Refunded(PaymentRefunded),
    }
}
