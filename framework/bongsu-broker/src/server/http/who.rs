//! Who speaks, and what that name may do. A name is published to by its owner alone; everybody of the system may read.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use bongsu_keys::{OPERATOR, is_given_out};
use bongsu_runtime::ports::broker::{Attributes, may_tell};

use crate::{server::shared::Shared, wire::Problem};

/// The one who speaks; nobody in particular at a broker without keys, where everybody may do everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Who(Option<String>);

/// Lets in who is meant to be here: asked by an address that was given out, by no web page, with a key. Probes need none.
pub(crate) async fn speaks(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    match shared.recognise(&request) {
        Ok(who) => {
            request.extensions_mut().insert(who);
            next.run(request).await
        }
        Err(problem) => {
            let status = problem.status;
            let mut response = problem.into_response();
            if status == 401 {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    }
}

impl Shared {
    fn recognise(&self, request: &Request) -> Result<Who, Problem> {
        if !is_given_out(request.headers(), request.uri(), &self.hosts) {
            return Err(Problem::wrong_host());
        }
        if request.headers().contains_key(header::ORIGIN) {
            return Err(Problem::forbidden("a broker is not for web pages"));
        }
        let Some(keys) = self.keys.as_ref().filter(|_| !request.uri().path().starts_with("/health/")) else {
            return Ok(Who(None));
        };
        let caller = keys.caller(request.headers()).map_err(|nobody| Problem::unauthenticated(nobody.to_string()))?;
        Ok(Who(Some(caller.0)))
    }
}

impl Who {
    /// Publish as a service, and so give it an epoch.
    pub(crate) fn may_speak_as(&self, service: &str) -> Result<(), Problem> {
        self.allowed(|name| name == service, || format!("'{service}' is published by itself alone"))
    }

    /// Publish a fact: to a topic of one's own, with oneself as its source, and of a type that is one's own or the
    /// runtime's (the marks of a refill).
    pub(crate) fn may_tell(&self, topic: &str, fact: &Attributes<'_>) -> Result<(), Problem> {
        let Attributes { source, kind, .. } = fact;
        let is_own = |name: &str| name == topic && name == source && (may_tell(name, kind) || may_tell("bongsu", kind));
        self.allowed(is_own, || format!("a {kind} of '{source}' in topic '{topic}' is told by its owner alone"))
    }

    /// Say how long a topic's facts are kept.
    pub(crate) fn may_keep_house_for(&self, topic: &str) -> Result<(), Problem> {
        let may = |name: &str| name == topic || name == OPERATOR;
        self.allowed(may, || format!("how long '{topic}' is kept is said by its owner and by an operator"))
    }

    /// Have all publishing wait.
    pub(crate) fn may_hold(&self) -> Result<(), Problem> {
        self.allowed(|name| name == OPERATOR, || "publishing is held by an operator".to_owned())
    }

    /// Say how far a consumer is: `NAME` or `NAME/…` of one's own.
    pub(crate) fn may_report_as(&self, consumer: &str) -> Result<(), Problem> {
        let is_own = |name: &str| consumer.split('/').next() == Some(name);
        self.allowed(is_own, || format!("how far '{consumer}' is, it says itself"))
    }

    fn allowed(&self, may: impl Fn(&str) -> bool, why_not: impl Fn() -> String) -> Result<(), Problem> {
        match &self.0 {
            Some(name) if !may(name) => Err(Problem::forbidden(format!("this is {name}: {}", why_not()))),
            _ => Ok(()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Who {
    type Rejection = Infallible;

    /// Whoever the middleware above recognised. Without it nobody gets here.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().expect("every route is behind `speaks`"))
    }
}
