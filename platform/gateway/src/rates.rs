//! How often something may be asked: so many requests in so many seconds, for each address, person or path.
//!
//! Each is a bucket of the generic cell rate algorithm (ITU-T I.371), which the crate `governor` keeps: as many requests at once
//! as it holds, then one for each share of the seconds that has passed.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bongsu_host::config::within;
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use lru::LruCache;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use crate::table::{is_below, no_path};

/// So many buckets are kept, a few megabytes; then the one that was asked for longest ago is forgotten, which is full again
/// for whoever had it. A flood of addresses costs neither memory nor time.
const KEPT: NonZeroUsize = NonZeroUsize::new(65_536).expect("it is not zero");

/// So many drops fall in a second at most: then one takes a microsecond, which the clock can tell.
const DROPS_A_SECOND: u64 = 1_000_000;
/// A request is no more of them: with fewer a share of it would be off by more than a thousandth.
const FINEST: u64 = 1_000;

/// So many requests in so many seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// What it is called in `RateLimit` and in the answer: 1 to 32 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// Of whom each has his own.
    pub per: Per,
    /// `/x` exactly, `/x/*` everything below.
    #[serde(default = "Rate::everywhere")]
    pub path: String,
    /// So many.
    #[serde(deserialize_with = "within::<_, _, 1, 1_000_000>")]
    pub requests: u32,
    /// In so many seconds.
    #[serde(deserialize_with = "within::<_, _, 1, 86_400>")]
    pub seconds: u32,
}

/// Of whom each has his own bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// The address a request comes from; of IPv6 its first 64 bits, which one network has.
    Address,
    /// Who is logged in; who is not, by address.
    Person,
    /// All together.
    Path,
}

/// How a bucket stands after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// So many more are let through at once.
    pub(crate) left: u32,
    /// When one more is let through; nothing when one is now.
    pub(crate) wait: Duration,
}

/// One rate with its buckets.
pub(crate) struct Buckets {
    pub(crate) rate: Rate,
    /// So many drops are in a full bucket: a multiple of its requests, so that it can be shared.
    drops: u32,
    /// What one request takes.
    each: AtomicU32,
    limiter: RateLimiter<String, Kept, DefaultClock, StateInformationMiddleware>,
    clock: DefaultClock,
}

/// The state of each bucket: when it is full again, as the algorithm counts.
struct Kept(Mutex<LruCache<String, Nanos>>);

impl StateStore for Kept {
    type Key = String;

    fn measure_and_replace<T, F, E>(&self, key: &String, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (answer, full) = decide(kept.get(key).copied())?;
        kept.put(key.clone(), full);
        Ok(answer)
    }
}

impl Rate {
    fn everywhere() -> String {
        "/*".to_owned()
    }

    /// Why it makes no sense.
    fn nonsense(&self) -> Option<&'static str> {
        let is_named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=32).contains(&self.name.len()) || !self.name.bytes().all(is_named) {
            return Some("a name has 1 to 32 of 'a-z', '0-9' and '-'");
        }
        no_path(&self.path)
    }
}

/// Refuses what cannot be meant, by its name.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Rate>, D::Error> {
    let all = Vec::<Rate>::deserialize(deserializer)?;
    let mut names = BTreeSet::new();
    for rate in &all {
        let name = &rate.name;
        if let Some(why) = rate.nonsense() {
            return Err(D::Error::custom(format!("rate {name:?}: {why}")));
        }
        if !names.insert(name) {
            return Err(D::Error::custom(format!("rate {name:?} is there twice")));
        }
    }
    Ok(all)
}

impl Buckets {
    /// Of each rate, those that are there already where it is the same: who has taken out of them has taken it.
    pub(crate) fn of(rates: &[Rate], before: &[Arc<Self>]) -> Vec<Arc<Self>> {
        let known = |rate: &Rate| before.iter().find(|buckets| buckets.rate == *rate).cloned();
        rates.iter().map(|rate| known(rate).unwrap_or_else(|| Arc::new(Self::new(rate.clone())))).collect()
    }

    pub(crate) fn new(rate: Rate) -> Self {
        let requests = rate.requests.max(1);
        let fine = (u64::from(rate.seconds) * DROPS_A_SECOND / u64::from(requests)).clamp(1, FINEST);
        let each = u32::try_from(fine).unwrap_or(1);
        let drops = requests.saturating_mul(each);
        let cells = NonZeroU32::new(drops).unwrap_or(NonZeroU32::MIN);
        let period = Duration::from_secs(rate.seconds.into()) / drops;
        // A share of no time at all would be no rate; a nanosecond is shorter than any request.
        let quota = Quota::with_period(period.max(Duration::from_nanos(1))).unwrap_or(Quota::per_second(cells));
        let kept = Kept(Mutex::new(LruCache::new(KEPT)));
        let clock = DefaultClock::default();
        let limiter = RateLimiter::new(quota.allow_burst(cells), kept, clock.clone());
        Self { rate, drops, each: AtomicU32::new(each), limiter, clock }
    }

    /// From now on lets through what falls to the `at`th of `all` gateways, which together let through what the rate says. A bucket
    /// stays as full as it is. A rate of fewer requests than there are gateways is one at each.
    pub(crate) fn share(&self, at: u32, all: u32) {
        let all = all.max(1);
        let rest = u32::from(at < self.rate.requests % all);
        let share = (self.rate.requests / all + rest).max(1);
        self.each.store((self.drops / share).max(1), Ordering::Relaxed);
    }

    /// Whether it is about that path.
    pub(crate) fn is_about(&self, path: &str) -> bool {
        is_below(&self.rate.path, path)
    }

    /// Takes one request out of a bucket, if one is in.
    pub(crate) fn take(&self, key: String) -> Result<Standing, Standing> {
        let each = NonZeroU32::new(self.each.load(Ordering::Relaxed)).unwrap_or(NonZeroU32::MIN);
        match self.limiter.check_key_n(&key, each) {
            Ok(Ok(taken)) => Ok(Standing { left: taken.remaining_burst_capacity() / each, wait: Duration::ZERO }),
            Ok(Err(refused)) => Err(Standing { left: 0, wait: refused.wait_time_from(self.clock.now()) }),
            // No request takes more than a bucket holds.
            Err(_) => Err(Standing { left: 0, wait: Duration::from_secs(self.rate.seconds.into()) }),
        }
    }
}

/// Whose an address is: one of IPv4, a network of IPv6.
pub(crate) fn network_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(requests: u32, seconds: u32) -> Rate {
        Rate { name: "some".into(), per: Per::Path, path: "/*".into(), requests, seconds }
    }

    #[test]
    fn as_many_as_it_holds_are_let_through_and_then_one_for_each_share_of_the_time() {
        let buckets = Buckets::new(rate(3, 3_600));
        let left: Vec<u32> = (0..3).map(|_| buckets.take("ann".into()).expect("let through").left).collect();
        assert_eq!(left, [2, 1, 0]);
        let wait = buckets.take("ann".into()).expect_err("refused").wait;
        assert!((1_199..=1_200).contains(&wait.as_secs()), "a third of an hour: {wait:?}");
        assert_eq!(buckets.take("ben".into()).expect("he has his own").left, 2);
    }

    #[test]
    fn gateways_together_let_through_what_the_rate_says() {
        for (requests, seconds) in [(1, 60), (3, 1), (10, 60), (25, 7), (100, 1), (999, 60), (50_000, 86_400)] {
            for all in 1..=7 {
                let passed = |at: u32| {
                    let buckets = Buckets::new(rate(requests, seconds * 3_600));
                    buckets.share(at, all);
                    std::iter::from_fn(|| buckets.take("ann".into()).ok()).count() as u32
                };
                let sum: u32 = (0..all).map(passed).sum();
                let error = f64::from(sum.abs_diff(requests)) / f64::from(requests);
                assert!(error <= 0.01 || (requests < all && sum == all), "{requests} by {all}: {sum}");
            }
        }
    }

    #[test]
    fn a_bucket_stays_as_full_as_it_is_when_its_share_changes() {
        let buckets = Buckets::new(rate(100, 3_600));
        buckets.share(0, 2);
        let left = |buckets: &Buckets| buckets.take("ann".into()).map_or(0, |standing| standing.left + 1);
        assert!((0..25).all(|_| buckets.take("ann".into()).is_ok()));
        assert_eq!(left(&buckets), 25, "half of its half");
        buckets.share(0, 1);
        assert_eq!(left(&buckets), 48, "half of all but what was just taken");
        buckets.share(3, 4);
        assert_eq!(left(&buckets), 11);
        while buckets.take("ann".into()).is_ok() {}
        buckets.share(0, 1);
        assert!(left(&buckets) <= 3, "less is in it than one request took");
    }

    #[test]
    fn what_is_taken_comes_back() {
        let buckets = Buckets::new(rate(1_000, 1));
        while buckets.take("ann".into()).is_ok() {}
        std::thread::park_timeout(Duration::from_millis(5));
        assert!(buckets.take("ann".into()).is_ok());
    }

    #[test]
    fn a_flood_of_keys_takes_no_more_room_also_where_a_bucket_is_full_again_only_tomorrow() {
        let buckets = Buckets::new(rate(1, 86_400));
        for key in 0..KEPT.get() + 1_000 {
            assert!(buckets.take(key.to_string()).is_ok());
        }
        let last = (KEPT.get() + 999).to_string();
        assert!(
            buckets.take(last).is_err() && buckets.take("0".into()).is_ok(),
            "the oldest are forgotten, the newest not"
        );
    }

    #[test]
    fn a_network_has_one_bucket() {
        let of = |text: &str| network_of(text.parse().expect("an address"));
        assert_eq!((of("10.0.0.1"), of("::ffff:10.0.0.1")), ("10.0.0.1".into(), "10.0.0.1".into()));
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        #[derive(Debug, Deserialize)]
        struct All(#[serde(deserialize_with = "read")] Vec<Rate>);
        let of = |text: &str| serde_json::from_str::<All>(text).map(|all| all.0);
        let one = |name: &str, path: &str, requests: &str| {
            format!(r#"{{"name":"{name}","per":"address","path":"{path}","requests":{requests},"seconds":1}}"#)
        };
        for (bad, why) in [
            (one("", "/*", "1"), "a name has"),
            (one("A", "/*", "1"), "a name has"),
            (one("a", "orders", "1"), "a path begins"),
            (one("a", "/*/x", "1"), "only its last part"),
            (one("a", "/*", "0"), "from 1 to 1000000"),
            (one("a", "/*", "1.5"), "from 1 to 1000000"),
        ] {
            let said = of(&format!("[{bad}]")).expect_err(&bad).to_string();
            assert!(said.contains(why), "{bad}: {said}");
        }
        let twice = format!("[{0},{0}]", one("a", "/*", "1"));
        assert!(of(&twice).expect_err("twice").to_string().contains("is there twice"));
        assert_eq!(of(r#"[{"name":"a","per":"person","requests":1,"seconds":1}]"#).expect("one")[0].path, "/*");
    }
}
