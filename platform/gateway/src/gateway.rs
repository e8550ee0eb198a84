//! The gateway itself: a list of filters around a forwarder.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::{IntoResponse as _, Response};
use bongsu_host::config::Config;
use bongsu_host::head::without_a_guessed_length;
use bongsu_host::health::Health;
use bongsu_host::host::REVISION;
use bongsu_host::problem::Problem;
use bongsu_host::trace::Trace;
use bongsu_runtime::Status;
use http::{HeaderValue, header, request};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::breaker::Shown;
use crate::compression::Press;
use crate::fallback::FALLBACK;
use crate::filter::{Exchange, Filter, Flow, Who};
use crate::filters::{Live, ROUTES, anew, logged, standard};
use crate::forward::{Answered, Forwarder};
use crate::login::Issuer;
use crate::own::Own;
use crate::rates::Buckets;
use crate::sessions::Browsers;
use crate::settings::Settings;
use crate::table::Table;

/// So long whoever holds a WebSocket may take to hear that it is closed.
const CLOSING: Duration = Duration::from_secs(1);

/// Where the newest table is found.
pub(crate) type Tables = watch::Receiver<Arc<Table>>;

/// One gateway; cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    /// By what requests that come now are served; each goes on by what it began with.
    inner: Arc<watch::Sender<Arc<Inner>>>,
    health: Health,
}

struct Inner {
    filters: Vec<Arc<dyn Filter>>,
    /// Where among them it is found whose path it is.
    routes_at: usize,
    forwarder: Arc<Forwarder>,
    own: Own,
    issuer: Option<Arc<Issuer>>,
    browsers: Option<Browsers>,
    press: Option<Arc<Press>>,
    rates: Vec<Arc<Buckets>>,
    /// What an answer says it was decided under.
    revision: Option<HeaderValue>,
    settings: Settings,
}

impl Gateway {
    /// A gateway with the standard filters, which routes by the newest table. It is ready once there was one.
    pub fn new(settings: Settings, tables: watch::Receiver<Arc<Table>>) -> Self {
        Self::with_filters(settings, tables, |standard| standard)
    }

    /// As [`Gateway::new`], with another list of filters made from the standard one.
    pub fn with_filters(
        settings: Settings,
        tables: watch::Receiver<Arc<Table>>,
        arrange: impl FnOnce(Vec<Arc<dyn Filter>>) -> Vec<Arc<dyn Filter>>,
    ) -> Self {
        let known = tables.clone();
        let health = Health::new(move || match known.borrow().revision {
            0 => Status { ready: false, reasons: vec!["the routes are not known yet".to_owned()] },
            _ => Status { ready: true, reasons: Vec::new() },
        });
        let issuer = settings.login.clone().map(|login| Arc::new(Issuer::new(login, settings.wait())));
        let browsers = issuer.as_ref().and_then(|issuer| Browsers::of(&settings, issuer));
        let rates = Buckets::of(&settings.rates, &[]);
        let forwarder = Arc::new(Forwarder::new(tables.clone(), &settings));
        let breakers = forwarder.breakers();
        let live = Live { table: &tables, slot: &settings.slot, rates: &rates, breakers: &breakers };
        let filters = arrange(standard(&settings, &tables, &health, issuer.as_ref(), browsers.as_ref(), live));
        let own = Own::new(&forwarder, tables, browsers.as_ref(), settings.slot.clone());
        let routes_at = filters.iter().position(|filter| filter.name() == ROUTES).unwrap_or(filters.len());
        let press = settings.compression.as_ref().map(Press::new).map(Arc::new);
        let revision = named(&settings);
        let inner = Inner { filters, routes_at, forwarder, own, issuer, browsers, press, rates, revision, settings };
        Self { inner: Arc::new(watch::Sender::new(Arc::new(inner))), health }
    }

    /// Serves what comes from now on by another configuration, of which what is [`Settings::LIVE`] is taken. Nobody is
    /// interrupted; what is known of instances, sessions and tokens stays, as do buckets of rates that stay the same. When the
    /// rules of breakers change, all of them are closed anew, except what operators hold.
    pub fn change(&self, next: Settings, config: &Config) {
        self.inner.send_modify(|inner| *inner = Arc::new(inner.changed_to(next, config)));
    }

    fn now(&self) -> Arc<Inner> {
        self.inner.borrow().clone()
    }

    /// Whether it can serve.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Every breaker of a route that was asked, as it is now.
    pub fn breakers(&self) -> Vec<Shown> {
        self.now().forwarder.breakers().show()
    }

    /// How many streams and WebSockets are open.
    pub fn open_streams(&self) -> usize {
        self.now().forwarder.open_streams()
    }

    /// Asks instances that were taken out whether they are well again, and the issuer for its keys, and deletes sessions
    /// that are over, for ever: whoever serves the gateway runs this beside it. Without it nobody comes back before the table changes.
    pub async fn tend(&self) {
        let mut inner = self.inner.subscribe();
        loop {
            let now = inner.borrow_and_update().clone();
            tokio::select! { biased;
                Ok(()) = inner.changed() => {}
                () = now.tend() => {}
            }
        }
    }

    /// Waits until streams and WebSockets have ended after it began to drain; a moment at most.
    pub async fn closed(&self) {
        self.now().forwarder.closed(CLOSING).await;
    }

    /// Everything as one route, for the host's server.
    pub fn router(&self) -> Router {
        let this = self.clone();
        Router::new().fallback(async move |request: Request| this.serve(request).await)
    }

    async fn serve(&self, request: Request) -> Response {
        let trace = Trace::of(request.headers());
        // Problems and log lines take their trace id from the scope.
        let inner = self.now();
        trace.clone().scope(inner.serve(request, trace)).await
    }
}

/// As an answer says it.
fn named(settings: &Settings) -> Option<HeaderValue> {
    HeaderValue::try_from(&settings.revision).ok().filter(|name| !name.is_empty())
}

impl Inner {
    fn changed_to(&self, next: Settings, config: &Config) -> Self {
        let settings = self.settings.changed_to(next, config);
        let rates = Buckets::of(&settings.rates, &self.rates);
        let forwarder = Arc::new(self.forwarder.changed_to(&self.settings, &settings));
        let tables = self.own.tables.clone();
        let breakers = forwarder.breakers();
        let live = Live { table: &tables, slot: &settings.slot, rates: &rates, breakers: &breakers };
        Self {
            filters: self.filters.iter().map(|filter| anew(filter, live)).collect(),
            routes_at: self.routes_at,
            own: Own::new(&forwarder, tables, self.browsers.as_ref(), settings.slot.clone()),
            forwarder,
            issuer: self.issuer.clone(),
            browsers: self.browsers.clone(),
            press: self.press.clone(),
            rates,
            revision: named(&settings),
            settings,
        }
    }

    async fn tend(&self) {
        let issuer = async {
            if let Some(issuer) = &self.issuer {
                issuer.tend().await;
            }
        };
        let sessions = async {
            if let Some(browsers) = &self.browsers {
                browsers.keeper.tend().await;
            }
        };
        tokio::join!(self.forwarder.tend(), issuer, sessions);
    }

    async fn serve(&self, request: Request, trace: Trace) -> Response {
        let (mut head, body) = request.into_parts();
        let Some(press) = &self.press else { return self.pass(head, body, trace).await };
        let wish = Press::read(&mut head);
        press.press(wish, self.pass(head, body, trace).await).await
    }

    async fn pass(&self, mut head: request::Parts, body: Body, trace: Trace) -> Response {
        let mut exchange = self.exchange(&head, trace);
        let mut passed = 0;
        let answer = match self.way_in(0..self.routes_at, &mut head, &mut exchange, &mut passed).await {
            Some(answer) => answer,
            None => self.found(head, body, &mut exchange, &mut passed).await,
        };
        // The one that answered and those before it see the answer.
        self.way_out(passed, answer, exchange)
    }

    /// The answer of whoever's path it is; or of another's, while that one is left alone.
    async fn found(
        &self,
        mut head: request::Parts,
        body: Body,
        exchange: &mut Exchange,
        passed: &mut usize,
    ) -> Response {
        let from = self.routes_at..self.filters.len();
        let has_another = self.forwarder.fallback(&head, exchange).is_some_and(|fallback| fallback.to.is_some());
        let before = has_another.then(|| head.clone());
        let cookies = exchange.cookies.len();
        let noted = exchange.noted.len();
        if let Some(answer) = self.way_in(from.clone(), &mut head, exchange, passed).await {
            return answer;
        }
        let answered = match exchange.is_own {
            true => Answered::With(self.own.answer(&head, body, exchange.deadline).await),
            false => self.forwarder.forward(head, body, exchange).await,
        };
        let (to, mut head) = match (answered, before) {
            (Answered::With(answer), _) => return answer,
            (Answered::Elsewhere(to), Some(head)) => (to, head),
            (Answered::Elsewhere(_), None) => return Problem::internal().into_response(),
        };
        // Who may, and who is asking, is asked anew: it is another service's to hear.
        exchange.is_elsewhere = true;
        exchange.who = Who::Nobody;
        exchange.lease = None;
        exchange.cookies.truncate(cookies);
        exchange.noted.truncate(noted);
        // Its body is not sent on: whoever is told of one would wait for it, and take what comes next for it.
        head.headers.remove(header::CONTENT_LENGTH);
        head.headers.remove(header::CONTENT_TYPE);
        let Ok(uri) = to.parse() else { return Problem::internal().into_response() };
        head.uri = uri;
        if let Some(answer) = self.way_in(from, &mut head, exchange, passed).await {
            return answer;
        }
        match self.forwarder.forward(head, Body::empty(), exchange).await {
            Answered::With(mut answer) => {
                answer.headers_mut().entry(FALLBACK).or_insert(HeaderValue::from_static("route"));
                answer
            }
            Answered::Elsewhere(_) => Problem::internal().into_response(),
        }
    }

    /// What some of the filters say, if one of them answers; the last that saw the request is noted.
    async fn way_in(
        &self,
        range: Range<usize>,
        head: &mut request::Parts,
        exchange: &mut Exchange,
        passed: &mut usize,
    ) -> Option<Response> {
        for at in range {
            *passed = (*passed).max(at + 1);
            loop {
                match self.filters[at].on_request(head, exchange) {
                    Flow::Continue => break,
                    Flow::Answer(answer) => return Some(answer),
                    Flow::Later(answer) => return Some(answer.await),
                    Flow::Again(wait) => wait.await,
                }
            }
        }
        None
    }

    fn exchange(&self, head: &request::Parts, trace: Trace) -> Exchange {
        let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
        let began = Instant::now();
        Exchange {
            peer: head.extensions.get::<ConnectInfo<SocketAddr>>().map_or(nobody, |ConnectInfo(peer)| *peer),
            trace,
            began,
            deadline: began + self.settings.limits.request_timeout(),
            is_patient: true,
            asked: (head.method.clone(), head.uri.path().to_owned()),
            service: None,
            route: None,
            is_own: false,
            is_elsewhere: false,
            who: Who::default(),
            has_waited: false,
            session: None,
            lease: None,
            upgrade: None,
            cross_origin: None,
            cookies: Vec::new(),
            noted: Vec::new(),
            received: 0,
            is_logged: None,
            instance: None,
            held: Vec::new(),
        }
    }

    fn way_out(&self, passed: usize, answer: Response, exchange: Exchange) -> Response {
        let (mut head, body) = answer.into_parts();
        for filter in self.filters[..passed].iter().rev() {
            filter.on_response(&mut head, &exchange);
        }
        // A service says itself under what it has decided.
        if let Some(revision) = &self.revision {
            head.headers.entry(REVISION).or_insert_with(|| revision.clone());
        }
        let answer = without_a_guessed_length(&exchange.asked.0, Response::from_parts(head, body));
        logged(answer, exchange)
    }
}
