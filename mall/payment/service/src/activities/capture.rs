//! Takes the money of an order, once: the order's id is the provider's key.

use bongsu_runtime::{
    Activity, Unavailable,
    ports::{Fut, env::HttpClient},
};
use money::Money;
use payment_domain::{
    events::CaptureRequested,
    record_capture::{CaptureOutcome, RecordCapture},
};
use serde::{Deserialize, Serialize};

use crate::activities::provider::{Provider, Refused};

/// Asks until the outcome is known. The provider declines a charge that reaches it too late, so that asking
/// again after the order's end charges nobody; one that reached it in time may still turn out to be captured
/// after the end, and is given back by what the payment decides then.
pub struct Capture(pub Provider);

#[derive(Serialize)]
struct Ask<'a> {
    key: &'a str,
    order: &'a str,
    amount: Money,
    not_after_ms: i64,
}

#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
enum Answer {
    Captured { capture: String, amount: Money },
    Declined { reason: String },
}

impl Activity for Capture {
    const NAME: &'static str = "capture";
    type Event = CaptureRequested;
    type Command = RecordCapture;

    fn run<'a>(
        &'a self,
        _: &'a str,
        event: CaptureRequested,
        http: &'a dyn HttpClient,
    ) -> Fut<'a, Result<RecordCapture, Unavailable>> {
        Box::pin(async move {
            let CaptureRequested { order, amount, not_after_ms } = event;
            let ask = Ask { key: &order, order: &order, amount, not_after_ms };
            let outcome = match self.0.post(http, "/captures", &ask).await? {
                Ok(Answer::Captured { capture, amount }) => CaptureOutcome::Captured { capture, amount },
                Ok(Answer::Declined { reason }) => CaptureOutcome::Declined { reason },
                Err(Refused(status)) => CaptureOutcome::Declined { reason: format!("refused-{status}") },
            };
            Ok(RecordCapture { order, outcome })
        })
    }
}
