//! The built-in filters. [`standard`] is the order, and the only place that knows it.

use std::sync::Arc;

use bongsu_host::health::Health;
use tokio::sync::watch;

use crate::filter::Filter;
use crate::login::Issuer;
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

pub use access_log::AccessLog;
pub use bearer::Bearer;
pub use deadline::{DEADLINE, Deadline};
pub use description::Description;
pub use fragments::Fragments;
pub use given_out::GivenOut;
pub use guard::Guard;
pub use hop_by_hop::HopByHop;
pub use identity::Identity;
pub use limits::HeadLimits;
pub(crate) use limits::too_large;
pub use log_in::LogIn;
pub use own_cookies::OwnCookies;
pub use probes::Probes;
pub(crate) use rates::Noted;
pub use rates::Rates;
pub use route::Routes;
pub use same_origin::SameOrigin;
pub use session::Session;
pub use shed::Shed;
pub use trace::TraceContext;
pub use visitor::Visitor;
pub use vouch::Vouch;

/// What every request passes, in this order.
pub(crate) fn standard(
    settings: &Settings,
    table: &watch::Receiver<Arc<Table>>,
    health: &Health,
    issuer: Option<&Arc<Issuer>>,
    browsers: Option<&Browsers>,
) -> Vec<Arc<dyn Filter>> {
    vec![
        // Before the log: probes would drown it.
        Arc::new(Probes { health: health.clone(), limits: settings.limits.clone(), hosts: settings.hosts.clone() }),
        Arc::new(AccessLog),
        Arc::new(TraceContext),
        // Cheap refusals before anything that costs.
        Arc::new(Shed::new(settings.limits.concurrency)),
        Arc::new(Rates::of_anybody(&settings.rates)),
        // A head that means two things first: with two hosts there is none to ask about.
        Arc::new(HeadLimits(settings.limits.clone())),
        Arc::new(GivenOut(settings.hosts.clone())),
        Arc::new(HopByHop),
        Arc::new(Identity),
        Arc::new(Deadline),
        Arc::new(Description::new(table.clone(), issuer.is_some())),
        Arc::new(Fragments::new(table.clone())),
        // Before anybody is who his browser says he is.
        Arc::new(SameOrigin),
        Arc::new(LogIn(browsers.cloned())),
        Arc::new(Routes(table.clone())),
        // Who may ask depends on whose path it is, and what is said of him on who hears it.
        Arc::new(Bearer::new(table.clone(), settings.keys.clone(), issuer.cloned())),
        Arc::new(Session::new(table.clone(), browsers.cloned())),
        Arc::new(Visitor::new(table.clone(), settings.keys.clone().filter(|_| issuer.is_some()))),
        Arc::new(Rates::of_persons(&settings.rates)),
        Arc::new(Guard { table: table.clone(), has_login: issuer.is_some() }),
        Arc::new(Vouch::new(settings)),
        Arc::new(OwnCookies),
    ]
}
