//! Words the other tests use.

use money::Money;
use payment::payment::*;

pub(crate) const AMOUNT: Money = Money::krw(20_000);
/// Expires at 30 s; nothing is captured from 29 s on.
pub(crate) const PAYMENTS: Payments = Payments { margin_ms: 1_000 };

pub(crate) fn id() -> OrderId {
    "o1".into()
}

pub(crate) fn intend() -> PaymentCommand {
    RememberIntent { order: id(), customer: Some("ann".into()), amount: AMOUNT, expires_at_ms: 30_000 }.into()
}

pub(crate) fn hold() -> PaymentCommand {
    RememberStockHeld { order: id() }.into()
}

pub(crate) fn end() -> PaymentCommand {
    RememberEnd { order: id() }.into()
}

pub(crate) fn take() -> PaymentCommand {
    RecordCapture { order: id(), outcome: CaptureOutcome::Captured { capture: "cap".into(), amount: AMOUNT } }.into()
}

pub(crate) fn decline() -> PaymentCommand {
    RecordCapture { order: id(), outcome: CaptureOutcome::Declined { reason: "no".into() } }.into()
}

pub(crate) fn give_back() -> PaymentCommand {
    RecordRefund { order: id(), refund: "ref".into() }.into()
}

pub(crate) fn intended() -> PaymentEvent {
    PaymentIntended { order: id(), customer: Some("ann".into()), amount: AMOUNT, expires_at_ms: 30_000 }.into()
}

pub(crate) fn held() -> PaymentEvent {
    StockHeld { order: id() }.into()
}

pub(crate) fn requested() -> PaymentEvent {
    CaptureRequested { order: id(), amount: AMOUNT, not_after_ms: 29_000 }.into()
}

pub(crate) fn forgone() -> PaymentEvent {
    CaptureForgone { order: id() }.into()
}

pub(crate) fn ended() -> PaymentEvent {
    OrderEnded { order: id() }.into()
}

pub(crate) fn captured() -> PaymentEvent {
    PaymentCaptured { order: id(), amount: AMOUNT, capture: "cap".into(), at_ms: 0 }.into()
}

pub(crate) fn declined() -> PaymentEvent {
    PaymentDeclined { order: id(), reason: "no".into(), at_ms: 0 }.into()
}

pub(crate) fn going_back() -> PaymentEvent {
    RefundRequested { order: id(), capture: "cap".into() }.into()
}

pub(crate) fn refunded() -> PaymentEvent {
    PaymentRefunded { order: id(), amount: AMOUNT, refund: "ref".into(), at_ms: 0 }.into()
}
