//! Who is asking, by the session his browser is in.

use std::sync::{Arc, OnceLock};

use http::header::{AUTHORIZATION, CACHE_CONTROL, SET_COOKIE};
use http::{HeaderValue, request, response};
use tokio::sync::watch;

use crate::filter::{Exchange, Filter, Flow, Who};
use crate::lease::Lease;
use crate::sessions::cookies::{self, SESSION};
use crate::sessions::{Browsers, Found, SECRET, digest, unavailable};
use crate::table::{May, Table};

/// Recognises whoever is in a session, where nothing else was shown. One that is none, or none any more, is taken away from
/// the browser, and whoever had it is nobody: unlike a bad token it was not shown on purpose.
pub struct Session {
    table: watch::Receiver<Arc<Table>>,
    browsers: Option<Browsers>,
}

impl Session {
    pub(crate) fn new(table: watch::Receiver<Arc<Table>>, browsers: Option<Browsers>) -> Self {
        Self { table, browsers }
    }

    /// A service with a login of its own has its own cookies where it is open to anybody.
    fn is_for(&self, request: &request::Parts, exchange: &Exchange) -> bool {
        let table = self.table.borrow();
        let service = exchange.service.as_deref().unwrap_or_default();
        let is_open = || table.may(service, &request.method, request.uri.path()) == May::Everybody;
        exchange.who == Who::Nobody
            && !request.headers.contains_key(AUTHORIZATION)
            && !(table.own_login.contains(service) && is_open())
    }
}

impl Filter for Session {
    fn name(&self) -> &'static str {
        "session"
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        let Some(browsers) = self.browsers.as_ref().filter(|_| self.is_for(request, exchange)) else {
            return Flow::Continue;
        };
        if !cookies::has(&request.headers, SESSION) {
            return Flow::Continue;
        }
        let Some(secret) = cookies::one(&request.headers, SESSION, SECRET) else {
            exchange.cookies.push(cookies::set(SESSION, "", 0));
            return Flow::Continue;
        };
        let id = digest(secret);
        if let Some(person) = browsers.keeper.peek(&id) {
            exchange.who = Who::Person(person);
            exchange.lease = Some(Lease::Session { keeper: Arc::clone(&browsers.keeper), id });
            return Flow::Continue;
        }
        let Some(found) = &exchange.session else {
            let found = Arc::new(OnceLock::new());
            exchange.session = Some(Arc::clone(&found));
            let keeper = Arc::clone(&browsers.keeper);
            let secret = secret.to_owned();
            return Flow::Again(Box::pin(async move { drop(found.set(keeper.find(&secret).await)) }));
        };
        match found.get() {
            Some(Found::Somebody(session)) => {
                exchange.who = Who::Person(session.vouched());
                exchange.lease = Some(Lease::Session { keeper: Arc::clone(&browsers.keeper), id });
            }
            Some(Found::Nobody) => exchange.cookies.push(cookies::set(SESSION, "", 0)),
            Some(Found::Unknown) | None => return unavailable().into(),
        }
        Flow::Continue
    }

    fn on_response(&self, response: &mut response::Parts, exchange: &Exchange) {
        if exchange.cookies.is_empty() {
            return;
        }
        for cookie in &exchange.cookies {
            response.headers.append(SET_COOKIE, cookie.clone());
        }
        // It is this browser's alone.
        response.headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private"));
    }
}
