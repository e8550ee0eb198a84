//! Which of several ready instances gets the next request: the one with the fewest in flight, in turn among equals.
//! One that is out (see [`crate::outliers`]) gets none while another is not; when all are out, all are in.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::outliers::Outliers;

/// An instance that has been given up on is forgotten when there are more than so many.
const REMEMBERED: usize = 256;

#[derive(Default)]
pub(crate) struct Balancer {
    pub(crate) outliers: Outliers,
    in_flight: Mutex<HashMap<SocketAddr, Arc<AtomicUsize>>>,
    turn: AtomicUsize,
}

/// A chosen instance, counted as busy while this lives.
pub(crate) struct Chosen {
    pub(crate) instance: SocketAddr,
    in_flight: Arc<AtomicUsize>,
}

impl Balancer {
    /// Chooses one of `ready` that is not in `refused`.
    pub(crate) fn choose(&self, ready: &[SocketAddr], refused: &[SocketAddr]) -> Option<Chosen> {
        let mut counts = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() > REMEMBERED {
            counts.retain(|_, count| Arc::strong_count(count) > 1);
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut open: Vec<SocketAddr> = ready.iter().filter(|instance| !refused.contains(instance)).copied().collect();
        if open.iter().any(|instance| !self.outliers.is_out(*instance)) {
            open.retain(|instance| !self.outliers.is_out(*instance));
        }
        let in_turn = (0..open.len()).map(|step| open[(turn + step) % open.len()]);
        // `min_by_key` takes the first of equals: the one whose turn it is.
        let instance =
            in_turn.min_by_key(|instance| counts.get(instance).map_or(0, |count| count.load(Ordering::Relaxed)))?;
        let in_flight = counts.entry(instance).or_default().clone();
        in_flight.fetch_add(1, Ordering::Relaxed);
        Some(Chosen { instance, in_flight })
    }
}

impl Drop for Chosen {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outliers::FAILURES;

    fn instance(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn equals_take_turns() {
        let (balancer, ready) = (Balancer::default(), [instance(1), instance(2), instance(3)]);
        let mut served: HashMap<SocketAddr, u32> = HashMap::new();
        for _ in 0..30 {
            *served.entry(balancer.choose(&ready, &[]).unwrap().instance).or_default() += 1;
        }
        assert!(ready.iter().all(|instance| served[instance] == 10), "{served:?}");
    }

    #[test]
    fn a_busy_instance_gets_nothing_while_another_is_idle() {
        let (balancer, ready) = (Balancer::default(), [instance(1), instance(2)]);
        let busy = balancer.choose(&ready, &[]).unwrap();
        for _ in 0..5 {
            assert_ne!(balancer.choose(&ready, &[]).unwrap().instance, busy.instance);
        }
    }

    #[tokio::test]
    async fn one_that_is_out_gets_nothing_unless_all_are_out() {
        let (balancer, ready) = (Balancer::default(), [instance(1), instance(2)]);
        (0..FAILURES).for_each(|_| balancer.outliers.failed(instance(1)));
        for _ in 0..5 {
            assert_eq!(balancer.choose(&ready, &[]).unwrap().instance, instance(2));
        }
        assert_eq!(balancer.choose(&ready, &[instance(2)]).unwrap().instance, instance(1), "rather than nobody");
        (0..FAILURES).for_each(|_| balancer.outliers.failed(instance(2)));
        let served: Vec<_> = (0..4).map(|_| balancer.choose(&ready, &[]).unwrap().instance).collect();
        assert!(ready.iter().all(|instance| served.contains(instance)), "{served:?}");
    }

    #[test]
    fn one_that_refused_is_not_asked_again() {
        let (balancer, ready) = (Balancer::default(), [instance(1), instance(2)]);
        assert_eq!(balancer.choose(&ready, &[instance(1)]).unwrap().instance, instance(2));
        assert!(balancer.choose(&ready, &ready).is_none());
    }
}
