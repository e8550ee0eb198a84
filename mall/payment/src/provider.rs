//! The anti-corruption layer: asking the provider, at least once; it recognises our keys. Its words stay in here.

use std::time::Duration;

use bongsu_runtime::{Activity, Attempt, Refused, Unavailable};
use money::Money;
use serde::Deserialize;
use serde_json::json;

use crate::{
    Settings,
    payment::{CaptureOutcome, CaptureRequested, RecordCapture, RecordRefund, RefundRequested},
};

/// How the provider is reached.
#[derive(Clone, Debug)]
pub struct Provider {
    base: String,
    deadline: Duration,
}

/// Takes the money of an order, once: the order's id is the provider's key.
///
/// Asks until the outcome is known. The provider declines a charge that reaches it too late, so that asking
/// again after the order's end charges nobody; one that reached it in time may still turn out to be captured
/// after the end, and is given back by what the payment decides then.
pub struct Capture(pub Provider);

/// Gives the money of an order back, once. Asks until the money is back.
pub struct Refund(pub Provider);

#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
enum CaptureAnswer {
    Captured { capture: String, amount: Money },
    Declined { reason: String },
}

#[derive(Deserialize)]
struct RefundAnswer {
    refund: String,
}

impl Activity for Capture {
    const NAME: &'static str = "capture";
    type Event = CaptureRequested;
    type Command = RecordCapture;

    async fn run(&self, event: CaptureRequested, attempt: &Attempt<'_>) -> Result<RecordCapture, Unavailable> {
        let CaptureRequested { order, amount, not_after_ms } = event;
        let ask = json!({ "key": order, "order": order, "amount": amount, "not_after_ms": not_after_ms });
        let outcome = match attempt.post(self.0.url("/captures"), &ask, self.0.deadline).await? {
            Ok(CaptureAnswer::Captured { capture, amount }) => CaptureOutcome::Captured { capture, amount },
            Ok(CaptureAnswer::Declined { reason }) => CaptureOutcome::Declined { reason },
            Err(Refused(status)) => CaptureOutcome::Declined { reason: format!("refused-{status}") },
        };
        Ok(RecordCapture { order, outcome })
    }
}

impl Activity for Refund {
    const NAME: &'static str = "refund";
    type Event = RefundRequested;
    type Command = RecordRefund;

    async fn run(&self, event: RefundRequested, attempt: &Attempt<'_>) -> Result<RecordRefund, Unavailable> {
        let RefundRequested { order, capture } = event;
        let ask = json!({ "key": order, "capture": capture });
        match attempt.post(self.0.url("/refunds"), &ask, self.0.deadline).await? {
            Ok(RefundAnswer { refund }) => Ok(RecordRefund { order, refund }),
            // What was taken has to go back: it is asked for until somebody has put the books right.
            Err(Refused(status)) => {
                if is_told(attempt.failed) {
                    tracing::warn!(%order, capture, status, failed = attempt.failed, "the provider refuses a refund");
                }
                Err(Unavailable(format!("the provider refuses it: {status}")))
            }
        }
    }
}

/// Whether a refund that was refused so often before is told in the log: at once, then less and less often.
fn is_told(failed: u32) -> bool {
    (failed + 1).is_power_of_two()
}

impl Provider {
    /// The provider of these settings.
    pub fn new(settings: &Settings) -> Self {
        let base = settings.provider.trim_end_matches('/').to_owned();
        Self { base, deadline: Duration::from_millis(settings.deadline_ms) }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refund_that_is_refused_is_told_at_once_and_then_less_and_less_often() {
        let told = |attempts: u32| (0..attempts).filter(|failed| is_told(*failed)).count();
        assert_eq!((told(1), told(10), told(10_000)), (1, 4, 14));
    }
}
