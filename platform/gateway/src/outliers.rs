//! Sick instances: taken out after failures in a row, asked whether they are well, and let in again.
//!
//! The supervisor takes out who says it is not ready; this is for who says nothing of the kind and still fails. Counted
//! are connections that are refused or break, and answers that did not come in the time the gateway itself gives: what
//! an instance answers, an error included, says that it is there. Each time out is twice as long as the one before.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So many failures in a row and an instance is taken out.
pub(crate) const FAILURES: u32 = 5;
/// How long it stays out the first time, and at most.
const OUT: Duration = Duration::from_secs(1);
const OUT_AT_MOST: Duration = Duration::from_secs(30);
/// Who was well for so long starts anew.
const FORGIVEN: Duration = Duration::from_secs(60);

/// What is known about instances that failed lately.
#[derive(Default)]
pub(crate) struct Outliers {
    known: Mutex<HashMap<SocketAddr, Record>>,
}

struct Record {
    failures: u32,
    /// Times it was taken out in a row.
    ejections: u32,
    /// Not asked again before; while `Some` it is out.
    out_until: Option<Instant>,
    back_since: Instant,
}

impl Outliers {
    /// It failed once more.
    pub(crate) fn failed(&self, instance: SocketAddr) {
        let mut known = self.lock();
        let record = known.entry(instance).or_insert_with(Record::new);
        record.failures += 1;
        if record.failures >= FAILURES && record.out_until.is_none() {
            let out = record.take_out();
            tracing::warn!(%instance, failures = record.failures, ?out, "an instance is taken out");
        }
    }

    /// It answered.
    pub(crate) fn answered(&self, instance: SocketAddr) {
        let mut known = self.lock();
        let Some(record) = known.get_mut(&instance) else { return };
        record.failures = 0;
        if record.out_until.is_none() && record.back_since.elapsed() >= FORGIVEN {
            known.remove(&instance);
        }
    }

    /// Whether it is out.
    pub(crate) fn is_out(&self, instance: SocketAddr) -> bool {
        self.lock().get(&instance).is_some_and(|record| record.out_until.is_some())
    }

    /// Those whose time is over: to be asked.
    pub(crate) fn to_ask(&self) -> Vec<SocketAddr> {
        let now = Instant::now();
        let over = |record: &Record| record.out_until.is_some_and(|until| until <= now);
        self.lock().iter().filter(|(_, record)| over(record)).map(|(instance, _)| *instance).collect()
    }

    /// What it said when it was asked.
    pub(crate) fn asked(&self, instance: SocketAddr, well: bool) {
        let mut known = self.lock();
        let Some(record) = known.get_mut(&instance) else { return };
        if well {
            record.failures = 0;
            record.out_until = None;
            record.back_since = Instant::now();
            tracing::info!(%instance, "an instance is back");
        } else {
            record.take_out();
        }
    }

    /// Keeps what is known of these only: another process at an old address starts anew.
    pub(crate) fn keep(&self, ready: impl Fn(&SocketAddr) -> bool) {
        self.lock().retain(|instance, _| ready(instance));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, Record>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn new() -> Self {
        Self { failures: 0, ejections: 0, out_until: None, back_since: Instant::now() }
    }

    fn take_out(&mut self) -> Duration {
        let out = OUT.saturating_mul(1 << self.ejections.min(10)).min(OUT_AT_MOST);
        self.ejections += 1;
        self.out_until = Some(Instant::now() + out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 1))
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_take_an_instance_out_and_an_answer_between_them_does_not() {
        let outliers = Outliers::default();
        for _ in 0..3 {
            (1..FAILURES).for_each(|_| outliers.failed(instance()));
            outliers.answered(instance());
        }
        assert!(!outliers.is_out(instance()));
        (0..FAILURES).for_each(|_| outliers.failed(instance()));
        assert!(outliers.is_out(instance()) && outliers.to_ask().is_empty());
        tokio::time::advance(OUT).await;
        assert_eq!(outliers.to_ask(), [instance()]);
        assert!(outliers.is_out(instance()), "until it was asked");
        outliers.asked(instance(), true);
        assert!(!outliers.is_out(instance()));
    }

    #[tokio::test(start_paused = true)]
    async fn each_time_out_is_twice_as_long_up_to_a_cap_and_a_minute_of_health_is_forgiveness() {
        let outliers = Outliers::default();
        (0..FAILURES).for_each(|_| outliers.failed(instance()));
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            tokio::time::advance(Duration::from_millis(seconds * 1_000 - 1)).await;
            assert!(outliers.to_ask().is_empty(), "{seconds}");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert_eq!(outliers.to_ask().len(), 1, "{seconds}");
            outliers.asked(instance(), false);
        }
        outliers.asked(instance(), true);
        tokio::time::advance(FORGIVEN).await;
        outliers.answered(instance());
        (0..FAILURES).for_each(|_| outliers.failed(instance()));
        tokio::time::advance(OUT).await;
        assert_eq!(outliers.to_ask().len(), 1);
    }

    #[tokio::test]
    async fn an_instance_that_was_not_ready_in_between_starts_anew() {
        let outliers = Outliers::default();
        (0..FAILURES).for_each(|_| outliers.failed(instance()));
        outliers.keep(|_| false);
        assert!(!outliers.is_out(instance()));
    }
}
