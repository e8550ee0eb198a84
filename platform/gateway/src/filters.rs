//! The built-in filters. [`standard`] is the order, and the only place that knows it.

use std::sync::Arc;

use bongsu_host::health::Health;
use tokio::sync::watch;

use crate::breakers::Breakers;
use crate::filter::Filter;
use crate::login::Issuer;
use crate::rates::Buckets;
use crate::sessions::Browsers;
use crate::settings::Settings;
use crate::table::Table;

mod access_log;
mod probes;
mod rates;
mod trace;
mod shed;
mod limits;
mod hop_by_hop;
mod identity;
mod deadline;
mod ask;
mod description;
mod fragments;
mod log_in;
mod route;
mod given_out;
mod same_origin;
mod bearer;
mod session;
mod visitor;
mod guard;
mod vouch;
mod own_cookies;
mod rewrite;
mod headers;
mod cors;
mod canaries;

pub use access_log::AccessLog;
pub(crate) use access_log::logged;
pub use bearer::Bearer;
pub use canaries::Canaries;
pub use cors::CrossOrigin;
pub use deadline::{DEADLINE, Deadline};
pub use description::Description;
pub use fragments::Fragments;
pub use given_out::GivenOut;
pub use guard::Guard;
pub use headers::{AnswerHeaders, RequestHeaders};
pub use hop_by_hop::HopByHop;
pub use identity::Identity;
pub use limits::HeadLimits;
pub(crate) use limits::too_large;
pub use log_in::LogIn;
pub use own_cookies::OwnCookies;
pub use probes::Probes;
pub(crate) use rates::Noted;
pub use rates::Rates;
pub use rewrite::Rewrites;
pub(crate) use route::ROUTES;
pub use route::Routes;
pub use same_origin::SameOrigin;
pub use session::Session;
pub use shed::Shed;
pub use trace::TraceContext;
pub use visitor::Visitor;
pub use vouch::Vouch;

/// What filters hold of what changes while the gateway runs.
#[derive(Clone, Copy)]
pub(crate) struct Live<'g> {
    pub(crate) table: &'g watch::Receiver<Arc<Table>>,
    /// Which of the gateways this is.
    pub(crate) slot: &'g str,
    pub(crate) rates: &'g [Arc<Buckets>],
    pub(crate) breakers: &'g Arc<Breakers>,
}

/// A filter anew, if it holds any of that.
pub(crate) fn anew(filter: &Arc<dyn Filter>, live: Live<'_>) -> Arc<dyn Filter> {
    match filter.name() {
        rates::ANYBODY => Arc::new(Rates::of_anybody(live)),
        rates::PERSONS => Arc::new(Rates::of_persons(live)),
        canaries::CANARIES => Arc::new(Canaries::of(live)),
        _ => filter.clone(),
    }
}

/// What every request passes, in this order.
pub(crate) fn standard(
    settings: &Settings,
    table: &watch::Receiver<Arc<Table>>,
    health: &Health,
    issuer: Option<&Arc<Issuer>>,
    browsers: Option<&Browsers>,
    live: Live<'_>,
) -> Vec<Arc<dyn Filter>> {
    let rewrites = Some(&settings.rewrite).filter(|all| !all.is_empty()).cloned().map(Rewrites);
    let all: Vec<Option<Arc<dyn Filter>>> = vec![
        // Before the log: probes would drown it.
        Some(Arc::new(Probes {
            health: health.clone(),
            limits: settings.limits.clone(),
            hosts: settings.hosts.clone(),
        })),
        Some(Arc::new(AccessLog)),
        Some(Arc::new(TraceContext)),
        here(AnswerHeaders::of(&settings.headers)),
        // Also what is refused is read by the page that asked.
        here(CrossOrigin::of(&settings.cors)),
        // Cheap refusals before anything that costs.
        Some(Arc::new(Shed::new(settings.limits.concurrency))),
        Some(Arc::new(Rates::of_anybody(live))),
        // A head that means two things first: with two hosts there is none to ask about.
        Some(Arc::new(HeadLimits(settings.limits.clone()))),
        Some(Arc::new(GivenOut(settings.hosts.clone()))),
        Some(Arc::new(HopByHop)),
        Some(Arc::new(Identity)),
        Some(Arc::new(Deadline)),
        Some(Arc::new(Description::new(table.clone(), issuer.is_some()))),
        Some(Arc::new(Fragments::new(table.clone()))),
        // Before anybody is who his browser says he is.
        Some(Arc::new(SameOrigin)),
        Some(Arc::new(LogIn(browsers.cloned()))),
        Some(Arc::new(Routes(table.clone()))),
        here(rewrites),
        // Who may ask depends on whose path it is, and what is said of him on who hears it.
        Some(Arc::new(Bearer::new(table.clone(), settings.keys.clone(), issuer.cloned()))),
        Some(Arc::new(Session::new(table.clone(), browsers.cloned()))),
        Some(Arc::new(Visitor::new(table.clone(), settings.keys.clone().filter(|_| issuer.is_some())))),
        Some(Arc::new(Rates::of_persons(live))),
        Some(Arc::new(Canaries::of(live))),
        Some(Arc::new(Guard { table: table.clone(), has_login: issuer.is_some() })),
        Some(Arc::new(Vouch::new(settings, table.clone()))),
        Some(Arc::new(OwnCookies)),
        here(RequestHeaders::of(&settings.headers)),
    ];
    all.into_iter().flatten().collect()
}

/// What is not set is not there, and costs nothing.
fn here(filter: Option<impl Filter + 'static>) -> Option<Arc<dyn Filter>> {
    filter.map(|filter| Arc::new(filter) as Arc<dyn Filter>)
}
