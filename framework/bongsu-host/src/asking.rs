//! On whose behalf a handler asks other services: who asked it, in which trace, and how long he still waits.

use std::{convert::Infallible, time::Duration};

use axum::extract::FromRequestParts;
use bongsu_runtime::Behalf;
use http::{HeaderMap, request::Parts};

use crate::{
    principal::{PRINCIPAL, ROLES, VISITOR},
    trace::Trace,
};

/// What of a request travels on with what it causes, for [`Peer::ask`](bongsu_runtime::Peer::ask).
///
/// Whoever asked is named as the gateway named him: what it signed counts at this service and at those it declares to ask.
#[derive(Clone, Debug, Default)]
pub struct Asking(pub Behalf);

/// How the gateway said who is asking.
#[derive(Clone)]
pub(crate) struct Said(Vec<(String, String)>);

/// When nobody waits for the answer any more, by the monotonic clock.
#[derive(Clone, Copy)]
pub(crate) struct Until(pub(crate) Duration);

impl Said {
    /// As it came, before it is read. Where there are keys the token says it all, and what stands beside it is not believed.
    pub(crate) fn of(headers: &HeaderMap, has_keys: bool) -> Self {
        let said = |name: &&str| Some(((*name).to_owned(), headers.get(*name)?.to_str().ok()?.to_owned()));
        let names: &[&str] = if has_keys { &[PRINCIPAL] } else { &[PRINCIPAL, ROLES, VISITOR] };
        Self(names.iter().filter_map(said).collect())
    }
}

impl<S: Sync> FromRequestParts<S> for Asking {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        // What was not believed here is not passed on.
        let said = parts.extensions.get::<Said>().filter(|_| parts.headers.contains_key(PRINCIPAL));
        let mut headers = said.map(|said| said.0.clone()).unwrap_or_default();
        if let Ok(trace) = Trace::from_request_parts(parts, state).await {
            headers.extend(trace.headers());
        }
        let until = parts.extensions.get::<Until>().map(|Until(until)| *until);
        Ok(Self(Behalf { headers, until }))
    }
}
