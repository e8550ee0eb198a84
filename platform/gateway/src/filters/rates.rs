//! How often something may be asked, and how much of that is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bongsu_host::problem::Problem;
use http::{HeaderName, HeaderValue, StatusCode, request, response};
use tokio::sync::watch;

use crate::filter::{Exchange, Filter, Flow, Who};
use crate::filters::Live;
use crate::rates::{Buckets, Per, Rate, Standing, network_of};
use crate::table::Table;

/// draft-ietf-httpapi-ratelimit-headers-10: what is allowed, and what is left of it.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// What the two are called.
pub(super) const ANYBODY: &str = "rates";
pub(super) const PERSONS: &str = "rates of persons";

/// Refuses what comes too often with 429, and says on every answer what is left.
pub struct Rates {
    name: &'static str,
    all: Vec<Arc<Buckets>>,
    shared: Shared,
    /// Whether it says what is left; every answer passes the outer of two.
    is_outer: bool,
}

/// Among whom they are shared.
struct Shared {
    table: watch::Receiver<Arc<Table>>,
    slot: String,
    /// By which table they are shared.
    revision: AtomicU64,
}

/// What an answer says of a rate.
pub(crate) struct Noted {
    policy: String,
    limit: String,
}

impl Rates {
    /// Those that need not know who is asking: before anything that costs.
    pub(crate) fn of_anybody(live: Live<'_>) -> Self {
        Self { is_outer: true, ..Self::of(ANYBODY, live, |per| per != Per::Person) }
    }

    /// Those of each person.
    pub(crate) fn of_persons(live: Live<'_>) -> Self {
        Self::of(PERSONS, live, |per| per == Per::Person)
    }

    fn of(name: &'static str, live: Live<'_>, fits: impl Fn(Per) -> bool) -> Self {
        let Live { table, slot, rates, .. } = live;
        let shared = Shared { table: table.clone(), slot: slot.to_owned(), revision: AtomicU64::new(0) };
        let all = rates.iter().filter(|buckets| fits(buckets.rate.per)).cloned().collect();
        Self { name, is_outer: false, all, shared }
    }

    /// Shares them among the gateways there are now.
    fn share(&self) {
        if self.all.is_empty() {
            return;
        }
        let table = self.shared.table.borrow();
        if self.shared.revision.load(Ordering::Relaxed) == table.revision {
            return;
        }
        let (at, all) = table.place_among_gateways(&self.shared.slot);
        self.all.iter().for_each(|buckets| buckets.share(at, all));
        self.shared.revision.store(table.revision, Ordering::Relaxed);
    }
}

impl Filter for Rates {
    fn name(&self) -> &'static str {
        self.name
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        self.share();
        for buckets in self.all.iter().filter(|buckets| buckets.is_about(request.uri.path())) {
            let taken = buckets.take(key(buckets.rate.per, exchange));
            exchange.noted.push(Noted::of(&buckets.rate, taken.unwrap_or_else(|refused| refused)));
            if let Err(refused) = taken {
                return too_often(&buckets.rate, refused).into();
            }
        }
        Flow::Continue
    }

    fn on_response(&self, response: &mut response::Parts, exchange: &Exchange) {
        if !self.is_outer {
            return;
        }
        let said = |what: fn(&Noted) -> &str| exchange.noted.iter().map(what).collect::<Vec<_>>().join(", ");
        let lines = [(POLICY, said(|noted| &noted.policy)), (LIMIT, said(|noted| &noted.limit))];
        for (name, line) in lines.into_iter().filter(|(_, line)| !line.is_empty()) {
            if let Ok(line) = HeaderValue::try_from(line) {
                response.headers.insert(name, line);
            }
        }
    }
}

/// Whose bucket it is. A visitor has none of his own: he is given another name whenever he likes.
fn key(per: Per, exchange: &Exchange) -> String {
    match (per, &exchange.who) {
        (Per::Path, _) => String::new(),
        (Per::Person, Who::Person(person)) => person.name.clone(),
        (Per::Person, Who::Operator) => "operator".to_owned(),
        (Per::Address, _) | (Per::Person, Who::Nobody | Who::Visitor(_) | Who::Process(_)) => {
            network_of(exchange.peer.ip())
        }
    }
}

fn too_often(rate: &Rate, refused: Standing) -> Problem {
    let Rate { name, requests, seconds, .. } = rate;
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests")
        .detail(format!("The rate {name} lets {requests} requests through in {seconds} s."))
        .retry_after(whole_seconds(refused))
}

/// Rounded up: who comes after so long is let through.
fn whole_seconds(standing: Standing) -> u32 {
    u32::try_from(standing.wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
}

impl Noted {
    fn of(rate: &Rate, standing: Standing) -> Self {
        let Rate { name, requests, seconds, .. } = rate;
        let until = if standing.wait.is_zero() { String::new() } else { format!(";t={}", whole_seconds(standing)) };
        Self {
            policy: format!("\"{name}\";q={requests};w={seconds}"),
            limit: format!("\"{name}\";r={}{until}", standing.left),
        }
    }
}
