//! The provider is asked once both are known: what the order wants to pay, and that stock is held for it.
//! Whichever is heard second begins the capture.

use bongsu_core::{Ctx, version};
use money::Money;
use serde::{Deserialize, Serialize};

use crate::{
    events::{CaptureForgone, CaptureRequested, PaymentEvent, PaymentIntended, StockHeld},
    payment::{Charge, Intent, PaymentRejection, PaymentState},
};

/// Remember what an order wants to pay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RememberIntent {
    /// Which order.
    pub order: String,
    /// How much.
    pub amount: Money,
    /// The order ends by then, milliseconds since the Unix epoch.
    pub expires_at_ms: i64,
}
version!(RememberIntent, "payment.remember-intent", 1);

/// Remember that stock is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RememberStockHeld {
    /// For which order.
    pub order: String,
}
version!(RememberStockHeld, "payment.remember-stock-held", 1);

pub(crate) fn on_intent(
    state: &PaymentState,
    remember: RememberIntent,
    margin_ms: i64,
    ctx: &Ctx,
) -> Result<Vec<PaymentEvent>, PaymentRejection> {
    if state.intent.is_some() {
        return Err(PaymentRejection::AlreadyKnown);
    }
    let RememberIntent { order, amount, expires_at_ms } = remember;
    let next = state.stock_held.then(|| begin(state, &order, &Intent { amount, expires_at_ms }, margin_ms, ctx));
    let intended = PaymentIntended { order, amount, expires_at_ms };
    Ok([intended.into()].into_iter().chain(next.flatten()).collect())
}

pub(crate) fn on_stock_held(
    state: &PaymentState,
    remember: RememberStockHeld,
    margin_ms: i64,
    ctx: &Ctx,
) -> Result<Vec<PaymentEvent>, PaymentRejection> {
    if state.stock_held {
        return Err(PaymentRejection::AlreadyKnown);
    }
    let order = remember.order;
    let next = state.intent.as_ref().and_then(|intent| begin(state, &order, intent, margin_ms, ctx));
    Ok([StockHeld { order }.into()].into_iter().chain(next).collect())
}

/// After the end nothing is taken. Close to the deadline neither: ordering would end the order before it
/// heard of the money, and the customer would be charged and refunded for nothing.
fn begin(state: &PaymentState, order: &str, intent: &Intent, margin_ms: i64, ctx: &Ctx) -> Option<PaymentEvent> {
    if state.ended || state.charge != Charge::None {
        return None;
    }
    let order = order.to_owned();
    let not_after_ms = intent.expires_at_ms.saturating_sub(margin_ms);
    Some(if ctx.now_ms < not_after_ms {
        CaptureRequested { order, amount: intent.amount, not_after_ms }.into()
    } else {
        CaptureForgone { order }.into()
    })
}
