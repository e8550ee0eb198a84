//! The anti-corruption layer: asking the provider, at least once; it recognises our keys. Its words stay in here.

use std::time::Duration;

use bongsu_runtime::{
    Activity, Attempt, Unavailable,
    ports::env::{HttpClient, HttpRequest},
};
use money::Money;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

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

/// The provider will never take this request; with the status of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refused(u16);

/// Whether a client error will be the same next time: not a wrong moment (408, 425), nor too many (429), nor a key that is
/// being renewed (401, 403).
fn is_final(status: u16) -> bool {
    matches!(status, 400..=499) && !matches!(status, 401 | 403 | 408 | 425 | 429)
}

impl Activity for Capture {
    const NAME: &'static str = "capture";
    type Event = CaptureRequested;
    type Command = RecordCapture;

    async fn run(&self, event: CaptureRequested, attempt: &Attempt<'_>) -> Result<RecordCapture, Unavailable> {
        let CaptureRequested { order, amount, not_after_ms } = event;
        let ask = json!({ "key": order, "order": order, "amount": amount, "not_after_ms": not_after_ms });
        let outcome = match self.0.post(attempt.http, "/captures", &ask).await? {
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
        match self.0.post(attempt.http, "/refunds", &ask).await? {
            Ok(RefundAnswer { refund }) => Ok(RecordRefund { order, refund }),
            Err(Refused(status)) => Err(refused_for_now(&order, &capture, status, attempt.failed)),
        }
    }
}

/// What was taken has to go back: it is asked for until somebody has put the books right. Who should do that reads it in the
/// log: at once, then less and less often.
fn refused_for_now(order: &str, capture: &str, status: u16, failed: u32) -> Unavailable {
    if (failed + 1).is_power_of_two() {
        tracing::warn!(order, capture, status, attempts = failed + 1, "the provider refuses a refund");
    }
    Unavailable(format!("the provider refuses it: {status}"))
}

impl Provider {
    /// The provider of these settings.
    pub fn new(settings: &Settings) -> Self {
        let base = settings.provider.trim_end_matches('/').to_owned();
        Self { base, deadline: Duration::from_millis(settings.deadline_ms) }
    }

    /// Posts a request that carries its own key. [`Refused`] is final: the same request will never be taken, and had no
    /// effect.
    ///
    /// # Errors
    /// [`Unavailable`] when there was no answer, the answer is not final, or it makes no sense: whether the
    /// request took effect is then unknown, and it is asked again under the same key.
    async fn post<T: DeserializeOwned>(
        &self,
        http: &dyn HttpClient,
        path: &str,
        body: &Value,
    ) -> Result<Result<T, Refused>, Unavailable> {
        let request = HttpRequest {
            method: "POST",
            url: format!("{}{path}", self.base),
            headers: vec![("content-type".into(), "application/json".into())],
            body: body.to_string().into(),
            deadline: self.deadline,
        };
        let answer = http.send(request).await.map_err(|error| Unavailable(error.to_string()))?;
        match answer.status {
            200 => {}
            status if is_final(status) => return Ok(Err(Refused(status))),
            status => return Err(Unavailable(format!("the provider answered {status}"))),
        }
        serde_json::from_slice(&answer.body)
            .map(Ok)
            .map_err(|error| Unavailable(format!("the provider's answer makes no sense: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use tracing::{Event, Metadata, Subscriber, span};

    use super::*;

    /// Counts what is logged.
    struct Counted(Arc<AtomicU32>);

    impl Subscriber for Counted {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() == tracing::Level::WARN
        }

        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }

        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn enter(&self, _: &span::Id) {}

        fn exit(&self, _: &span::Id) {}
    }

    #[test]
    fn a_refund_that_is_refused_is_logged_at_once_and_then_less_and_less_often() {
        let lines = Arc::new(AtomicU32::new(0));
        let after = |attempts: u32| {
            lines.store(0, Ordering::Relaxed);
            tracing::subscriber::with_default(Counted(Arc::clone(&lines)), || {
                for failed in 0..attempts {
                    assert!(refused_for_now("o1", "cap_1", 404, failed).0.contains("404"));
                }
            });
            lines.load(Ordering::Relaxed)
        };
        assert_eq!((after(1), after(10), after(10_000)), (1, 4, 14));
    }
}
