//! The gateway itself: a list of filters around a forwarder.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use bongsu_host::head::without_a_guessed_length;
use bongsu_host::health::Health;
use bongsu_host::trace::Trace;
use bongsu_runtime::Status;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::breaker::Shown;
use crate::compression::Press;
use crate::filter::{Exchange, Filter, Flow, Who};
use crate::filters::standard;
use crate::forward::Forwarder;
use crate::login::Issuer;
use crate::own::Own;
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
    inner: Arc<Inner>,
}

struct Inner {
    filters: Vec<Arc<dyn Filter>>,
    forwarder: Forwarder,
    own: Own,
    issuer: Option<Arc<Issuer>>,
    browsers: Option<Browsers>,
    press: Option<Press>,
    settings: Settings,
    health: Health,
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
        let filters = arrange(standard(&settings, &tables, &health, issuer.as_ref(), browsers.as_ref()));
        let forwarder = Forwarder::new(tables.clone(), &settings);
        let own = Own { breakers: forwarder.breakers(), tables };
        let press = settings.compression.as_ref().map(Press::new);
        Self { inner: Arc::new(Inner { filters, forwarder, own, issuer, browsers, press, settings, health }) }
    }

    /// Whether it can serve.
    pub fn health(&self) -> &Health {
        &self.inner.health
    }

    /// Every breaker of a route that was asked, as it is now.
    pub fn breakers(&self) -> Vec<Shown> {
        self.inner.forwarder.breakers().show()
    }

    /// Asks instances that were taken out whether they are well again, and the issuer for its keys, and deletes sessions
    /// that are over, for ever: whoever serves the gateway runs this beside it. Without it nobody comes back before the table changes.
    pub async fn tend(&self) {
        let issuer = async {
            if let Some(issuer) = &self.inner.issuer {
                issuer.tend().await;
            }
        };
        let sessions = async {
            if let Some(browsers) = &self.inner.browsers {
                browsers.keeper.tend().await;
            }
        };
        tokio::join!(self.inner.forwarder.tend(), issuer, sessions);
    }

    /// Waits until streams and WebSockets have ended after it began to drain; a moment at most.
    pub async fn closed(&self) {
        self.inner.forwarder.closed(CLOSING).await;
    }

    /// Everything as one route, for the host's server.
    pub fn router(&self) -> Router {
        let this = self.clone();
        Router::new().fallback(async move |request: Request| this.serve(request).await)
    }

    async fn serve(&self, request: Request) -> Response {
        let trace = Trace::of(request.headers());
        // Problems and log lines take their trace id from the scope.
        trace.clone().scope(self.inner.serve(request, trace)).await
    }
}

impl Inner {
    async fn serve(&self, request: Request, trace: Trace) -> Response {
        let (mut head, body) = request.into_parts();
        let Some(press) = &self.press else { return self.pass(head, body, trace).await };
        let wish = Press::read(&mut head);
        press.press(wish, self.pass(head, body, trace).await).await
    }

    async fn pass(&self, mut head: http::request::Parts, body: Body, trace: Trace) -> Response {
        let mut exchange = self.exchange(&head, trace);
        for (passed, filter) in self.filters.iter().enumerate() {
            let answer = loop {
                match filter.on_request(&mut head, &mut exchange) {
                    Flow::Continue => break None,
                    Flow::Answer(answer) => break Some(answer),
                    Flow::Later(answer) => break Some(answer.await),
                    Flow::Again(wait) => wait.await,
                }
            };
            let Some(answer) = answer else { continue };
            // The one that answered and those before it see the answer.
            return self.way_out(passed + 1, answer, &exchange);
        }
        let answer = match exchange.is_own {
            true => self.own.answer(&head, body, exchange.deadline).await,
            false => self.forwarder.forward(head, body, &mut exchange).await,
        };
        self.way_out(self.filters.len(), answer, &exchange)
    }

    fn exchange(&self, head: &http::request::Parts, trace: Trace) -> Exchange {
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
            who: Who::default(),
            has_waited: false,
            session: None,
            lease: None,
            upgrade: None,
            cross_origin: None,
            cookies: Vec::new(),
            noted: Vec::new(),
            instance: None,
            held: Vec::new(),
        }
    }

    fn way_out(&self, passed: usize, answer: Response, exchange: &Exchange) -> Response {
        let (mut head, body) = answer.into_parts();
        for filter in self.filters[..passed].iter().rev() {
            filter.on_response(&mut head, exchange);
        }
        without_a_guessed_length(&exchange.asked.0, Response::from_parts(head, body))
    }
}
