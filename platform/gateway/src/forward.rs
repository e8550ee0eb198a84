//! Sends a request upstream, if its breaker lets it pass: to which instance, how long, and what may be tried again.
//!
//! The rule about trying again: a refused connection carried nothing, so anything may be sent to the next instance. A
//! connection that broke before the answer began may have carried the request, so it is sent again only if that does
//! no harm: it is safe and without a body, or it has an `Idempotency-Key` and its service is known to answer the same under it. Never
//! more than a few times, within a budget of all requests, and not while everything breaks on its route: trying again would only
//! add load.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bongsu_breaker::{Outcome, Shut};
use bongsu_host::config::Limits;
use bongsu_host::problem::{PROBLEM_JSON, Problem};
use bongsu_host::server::{Draining, Holding};
use bongsu_runtime::Metric;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header, request};
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, sleep_until, timeout_at};
use tower::retry::budget::{Budget as _, TpsBudget};

use crate::balance::{Balancer, Chosen};
use crate::body::{Account, Loan};
use crate::breaker::Door;
use crate::breakers::{Breakers, Ticket};
use crate::connect::Connector;
use crate::fallback::{self, Fallback};
use crate::filter::{Exchange, Who};
use crate::filters::DEADLINE;
use crate::gateway::Tables;
use crate::last_good::{Key, LastGood};
use crate::metrics;
use crate::outcome::{Ended, Facts};
use crate::settings::Settings;
use crate::stream::Stream;
use crate::streams::Streams;
use crate::table::Table;
use crate::tunnel::{self, Terms};

mod missed;

use missed::{Missed, absent, at_fault, broken, is_lost, lost, refusal, too_many_streams};

/// Upstreams are on the same machine or the same network: a connection that takes longer is as good as refused.
const CONNECT: Duration = Duration::from_secs(1);
/// What a stream of server-sent events is.
const EVENT_STREAM: &str = "text/event-stream";
/// An idle connection is kept so long; less than any server's own limit.
const IDLE: Duration = Duration::from_secs(20);
/// While waiting for an instance its address is tried again this often, even without news of it.
const TRY_EVERY: Duration = Duration::from_millis(20);
/// So often at most a request is sent again after a connection broke under it.
const AGAIN: u32 = 3;
/// Of all requests of the last ten seconds so many may be sent again, and so many in any second.
const BUDGET: (Duration, u32, f32) = (Duration::from_secs(10), 50, 0.2);
/// A sick instance that does not say within so long that it is ready is still sick.
const ASK: Duration = Duration::from_secs(1);
/// So often it is looked who is to be asked.
const TEND_EVERY: Duration = Duration::from_millis(100);

/// So often it is looked what operators hold: with what that takes, everywhere within a second.
const HEAR_EVERY: Duration = Duration::from_millis(500);

pub(crate) struct Forwarder {
    client: Client<Connector, Loan>,
    balancer: Arc<Balancer>,
    budget: Arc<TpsBudget>,
    breakers: Arc<Breakers>,
    fallbacks: Vec<Fallback>,
    last_good: Arc<LastGood>,
    tables: Tables,
    wait: Duration,
    limits: Limits,
    /// A WebSocket is silent no longer.
    idle: Duration,
    /// Streams and WebSockets that are open.
    streams: Streams,
}

/// What a request came to.
pub(crate) enum Answered {
    With(Response),
    /// The service is left alone, and this path is asked in its place.
    Elsewhere(String),
}

/// What attempts came to.
type Attempted<T> = Result<(http::Response<Incoming>, T), Missed>;

impl Forwarder {
    pub(crate) fn new(tables: Tables, settings: &Settings) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(Connector(connector));
        let limits = settings.limits.clone();
        Self {
            client,
            balancer: Arc::default(),
            budget: Arc::new(TpsBudget::new(BUDGET.0, BUDGET.1, BUDGET.2)),
            breakers: Breakers::new(settings.breaker.clone(), settings.held.as_deref()),
            fallbacks: settings.fallback.clone(),
            last_good: LastGood::new(settings.last_good_bytes),
            tables,
            wait: settings.wait(),
            idle: Duration::from_secs(settings.websocket_idle_s),
            streams: Streams::new(limits.streams, settings.streams_per_caller),
            limits,
        }
    }

    /// The same, which knows what this one knows, with other settings.
    pub(crate) fn changed_to(&self, before: &Settings, settings: &Settings) -> Self {
        let breakers = match before.breaker == settings.breaker {
            true => self.breakers(),
            // Calls that are out are counted where they began.
            false => Breakers::new(settings.breaker.clone(), settings.held.as_deref()),
        };
        Self {
            client: self.client.clone(),
            balancer: self.balancer.clone(),
            budget: self.budget.clone(),
            breakers,
            fallbacks: settings.fallback.clone(),
            last_good: self.last_good.clone(),
            tables: self.tables.clone(),
            wait: settings.wait(),
            idle: self.idle,
            streams: self.streams.clone(),
            limits: settings.limits.clone(),
        }
    }

    pub(crate) fn breakers(&self) -> Arc<Breakers> {
        Arc::clone(&self.breakers)
    }

    /// The answer of some instance of the exchange's service, or the problem there was with all of them; while the route's
    /// breaker is open, what there is instead.
    pub(crate) async fn forward(&self, head: request::Parts, body: Body, exchange: &mut Exchange) -> Answered {
        let fallback = self.fallback(&head, exchange);
        let kept = fallback.and_then(Fallback::oldest).and_then(|oldest| Some((Key::of(&head, exchange)?, oldest)));
        match self.breakers.admit(door(exchange)) {
            Ok(ticket) => {
                let answer = self.send(head, body, exchange, ticket).await;
                Answered::With(match kept {
                    Some((key, _)) => self.last_good.keep(key, answer),
                    None => answer,
                })
            }
            Err(shut) => self.instead(fallback, kept, exchange, shut),
        }
    }

    /// What there is for who reads, if there is something.
    pub(crate) fn fallback(&self, head: &request::Parts, exchange: &Exchange) -> Option<&Fallback> {
        let is_read = matches!(head.method, Method::GET | Method::HEAD);
        fallback::find(&self.fallbacks, &exchange.asked.1).filter(|_| is_read)
    }

    async fn send(&self, head: request::Parts, body: Body, exchange: &mut Exchange, ticket: Ticket) -> Response {
        let knows_keys = exchange.service.as_ref().is_some_and(|name| self.tables.borrow().idempotent.contains(name));
        let again = may_repeat(&head, &body, knows_keys);
        let account = Account::of(body, self.limits.body_bytes, again);
        self.budget.deposit();
        let deadline = exchange.deadline;
        let attempts =
            timeout_at(deadline, self.attempts(&head, &account, again && !ticket.is_probe(), &ticket, exchange));
        let answered = self.watched(attempts, &account, &ticket).await;
        exchange.received = account.given();
        // Whoever is late because of the client is not late.
        if answered.is_err() && account.is_awaited() {
            return Problem::of_status(StatusCode::REQUEST_TIMEOUT).into_response();
        }
        self.note(exchange, &answered);
        ticket.settle(self.outcome(&answered, &account, exchange));
        match answered {
            Ok(Ok((answer, chosen))) => self.hand_over(&head, answer, chosen, exchange),
            Ok(Err(missed)) => missed.problem.into_response(),
            Err(_) => Problem::of_status(StatusCode::GATEWAY_TIMEOUT)
                .detail("The service did not answer in time. Whether it acted is not known.")
                .into_response(),
        }
    }

    /// Waits for a call, and tells its breaker as soon as it is slow.
    async fn watched<T>(&self, call: impl Future<Output = T>, account: &Account, ticket: &Ticket) -> T {
        let Some(slow) = self.breakers.slow() else { return call.await };
        let mut call = std::pin::pin!(call);
        tokio::select! { biased;
            answered = &mut call => return answered,
            () = has_had_it_for(account, slow) => ticket.slow(),
        }
        call.await
    }

    /// What there is while a breaker is open, or full.
    fn instead(
        &self,
        fallback: Option<&Fallback>,
        kept: Option<(Key, Duration)>,
        exchange: &Exchange,
        shut: Shut,
    ) -> Answered {
        let last_good = kept.and_then(|(key, oldest)| self.last_good.answer(&key, oldest));
        let elsewhere = || fallback?.to.clone().filter(|_| !exchange.is_elsewhere).map(Answered::Elsewhere);
        let written = || fallback?.written().map(Answered::With);
        let service = exchange.service.as_deref().unwrap_or_default();
        let refused = || Answered::With(refusal(service, shut).into_response());
        last_good.map(Answered::With).or_else(elsewhere).or_else(written).unwrap_or_else(refused)
    }

    fn outcome<T, E>(&self, answered: &Result<Attempted<T>, E>, account: &Account, exchange: &Exchange) -> Outcome {
        let ended = match answered {
            Ok(Ok((answer, _))) => Ended::Answer(answer.status()),
            Ok(Err(missed)) => missed.ended,
            Err(_) => Ended::Late,
        };
        let facts = Facts {
            ended,
            ended_at: Instant::now(),
            by_client: account.is_exceeded() || account.is_broken(),
            is_patient: exchange.is_patient,
            whole_since: account.whole_since(),
            deadline: exchange.deadline,
            limit: self.limits.request_timeout(),
        };
        facts.outcome()
    }

    /// The answer as the client gets it: streamed, and busy until it is sent. What a 5xx says that is no problem+json
    /// is not for outside ears.
    fn hand_over(
        &self,
        head: &request::Parts,
        answer: http::Response<Incoming>,
        chosen: Chosen,
        exchange: &mut Exchange,
    ) -> Response {
        let status = answer.status();
        if status.is_server_error() && !is_of_kind(&answer, PROBLEM_JSON) {
            return Problem::of_status(status).into_response();
        }
        let is_switch = status == StatusCode::SWITCHING_PROTOCOLS;
        if is_switch || is_of_kind(&answer, EVENT_STREAM) {
            return self.keep_open(head, answer, exchange, is_switch);
        }
        let mut held = std::mem::take(&mut exchange.held);
        held.push(Box::new(chosen));
        answer.map(|body| Body::new(Holding::new(body, held)))
    }

    /// What is open for hours: it is counted by itself, not among the requests in work, and ends with what it was opened by.
    fn keep_open(
        &self,
        head: &request::Parts,
        answer: http::Response<Incoming>,
        exchange: &mut Exchange,
        is_switch: bool,
    ) -> Response {
        let place = match self.streams.take(&exchange.who, exchange.peer.ip()) {
            Ok(place) => place,
            Err(full) => return too_many_streams(full),
        };
        exchange.held.clear();
        let over = match (exchange.lease.take(), &exchange.who) {
            (Some(lease), Who::Person(who)) => Some(lease.over(who.clone())),
            _ => None,
        };
        let draining = head.extensions.get::<Draining>().cloned();
        match (is_switch, exchange.upgrade.take()) {
            (false, _) => Stream::of(answer, place, draining, over),
            (true, Some(client)) => tunnel::join(client, answer, Terms { over, draining, idle: self.idle, place }),
            (true, None) => tunnel::unasked(),
        }
    }

    /// How many streams and WebSockets are open.
    pub(crate) fn open_streams(&self) -> usize {
        self.streams.count()
    }

    /// What there is to be measured.
    pub(crate) fn measure(&self, slot: &str) -> Vec<Metric> {
        let table = self.tables.borrow().clone();
        let all = table.upstreams.iter().flat_map(|(service, ready)| ready.iter().map(move |at| (service, at)));
        let instance = |(service, at): (&String, &SocketAddr)| metrics::Instance {
            service: service.clone(),
            address: at.to_string(),
            is_out: self.balancer.outliers.is_out(*at),
        };
        let instances: Vec<metrics::Instance> = all.map(instance).collect();
        metrics::of(slot, &self.breakers.show(), &instances, self.streams.count())
    }

    /// Waits until everything that is open for hours has ended, but no longer than that.
    pub(crate) async fn closed(&self, patience: Duration) {
        self.streams.closed(patience).await;
    }

    async fn attempts(
        &self,
        head: &request::Parts,
        account: &Arc<Account>,
        again: bool,
        ticket: &Ticket,
        exchange: &mut Exchange,
    ) -> Attempted<Chosen> {
        let service = exchange.service.clone().unwrap_or_default();
        let wait = if may_wait(head) { self.wait } else { Duration::ZERO };
        let mut give_up = Instant::now() + wait;
        let mut left = if again { AGAIN } else { 0 };
        let mut table = self.tables.clone();
        let mut avoid: Vec<SocketAddr> = Vec::new();
        loop {
            let ready = table.borrow_and_update().ready(&service).to_vec();
            if let Some(chosen) = self.balancer.choose(&ready, &avoid) {
                exchange.instance = Some(chosen.instance);
                let Some(body) = account.lend().await else { return Err(lost(&service)) };
                let request = upstream_request(head, chosen.instance, exchange, body);
                match self.client.request(request.map_err(Missed::nobodys)?).await {
                    Ok(answer) => return Ok((answer, chosen)),
                    Err(_) if account.is_exceeded() || account.is_broken() => return Err(at_fault(account, &service)),
                    Err(error) if error.is_connect() => {}
                    Err(error) if is_lost(&error) && self.may_again(left, ticket) => {
                        left -= 1;
                        give_up = Instant::now() + wait;
                    }
                    Err(error) => {
                        let reason = bongsu_host::logs::chain(&error);
                        tracing::warn!(upstream = service, instance = %chosen.instance, reason, "an upstream failed");
                        self.balancer.outliers.failed(chosen.instance);
                        return Err(broken(&service, &error));
                    }
                }
                self.balancer.outliers.failed(chosen.instance);
                avoid.push(chosen.instance);
                continue;
            }
            if !news(&mut table, give_up).await {
                return Err(absent(&service, exchange.instance.is_some()));
            }
            avoid.clear();
        }
    }

    /// Whether an attempt that broke may be made again; that it broke is counted.
    fn may_again(&self, left: u32, ticket: &Ticket) -> bool {
        ticket.broke() && left > 0 && self.budget.withdraw()
    }

    /// Counts what came of the last instance asked. A caller with less patience than the gateway says nothing about it.
    fn note<E, T>(&self, exchange: &Exchange, answered: &Result<Attempted<T>, E>) {
        let (Some(instance), outliers) = (exchange.instance, &self.balancer.outliers) else { return };
        match answered {
            Ok(Ok((answer, _))) if answer.status() != StatusCode::GATEWAY_TIMEOUT => outliers.answered(instance),
            Ok(Ok(_)) | Err(_) if exchange.is_patient => outliers.failed(instance),
            // A broken connection was counted when it broke.
            _ => {}
        }
    }

    /// Asks instances that were taken out whether they are well again, for ever.
    pub(crate) async fn tend(&self) {
        let (mut table, outliers) = (self.tables.clone(), &self.balancer.outliers);
        let mut heard = Instant::now();
        loop {
            let ready: BTreeSet<SocketAddr> = table.borrow_and_update().upstreams.values().flatten().copied().collect();
            outliers.keep(|instance| ready.contains(instance));
            self.keep_breakers(&table.borrow());
            if heard.elapsed() >= HEAR_EVERY {
                self.breakers.hear();
                heard = Instant::now();
            }
            for instance in outliers.to_ask() {
                outliers.asked(instance, self.is_ready(instance).await);
            }
            tokio::select! { biased;
                Ok(()) = table.changed() => {}
                () = tokio::time::sleep(TEND_EVERY) => {}
            }
        }
    }

    fn keep_breakers(&self, table: &Table) {
        self.breakers.keep(|door| table.leads_to(&door.service, &door.route));
    }

    async fn is_ready(&self, instance: SocketAddr) -> bool {
        let account = Account::of(Body::empty(), 0, false);
        let asked = async {
            let mut request = Request::new(account.lend().await?);
            *request.uri_mut() = Uri::try_from(format!("http://{instance}/health/ready")).ok()?;
            self.client.request(request).await.ok()
        };
        matches!(tokio::time::timeout(ASK, asked).await, Ok(Some(answer)) if answer.status() == StatusCode::OK)
    }
}

/// Which breaker counts.
fn door(exchange: &Exchange) -> Door {
    let (service, route) = (exchange.service.clone(), exchange.route.clone());
    Door { service: service.unwrap_or_default(), route: route.unwrap_or_default() }
}

/// Waits until the service has had a whole request for so long: for ever while a client is still sending it.
async fn has_had_it_for(account: &Account, slow: Duration) {
    loop {
        let looked = Instant::now();
        match account.whole_since() {
            Some(since) if since + slow <= looked => return,
            Some(since) => sleep_until(since + slow).await,
            None => sleep_until(looked + slow).await,
        }
    }
}

/// Waits until it is worth trying again; false: it is time to give up.
async fn news(table: &mut Tables, give_up: Instant) -> bool {
    if Instant::now() >= give_up {
        return false;
    }
    tokio::select! { biased;
        _ = table.changed() => {}
        () = sleep_until((Instant::now() + TRY_EVERY).min(give_up)) => {}
    }
    true
}

/// Waiting is for requests that could also be sent again: idempotent ones (RFC 9110 §9.2.2), and those with a key.
fn may_wait(head: &request::Parts) -> bool {
    head.method.is_idempotent() || head.headers.contains_key("idempotency-key")
}

/// What may be sent again although it may have arrived: safe and without a body, or under a key that the service knows.
fn may_repeat(head: &request::Parts, body: &Body, knows_keys: bool) -> bool {
    (knows_keys && head.headers.contains_key("idempotency-key")) || (head.method.is_safe() && body.is_end_stream())
}

fn upstream_request(
    head: &request::Parts,
    instance: SocketAddr,
    exchange: &Exchange,
    body: Loan,
) -> Result<Request<Loan>, Problem> {
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let uri = Uri::try_from(format!("http://{instance}{target}"))
        .map_err(|_| Problem::bad_request("This target cannot be sent on."))?;
    let mut request = Request::new(body);
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = head.headers.clone();
    let left = exchange.deadline.saturating_duration_since(Instant::now()).as_millis() as u64;
    request.headers_mut().insert(DEADLINE, HeaderValue::from(left));
    if exchange.upgrade.is_some() {
        tunnel::ask(request.headers_mut());
    }
    Ok(request)
}

fn is_of_kind(answer: &http::Response<Incoming>, wanted: &str) -> bool {
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with(wanted))
}
