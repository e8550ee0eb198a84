//! Places for what is open for hours, streams of events and WebSockets: so many for all, and so many of them for one caller.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::filter::Who;
use crate::rates::network_of;

/// Whoever comes without a login is given another name whenever he likes, so his address counts, too; several live behind one.
const HOUSEHOLD: usize = 4;

#[derive(Clone)]
pub(crate) struct Streams {
    free: Arc<Semaphore>,
    all: usize,
    each: usize,
    open: Arc<Open>,
}

/// How many are open, by caller.
#[derive(Default)]
struct Open(Mutex<HashMap<String, usize>>);

/// One place, given back when it is let go.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    open: Arc<Open>,
    of: Vec<String>,
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// For anybody.
    ForAll,
    /// For him: he has so many.
    ForHim(usize),
}

impl Streams {
    /// So many for all, and so many for each.
    pub(crate) fn new(all: usize, each: usize) -> Self {
        let all = all.min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(all)), all, each, open: Arc::default() }
    }

    /// A place for a caller.
    pub(crate) fn take(&self, who: &Who, peer: IpAddr) -> Result<Place, Full> {
        let permit = Arc::clone(&self.free).try_acquire_owned().map_err(|_| Full::ForAll)?;
        let of = self.callers(who, peer);
        let mut open = self.open.lock();
        let has = |caller: &str| open.get(caller).copied().unwrap_or_default();
        if let Some((_, most)) = of.iter().find(|(caller, most)| has(caller) >= *most) {
            return Err(Full::ForHim(*most));
        }
        let of: Vec<String> = of.into_iter().map(|(caller, _)| caller).collect();
        of.iter().for_each(|caller| *open.entry(caller.clone()).or_default() += 1);
        drop(open);
        Ok(Place { _permit: permit, open: Arc::clone(&self.open), of })
    }

    /// Who it counts for, and how many each of them may have. No person has a blank in his name.
    fn callers(&self, who: &Who, peer: IpAddr) -> Vec<(String, usize)> {
        let address = (format!("address {}", network_of(peer)), self.each.saturating_mul(HOUSEHOLD));
        match who {
            Who::Person(person) => vec![(person.name.clone(), self.each)],
            Who::Visitor(visitor) => vec![(visitor.name.clone(), self.each), address],
            Who::Operator => vec![("an operator".to_owned(), self.each)],
            Who::Nobody | Who::Process(_) => vec![(address.0, self.each)],
        }
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.all.saturating_sub(self.free.available_permits())
    }

    /// Waits until none is open, but no longer than that.
    pub(crate) async fn closed(&self, patience: Duration) {
        let all = u32::try_from(self.all).unwrap_or(u32::MAX);
        // One that is cut off has had its time.
        drop(timeout(patience, self.free.acquire_many(all)).await);
    }
}

impl Open {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.lock();
        for caller in &self.of {
            if let Some(count) = open.get_mut(caller) {
                *count -= 1;
                if *count == 0 {
                    open.remove(caller);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bongsu_keys::Vouched;

    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    fn vouched(name: &str) -> Vouched {
        Vouched { name: name.into(), roles: Vec::new(), visitor: None }
    }

    #[test]
    fn one_too_many_is_refused_to_him_alone_and_what_is_let_go_is_free_again() {
        let streams = Streams::new(100, 2);
        let (ann, ben) = (Who::Person(vouched("usr_ann")), Who::Person(vouched("usr_ben")));
        let held: Vec<Place> = (0..2).filter_map(|_| streams.take(&ann, HOME).ok()).collect();
        assert_eq!((held.len(), streams.take(&ann, OTHER).err()), (2, Some(Full::ForHim(2))));
        assert!(streams.take(&ben, HOME).is_ok() && streams.take(&Who::Nobody, HOME).is_ok());
        assert_eq!(streams.count(), 2);
        drop(held);
        assert!(streams.take(&ann, HOME).is_ok());
        assert!(streams.open.lock().is_empty(), "nobody is remembered who has none");
    }

    #[test]
    fn whoever_takes_many_names_without_a_login_is_known_by_his_address() {
        let streams = Streams::new(100, 2);
        let visitor = |number: usize| Who::Visitor(vouched(&format!("vis_{number}")));
        let held: Vec<Place> = (0..50).filter_map(|number| streams.take(&visitor(number), HOME).ok()).collect();
        assert_eq!(held.len(), 2 * HOUSEHOLD);
        assert_eq!(streams.take(&visitor(99), HOME).err(), Some(Full::ForHim(2 * HOUSEHOLD)));
        assert!(streams.take(&visitor(99), OTHER).is_ok());
        assert!(streams.take(&Who::Person(vouched("usr_ann")), HOME).is_ok(), "who is logged in is himself");
    }

    #[test]
    fn all_of_them_together_have_an_end_too() {
        let streams = Streams::new(1, 2);
        let held = streams.take(&Who::Operator, HOME);
        assert_eq!(streams.take(&Who::Nobody, OTHER).err(), Some(Full::ForAll));
        drop(held);
        assert!(streams.take(&Who::Nobody, OTHER).is_ok());
    }
}
