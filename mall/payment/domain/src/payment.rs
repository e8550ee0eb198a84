//! The payment of one order: what is known, and which command meets which use case.

use bongsu_core::{Aggregate, Ctx, Decider, version, wire};
use money::Money;
use serde::{Deserialize, Serialize};

use crate::{
    begin_capture::{self, RememberIntent, RememberStockHeld},
    events::PaymentEvent,
    record_capture::{self, RecordCapture},
    record_refund::{self, RecordRefund},
    remember_end::{self, RememberEnd},
};

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
    /// How much.
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
    /// The provider refused.
    Declined {
        /// In the provider's words.
        reason: String,
    },
    /// The provider has the money.
    Captured {
        /// The provider's name for it.
        capture: String,
        /// How much.
        amount: Money,
    },
    /// The provider has it and is asked to give it back.
    RefundRequested {
        /// The provider's name for it.
        capture: String,
        /// How much.
        amount: Money,
    },
    /// The customer has it back.
    Refunded {
        /// How much.
        amount: Money,
    },
}

wire! {
    /// What may be asked of a payment.
    pub enum PaymentCommand {
        RememberIntent(RememberIntent),
        RememberStockHeld(RememberStockHeld),
        RememberEnd(RememberEnd),
        RecordCapture(RecordCapture),
        RecordRefund(RecordRefund),
    }
}

/// Why a payment did not change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum PaymentRejection {
    /// It was remembered before.
    AlreadyKnown,
    /// The outcome was recorded before.
    AlreadyRecorded,
    /// Nobody asked the provider for it.
    NotRequested,
}
version!(PaymentRejection, "payment.rejection", 1);

impl Default for Payments {
    fn default() -> Self {
        Self { margin_ms: 1_000 }
    }
}

impl Aggregate for Payments {
    const NAME: &'static str = "payment";
    type Event = PaymentEvent;
    type State = PaymentState;

    fn evolve(state: &mut PaymentState, event: &PaymentEvent) {
        match event {
            PaymentEvent::Intended(e) => {
                state.intent = Some(Intent { amount: e.amount, expires_at_ms: e.expires_at_ms });
            }
            PaymentEvent::StockHeld(_) => state.stock_held = true,
            PaymentEvent::OrderEnded(_) => state.ended = true,
            PaymentEvent::CaptureRequested(_) => state.charge = Charge::Requested,
            PaymentEvent::CaptureForgone(_) => state.charge = Charge::Forgone,
            PaymentEvent::Declined(e) => state.charge = Charge::Declined { reason: e.reason.clone() },
            PaymentEvent::Captured(e) => {
                state.charge = Charge::Captured { capture: e.capture.clone(), amount: e.amount };
            }
            PaymentEvent::RefundRequested(e) => state.charge = state.charge.going_back(&e.capture),
            PaymentEvent::Refunded(e) => state.charge = Charge::Refunded { amount: e.amount },
        }
    }
}

impl Charge {
    fn going_back(&self, capture: &str) -> Self {
        match self {
            Self::Captured { amount, .. } => Self::RefundRequested { capture: capture.into(), amount: *amount },
            other => other.clone(),
        }
    }
}

impl Decider for Payments {
    type Command = PaymentCommand;
    type Rejection = PaymentRejection;

    fn target(&self, command: &PaymentCommand, _: &Ctx) -> String {
        match command {
            PaymentCommand::RememberIntent(c) => c.order.clone(),
            PaymentCommand::RememberStockHeld(c) => c.order.clone(),
            PaymentCommand::RememberEnd(c) => c.order.clone(),
            PaymentCommand::RecordCapture(c) => c.order.clone(),
            PaymentCommand::RecordRefund(c) => c.order.clone(),
        }
    }

    fn decide(
        &self,
        state: &PaymentState,
        command: PaymentCommand,
        ctx: &Ctx,
    ) -> Result<Vec<PaymentEvent>, PaymentRejection> {
        match command {
            PaymentCommand::RememberIntent(c) => begin_capture::on_intent(state, c, self.margin_ms, ctx),
            PaymentCommand::RememberStockHeld(c) => begin_capture::on_stock_held(state, c, self.margin_ms, ctx),
            PaymentCommand::RememberEnd(c) => remember_end::decide(state, c),
            PaymentCommand::RecordCapture(c) => record_capture::decide(state, c, ctx),
            PaymentCommand::RecordRefund(c) => record_refund::decide(state, c, ctx),
        }
    }
}
