//! The rules: when money is taken, and when it is given back. Pure.
//!
//! [`Payments`] decides over the payment of one order. It captures only when it knows what to capture, that stock is held,
//! and of no end; a capture that turns out to have happened after the end is refunded.

use bongsu_core::{Aggregate, Ctx, Decider, Messages, id, message};
use money::Money;
use serde::{Deserialize, Serialize};

#[id]
pub struct OrderId(String);
#[id]
pub struct CustomerId(String);

/// Decides over the payment of one order; id = order id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payments {
    /// Nothing is captured in the last moments before the order expires: the answer would come too late.
    pub margin_ms: i64,
}

/// What is known of a payment. Facts of different contexts arrive in any order, so each part stands alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PaymentState {
    /// What the order wants to pay.
    pub intent: Option<Intent>,
    /// Stock is held for it.
    pub stock_held: bool,
    /// The order ended without being delivered.
    pub ended: bool,
    /// What became of the capture.
    pub charge: Charge,
}

/// What an order wants to pay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Who pays; of what was heard before this was remembered, nobody knows.
    pub customer: Option<CustomerId>,
    pub amount: Money,
    /// The order ends by then, milliseconds since the Unix epoch.
    pub expires_at_ms: i64,
}

/// What became of the capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "charge", rename_all = "kebab-case")]
pub enum Charge {
    /// Not asked for.
    #[default]
    None,
    /// Asked for; the outcome is not known.
    Requested,
    /// Not asked for, because it was too late.
    Forgone,
    /// The provider refused, in its words.
    Declined { reason: String },
    /// The provider has the money, under its name for it.
    Captured { capture: String, amount: Money },
    /// The provider has it and is asked to give it back.
    RefundRequested { capture: String, amount: Money },
    /// The customer has it back.
    Refunded { amount: Money },
}

/// What may be asked of a payment.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum PaymentCommand {
    RememberIntent(RememberIntent),
    RememberStockHeld(RememberStockHeld),
    RememberEnd(RememberEnd),
    RecordCapture(RecordCapture),
    RecordRefund(RecordRefund),
}

/// Remember what an order wants to pay.
#[message("payment.remember-intent", version = 1, key = order)]
pub struct RememberIntent {
    pub order: OrderId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    pub amount: Money,
    pub expires_at_ms: i64,
}

/// Remember that stock is held.
#[message("payment.remember-stock-held", version = 1, key = order)]
pub struct RememberStockHeld {
    pub order: OrderId,
}

/// Remember that an order was rejected or cancelled.
#[message("payment.remember-end", version = 1, key = order)]
pub struct RememberEnd {
    pub order: OrderId,
}

/// Record the provider's answer to a capture.
#[message("payment.record-capture", version = 1, key = order)]
pub struct RecordCapture {
    pub order: OrderId,
    pub outcome: CaptureOutcome,
}

/// What the provider did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CaptureOutcome {
    /// It took the money, and has a name for that.
    Captured { capture: String, amount: Money },
    /// It refused, in its words.
    Declined { reason: String },
}

/// Record that the provider gave the money back.
#[message("payment.record-refund", version = 1, key = order)]
pub struct RecordRefund {
    pub order: OrderId,
    /// The provider's name for the refund.
    pub refund: String,
}

/// Why a payment did not change.
#[message("payment.rejection", version = 1)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum PaymentRejection {
    /// It was remembered before.
    AlreadyKnown,
    /// The outcome was recorded before.
    AlreadyRecorded,
    /// Nobody asked the provider for it.
    NotRequested,
}

/// What happens to a payment. Private: the map says what others may hear.
#[derive(Clone, Debug, PartialEq, Messages)]
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

/// An order wants to be paid.
#[message("payment.intended", version = 1, key = order)]
pub struct PaymentIntended {
    pub order: OrderId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    pub amount: Money,
    pub expires_at_ms: i64,
}

/// Stock is held for the order.
#[message("payment.stock-held", version = 1, key = order)]
pub struct StockHeld {
    pub order: OrderId,
}

/// The provider is to be asked for the money.
#[message("payment.capture-requested", version = 1, key = order)]
pub struct CaptureRequested {
    pub order: OrderId,
    pub amount: Money,
    /// A request that reaches the provider later must not charge, milliseconds since the Unix epoch.
    pub not_after_ms: i64,
}

/// It was too late to ask the provider: the order is about to end.
#[message("payment.capture-forgone", version = 1, key = order)]
pub struct CaptureForgone {
    pub order: OrderId,
}

/// The order ended without being delivered: what was taken goes back, nothing more is taken.
#[message("payment.order-ended", version = 1, key = order)]
pub struct OrderEnded {
    pub order: OrderId,
}

/// The provider took the money (결제 처리됨).
#[message("payment.captured", version = 1, key = order)]
pub struct PaymentCaptured {
    pub order: OrderId,
    pub amount: Money,
    /// The provider's name for it.
    pub capture: String,
    pub at_ms: i64,
}

/// The provider refused.
#[message("payment.declined", version = 1, key = order)]
pub struct PaymentDeclined {
    pub order: OrderId,
    /// In the provider's words.
    pub reason: String,
    pub at_ms: i64,
}

/// The provider is to give the money back.
#[message("payment.refund-requested", version = 1, key = order)]
pub struct RefundRequested {
    pub order: OrderId,
    /// The provider's name for what it took.
    pub capture: String,
}

/// The provider gave the money back.
#[message("payment.refunded", version = 1, key = order)]
pub struct PaymentRefunded {
    pub order: OrderId,
    pub amount: Money,
    /// The provider's name for the refund.
    pub refund: String,
    pub at_ms: i64,
}

impl Aggregate for Payments {
    const NAME: &'static str = "payment";
    type Event = PaymentEvent;
    type State = PaymentState;

    fn evolve(state: &mut PaymentState, event: &PaymentEvent) {
        match event {
            PaymentEvent::Intended(e) => {
                let PaymentIntended { customer, amount, expires_at_ms, .. } = e.clone();
                state.intent = Some(Intent { customer, amount, expires_at_ms });
            }
            PaymentEvent::StockHeld(_) => state.stock_held = true,
            PaymentEvent::OrderEnded(_) => state.ended = true,
            PaymentEvent::CaptureRequested(_) => state.charge = Charge::Requested,
            PaymentEvent::CaptureForgone(_) => state.charge = Charge::Forgone,
            PaymentEvent::Declined(e) => state.charge = Charge::Declined { reason: e.reason.clone() },
            PaymentEvent::Captured(e) => {
                state.charge = Charge::Captured { capture: e.capture.clone(), amount: e.amount };
            }
            PaymentEvent::RefundRequested(RefundRequested { capture, .. }) => {
                if let Charge::Captured { amount, .. } = state.charge {
                    state.charge = Charge::RefundRequested { capture: capture.clone(), amount };
                }
            }
            PaymentEvent::Refunded(e) => state.charge = Charge::Refunded { amount: e.amount },
        }
    }
}

/// What follows from a command, or why nothing does.
type Decided = Result<Vec<PaymentEvent>, PaymentRejection>;

impl Decider for Payments {
    type Command = PaymentCommand;
    type Rejection = PaymentRejection;

    fn decide(&self, state: &PaymentState, command: PaymentCommand, ctx: &Ctx) -> Decided {
        match command {
            PaymentCommand::RememberIntent(c) => self.on_intent(state, c, ctx),
            PaymentCommand::RememberStockHeld(c) => self.on_stock_held(state, c, ctx),
            PaymentCommand::RememberEnd(c) => on_end(state, c),
            PaymentCommand::RecordCapture(c) => on_answer(state, c, ctx),
            PaymentCommand::RecordRefund(c) => on_refund(state, c, ctx),
        }
    }
}

/// The provider is asked once both are known: what the order wants to pay, and that stock is held for it. Whichever is
/// heard second begins the capture.
impl Payments {
    fn on_intent(&self, state: &PaymentState, remember: RememberIntent, ctx: &Ctx) -> Decided {
        if state.intent.is_some() {
            return Err(PaymentRejection::AlreadyKnown);
        }
        let RememberIntent { order, customer, amount, expires_at_ms } = remember;
        let intent = Intent { customer: customer.clone(), amount, expires_at_ms };
        let next = state.stock_held.then(|| self.begin(state, &order, &intent, ctx));
        let intended = PaymentIntended { order, customer, amount, expires_at_ms };
        Ok([intended.into()].into_iter().chain(next.flatten()).collect())
    }

    fn on_stock_held(&self, state: &PaymentState, remember: RememberStockHeld, ctx: &Ctx) -> Decided {
        if state.stock_held {
            return Err(PaymentRejection::AlreadyKnown);
        }
        let order = remember.order;
        let next = state.intent.as_ref().and_then(|intent| self.begin(state, &order, intent, ctx));
        Ok([StockHeld { order }.into()].into_iter().chain(next).collect())
    }

    /// After the end nothing is taken. Close to the deadline neither: ordering would end the order before it heard of the
    /// money, and the customer would be charged and refunded for nothing.
    fn begin(&self, state: &PaymentState, order: &OrderId, intent: &Intent, ctx: &Ctx) -> Option<PaymentEvent> {
        if state.ended || state.charge != Charge::None {
            return None;
        }
        let order = order.clone();
        let not_after_ms = intent.expires_at_ms.saturating_sub(self.margin_ms);
        Some(if ctx.now_ms < not_after_ms {
            CaptureRequested { order, amount: intent.amount, not_after_ms }.into()
        } else {
            CaptureForgone { order }.into()
        })
    }
}

/// A capture on its way is neither stopped nor forgotten: when its outcome is known, it is refunded.
fn on_end(state: &PaymentState, remember: RememberEnd) -> Decided {
    if state.ended {
        return Err(PaymentRejection::AlreadyKnown);
    }
    let order = remember.order;
    let ended = OrderEnded { order: order.clone() }.into();
    Ok(match &state.charge {
        Charge::Captured { capture, .. } => vec![ended, RefundRequested { order, capture: capture.clone() }.into()],
        _ => vec![ended],
    })
}

/// Money taken after the end goes back in the same breath: no moment in which it is merely kept.
fn on_answer(state: &PaymentState, record: RecordCapture, ctx: &Ctx) -> Decided {
    let RecordCapture { order, outcome } = record;
    let at_ms = ctx.now_ms;
    match state.charge {
        Charge::Requested => {}
        Charge::None | Charge::Forgone => return Err(PaymentRejection::NotRequested),
        _ => return Err(PaymentRejection::AlreadyRecorded),
    }
    Ok(match outcome {
        CaptureOutcome::Declined { reason } => vec![PaymentDeclined { order, reason, at_ms }.into()],
        CaptureOutcome::Captured { capture, amount } => {
            let refund = state.ended.then(|| RefundRequested { order: order.clone(), capture: capture.clone() }.into());
            let captured = PaymentCaptured { order, amount, capture, at_ms };
            [captured.into()].into_iter().chain(refund).collect()
        }
    })
}

fn on_refund(state: &PaymentState, record: RecordRefund, ctx: &Ctx) -> Decided {
    let RecordRefund { order, refund } = record;
    match &state.charge {
        Charge::RefundRequested { amount, .. } => {
            Ok(vec![PaymentRefunded { order, amount: *amount, refund, at_ms: ctx.now_ms }.into()])
        }
        Charge::Refunded { .. } => Err(PaymentRejection::AlreadyRecorded),
        _ => Err(PaymentRejection::NotRequested),
    }
}
