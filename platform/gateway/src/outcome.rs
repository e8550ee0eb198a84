//! What became of a call, as far as it says something about the service. What a client did never does.
//!
//! A failure is no connection, a broken one, an answer that is no HTTP, and 500, 502, 503 and 504. Any other answer is one of a
//! service that is well, a refusal included. Being late, or a 503 or 504 that may mean as much, counts where the service was given a fair
//! time: the caller has as much patience as the gateway, and the answer came in the first half of it, or the request was there
//! whole for at least half of it.

use std::time::Duration;

use bongsu_breaker::{Fault, Outcome};
use http::StatusCode;
use tokio::time::Instant;

/// What is to be judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// What came of it, after whatever was tried again.
    pub(crate) ended: Ended,
    pub(crate) ended_at: Instant,
    /// The client broke off, sent too much, or kept everybody waiting.
    pub(crate) by_client: bool,
    /// The client waits as long as the gateway does.
    pub(crate) is_patient: bool,
    /// Since when the service has had the whole request.
    pub(crate) whole_since: Option<Instant>,
    pub(crate) deadline: Instant,
    /// How long the gateway waits.
    pub(crate) limit: Duration,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Ended {
    /// The service's own answer.
    Answer(StatusCode),
    /// There was no instance to ask.
    Nobody,
    Failed(Fault),
    /// The time was over.
    Late,
}

impl Facts {
    pub(crate) fn outcome(self) -> Outcome {
        let late = |fault| if self.is_fair() { Outcome::Failed(fault) } else { Outcome::Nothing };
        match self.ended {
            _ if self.by_client => Outcome::Nothing,
            Ended::Nobody => Outcome::Nothing,
            Ended::Failed(fault) => Outcome::Failed(fault),
            Ended::Late => late(Fault::Late),
            Ended::Answer(status @ (StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)) => {
                late(Fault::Status(status.as_u16()))
            }
            Ended::Answer(status @ (StatusCode::INTERNAL_SERVER_ERROR | StatusCode::BAD_GATEWAY)) => {
                Outcome::Failed(Fault::Status(status.as_u16()))
            }
            Ended::Answer(_) => Outcome::Answered,
        }
    }

    fn is_fair(self) -> bool {
        let half = self.limit / 2;
        let left = |since: Instant| self.deadline.saturating_duration_since(since);
        let was_early = left(self.ended_at) >= half;
        self.is_patient && (was_early || self.whole_since.is_some_and(|since| left(since) >= half))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    /// Of a patient client whose request was there at once, at the end of its time.
    fn facts(ended: Ended) -> Facts {
        let now = Instant::now();
        let deadline = now + LIMIT;
        let whole_since = Some(now);
        Facts { ended, ended_at: deadline, by_client: false, is_patient: true, whole_since, deadline, limit: LIMIT }
    }

    fn answer(status: u16) -> Facts {
        facts(Ended::Answer(StatusCode::from_u16(status).unwrap()))
    }

    const FAULTS: [Fault; 4] = [Fault::Refused, Fault::Lost, Fault::Garbage, Fault::Late];

    #[test]
    fn an_answer_is_a_failure_only_if_the_service_is_not_well() {
        for status in 100..=999 {
            let expected = match status {
                500 | 502 | 503 | 504 => Outcome::Failed(Fault::Status(status)),
                _ => Outcome::Answered,
            };
            assert_eq!(answer(status).outcome(), expected, "{status}");
        }
        for fault in FAULTS {
            assert_eq!(facts(Ended::Failed(fault)).outcome(), Outcome::Failed(fault));
        }
        assert_eq!(facts(Ended::Late).outcome(), Outcome::Failed(Fault::Late));
        assert_eq!(facts(Ended::Nobody).outcome(), Outcome::Nothing, "nobody was asked");
    }

    #[test]
    fn whatever_a_client_did_is_no_failure_of_the_service() {
        let mut all: Vec<Facts> = FAULTS.map(|fault| facts(Ended::Failed(fault))).to_vec();
        all.extend([400, 408, 413, 500, 502, 503, 504].map(answer));
        all.push(facts(Ended::Late));
        for facts in all {
            assert_eq!(Facts { by_client: true, ..facts }.outcome(), Outcome::Nothing, "{facts:?}");
        }
    }

    #[test]
    fn being_late_counts_only_where_the_service_had_a_fair_time() {
        for late in [facts(Ended::Late), answer(503), answer(504)] {
            let slow_sender = |seconds| {
                let since = late.deadline - Duration::from_secs(seconds);
                Facts { whole_since: Some(since), ..late }.outcome()
            };
            assert_eq!(Facts { is_patient: false, ..late }.outcome(), Outcome::Nothing);
            assert_eq!(Facts { whole_since: None, ..late }.outcome(), Outcome::Nothing);
            assert_eq!(slow_sender(4), Outcome::Nothing);
            assert_ne!(slow_sender(5), Outcome::Nothing);
        }
        assert_ne!(
            Facts { is_patient: false, ..answer(500) }.outcome(),
            Outcome::Nothing,
            "that is no question of time"
        );
    }
}
