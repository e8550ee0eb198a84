//! The Broker port over the embedded broker's HTTP.

use std::{borrow::Cow, error::Error as _, time::Duration};

use bongsu_keys::Keys;
use bongsu_runtime::ports::{
    Fut,
    broker::{
        Batch, Bounds, Broker, BrokerError, History, In, MAX_CLOUDEVENT, Out, Partition, Place as At, Producer,
        Standing, Topic,
    },
    store::CommitId,
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Method, Request, StatusCode, Uri, body::Incoming, header};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde::{Deserialize, Serialize};
use tokio::time;

use crate::wire::{self, Fetch, Fetched, NewTopic, Place, Problem, Report, TakeUp, TopicShown};

/// Time for any answer but a fetch's, which may take so much longer than it was asked to wait.
const DEADLINE: Duration = Duration::from_secs(10);
/// Time to connect: on loopback a refusal is immediate.
const CONNECT: Duration = Duration::from_secs(2);
/// Idle connections go before the server closes them.
const IDLE: Duration = Duration::from_secs(15);
/// A batch is cut when it has so many bytes; half of what the server takes, one message more always fits.
const CUT_BYTES: usize = wire::MAX_BODY / 2;
/// Largest answer read.
const MAX_ANSWER: usize = 64 << 20;

/// A client of one embedded broker. Cheap to clone; clones share connections.
///
/// ```no_run
/// use bongsu_broker::BrokerClient;
/// use bongsu_runtime::ports::broker::{Broker as _, Topic};
///
/// # async fn example() -> Result<(), bongsu_runtime::ports::broker::BrokerError> {
/// let broker = BrokerClient::new("http://127.0.0.1:9092")?;
/// broker.ensure(Topic { name: "gate".into(), partitions: 8, retention_ms: None, retention_bytes: None }).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BrokerClient {
    base: String,
    http: Client<HttpConnector, Full<Bytes>>,
    speaks: Speaks,
}

/// As whom a client speaks.
#[derive(Clone, Debug)]
enum Speaks {
    /// To a broker that asks nobody.
    Anonymously,
    /// As the process that has these keys.
    With(Keys),
    /// With a bearer somebody was given.
    Bearing(Box<str>),
}

impl BrokerClient {
    /// A client for `http://host:port`. Connects when it is first used.
    ///
    /// # Errors
    /// [`BrokerError::Invalid`] for what is no such URL.
    pub fn new(url: &str) -> Result<Self, BrokerError> {
        let base = url.trim_end_matches('/');
        let is_http = base.parse::<Uri>().is_ok_and(|uri| {
            uri.scheme_str() == Some("http") && uri.authority().is_some() && matches!(uri.path(), "" | "/")
        });
        if !is_http {
            return Err(BrokerError::Invalid(format!("{url:?} is not the URL of a broker: http://host:port")));
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let http = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { base: base.to_owned(), http, speaks: Speaks::Anonymously })
    }

    /// Speaks as the process that has these keys; a new root needs no new client.
    #[must_use]
    pub fn with_keys(self, keys: Option<Keys>) -> Self {
        Self { speaks: keys.map_or(Speaks::Anonymously, Speaks::With), ..self }
    }

    /// Speaks with one bearer, as `bongsu secret NAME` prints it.
    #[must_use]
    pub fn bearing(self, bearer: &str) -> Self {
        Self { speaks: Speaks::Bearing(bearer.into()), ..self }
    }

    async fn send(&self, method: Method, path: &str, body: Vec<u8>, deadline: Duration) -> Result<Bytes, BrokerError> {
        let answered = self.once(&method, path, body.into());
        let late = |_| BrokerError::Unavailable(format!("{} did not answer within {deadline:?}", self.base));
        let (status, body) = time::timeout(deadline, answered).await.map_err(late)??;
        if status.is_success() { Ok(body) } else { Err(refused(status, &body)) }
    }

    async fn once(&self, method: &Method, path: &str, body: Bytes) -> Result<(StatusCode, Bytes), BrokerError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(bearer) = self.speaks.bearer() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        let request = request
            .body(Full::new(body))
            .map_err(|error| BrokerError::Invalid(format!("{path:?} is no path: {error}")))?;
        let response = self.http.request(request).await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        Ok((status, self.read(response.into_body()).await?))
    }

    async fn read(&self, body: Incoming) -> Result<Bytes, BrokerError> {
        let read = Limited::new(body, MAX_ANSWER).collect().await;
        let read = read.map_err(|error| BrokerError::Unavailable(format!("{} broke off: {error}", self.base)))?;
        Ok(read.to_bytes())
    }

    async fn post<T: Serialize>(&self, path: &str, body: &T, deadline: Duration) -> Result<Bytes, BrokerError> {
        self.send(Method::POST, path, encode(body), deadline).await
    }

    /// Sends a part of a batch small enough for one request.
    async fn publish_part(&self, from: Producer<'_>, part: &[Out]) -> Result<(), BrokerError> {
        let mut body = Vec::with_capacity(part.iter().map(|out| out.cloudevent.len() + 128).sum::<usize>() + 128);
        body.extend_from_slice(br#"{"service":"#);
        body.extend_from_slice(&encode(from.service));
        let Producer { epoch, refill, history, after, .. } = from;
        let At { position, ordinal, commit } = after;
        let head = format!(r#","epoch":{epoch},"refill":{refill},"after":{position},"after_ordinal":{ordinal}"#);
        body.extend_from_slice(head.as_bytes());
        named(&mut body, "history", history.map(|history| history.0));
        named(&mut body, "after_commit", commit.map(|commit| commit.0));
        body.extend_from_slice(br#","messages":["#);
        for (at, out) in part.iter().enumerate() {
            body.extend_from_slice(if at > 0 { br#",{"topic":"# } else { br#"{"topic":"# });
            body.extend_from_slice(&encode(&out.topic));
            body.extend_from_slice(format!(r#","position":{},"ordinal":{}"#, out.position, out.ordinal).as_bytes());
            named(&mut body, "commit", out.commit.map(|CommitId(id)| id));
            body.extend_from_slice(br#","event":"#);
            body.extend_from_slice(&out.cloudevent);
            body.push(b'}');
        }
        body.extend_from_slice(b"]}");
        self.send(Method::POST, "/publish", body, DEADLINE).await.map(drop)
    }

    fn unreachable(&self, error: &hyper_util::client::legacy::Error) -> BrokerError {
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        BrokerError::Unavailable(format!("{} cannot be reached: {error}: {cause}", self.base))
    }
}

impl Speaks {
    fn bearer(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Anonymously => None,
            Self::With(keys) => Some(keys.for_the_broker().into()),
            Self::Bearing(bearer) => Some((&**bearer).into()),
        }
    }
}

impl Broker for BrokerClient {
    fn ensure(&self, topic: Topic) -> Fut<'_, Result<(), BrokerError>> {
        Box::pin(async move {
            topic.check()?;
            let Topic { name, partitions, retention_ms, retention_bytes } = topic;
            let body = encode(&NewTopic { partitions, retention_ms, retention_bytes });
            self.send(Method::PUT, &format!("/topics/{name}"), body, DEADLINE).await.map(drop)
        })
    }

    fn publish<'a>(&'a self, from: Producer<'a>, batch: Vec<Out>) -> Fut<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            // Before anything is cut: a batch that can never be taken leaves nothing, however large it is. It is
            // also what keeps a body with garbage in it from being built.
            Out::check_batch(&batch)?;
            let mut from = from;
            for part in parts(&batch) {
                self.publish_part(from, part).await?;
                // What is there now is what the next part follows.
                from.after = part.last().map_or(from.after, Out::at);
            }
            Ok(())
        })
    }

    fn standing<'a>(&'a self, service: &'a str) -> Fut<'a, Result<Standing, BrokerError>> {
        Box::pin(async move {
            let answer = self.send(Method::GET, &producer(service)?, Vec::new(), DEADLINE).await?;
            decode(&answer)
        })
    }

    fn take_up<'a>(&'a self, service: &'a str, epoch: u64, history: &'a History) -> Fut<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            let body = encode(&TakeUp { epoch, history: history.id, partings: history.partings.clone() });
            self.send(Method::PUT, &producer(service)?, body, DEADLINE).await.map(drop)
        })
    }

    fn fetch(
        &self,
        want: Vec<(Partition, u64)>,
        max_bytes: u32,
        wait: Duration,
    ) -> Fut<'_, Result<Batch, BrokerError>> {
        Box::pin(async move {
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).min(wire::MAX_WAIT_MS);
            let body = Fetch { want: want.iter().map(place).collect(), max_bytes, wait_ms };
            let deadline = DEADLINE + Duration::from_millis(wait_ms);
            let answer = self.post("/fetch", &body, deadline).await?;
            let Fetched { log, partings, messages } = decode(&answer)?;
            let messages = messages.into_iter().map(|fetched| {
                let partition = Partition { topic: fetched.topic.into_owned(), index: fetched.partition };
                let messages = fetched.messages.into_iter().map(|message| In {
                    offset: message.offset,
                    partition_key: message.key.into_owned(),
                    refill: message.refill,
                    position: message.position,
                    era: message.era,
                    cloudevent: answer.slice_ref(message.event.get().as_bytes()),
                });
                (partition, messages.collect())
            });
            Ok(Batch { log: log.0, messages: messages.collect(), partings })
        })
    }

    fn bounds<'a>(&'a self, topic: &'a str) -> Fut<'a, Result<Bounds, BrokerError>> {
        Box::pin(async move {
            // A name that cannot be a topic's must not become another path.
            Topic { name: topic.to_owned(), partitions: 1, retention_ms: None, retention_bytes: None }.check()?;
            let answer = self.send(Method::GET, &format!("/topics/{topic}"), Vec::new(), DEADLINE).await?;
            let TopicShown { log, name, partitions, .. } = decode(&answer)?;
            let partitions = partitions
                .into_iter()
                .map(|shown| (Partition { topic: name.clone(), index: shown.partition }, shown.earliest, shown.end));
            Ok(Bounds { log: log.0, partitions: partitions.collect() })
        })
    }

    fn report<'a>(&'a self, consumer: &'a str, at: Vec<(Partition, u64)>) -> Fut<'a, ()> {
        Box::pin(async move {
            let report = Report { consumer: consumer.into(), positions: at.iter().map(place).collect() };
            if let Err(error) = self.post("/consumers", &report, CONNECT).await {
                tracing::debug!(reason = %error, "a position was not reported");
            }
        })
    }
}

fn place((partition, offset): &(Partition, u64)) -> Place<'_> {
    Place { topic: Cow::Borrowed(&partition.topic), partition: partition.index, offset: *offset }
}

/// Where a service's standing is; a name that cannot be a service's must not become another path.
fn producer(service: &str) -> Result<String, BrokerError> {
    Topic { name: service.to_owned(), partitions: 1, retention_ms: None, retention_bytes: None }.check()?;
    Ok(format!("/producers/{service}"))
}

/// Adds a name of 32 hexadecimal digits, if there is one.
fn named(body: &mut Vec<u8>, member: &str, id: Option<u128>) {
    if let Some(id) = id {
        body.extend_from_slice(format!(r#","{member}":"{id:032x}""#).as_bytes());
    }
}

/// Cuts a batch so that each part fits into one request; an empty batch is one empty part.
fn parts(batch: &[Out]) -> Vec<&[Out]> {
    let mut parts = Vec::new();
    let mut rest = batch;
    while parts.is_empty() || !rest.is_empty() {
        let mut bytes = 0;
        let fits = |out: &&Out| {
            bytes += out.cloudevent.len() + out.topic.len() + 128;
            bytes <= CUT_BYTES
        };
        let count = rest.iter().take(wire::MAX_BATCH).take_while(fits).count();
        let (part, after) = rest.split_at(count.max(1).min(rest.len()));
        parts.push(part);
        rest = after;
    }
    parts
}

fn refused(status: StatusCode, body: &[u8]) -> BrokerError {
    let problem = serde_json::from_slice::<Problem>(body).unwrap_or_else(|_| {
        // Not ours: something between, or no broker at all.
        Problem::refused(status.as_u16(), format!("{status} without a problem+json"))
    });
    problem.into_error()
}

fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("the wire's types have string keys")
}

fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, BrokerError> {
    serde_json::from_slice(body).map_err(|error| BrokerError::Unavailable(format!("this is not a broker: {error}")))
}

const _: () = assert!(CUT_BYTES + MAX_CLOUDEVENT < wire::MAX_BODY, "one message more fits");
