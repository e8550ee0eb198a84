//! Callers on connections they keep: as many at once as there are connections, or one at a pace.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::FutureExt as _;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use system_tests::harness::{http::Response, wait::now};
use tokio::{net::TcpStream, task::JoinSet, time};

/// What is asked, by its number.
pub(crate) type Ask = Arc<dyn Fn(u64) -> Request<Full<Bytes>> + Send + Sync>;

/// What they heard.
#[derive(Default)]
pub(crate) struct Heard {
    /// How long all of it took.
    pub(crate) took: Duration,
    /// How long each good answer took, in milliseconds.
    pub(crate) ms: Vec<f64>,
    /// What was no good answer, and how often.
    pub(crate) refused: BTreeMap<String, u64>,
}

impl Heard {
    /// The same, if everything was answered well.
    pub(crate) fn all_well(self) -> Self {
        assert!(self.refused.is_empty(), "{:?}, beside {} good answers", self.refused, self.ms.len());
        self
    }

    fn take(&mut self, other: Self) {
        self.ms.extend(other.ms);
        for (why, count) in other.refused {
            *self.refused.entry(why).or_default() += count;
        }
    }

    async fn note(&mut self, connection: &mut Connection, request: Request<Full<Bytes>>) {
        let asked = now();
        match connection.ask(request).await {
            Ok(answer) if answer.status < 400 => self.ms.push(asked.elapsed().as_secs_f64() * 1e3),
            Ok(answer) => *self.refused.entry(format!("{} {}", answer.status, text(&answer))).or_default() += 1,
            Err(why) => *self.refused.entry(why).or_default() += 1,
        }
    }
}

/// What an answer says, as text.
pub(crate) fn text(answer: &Response) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// Where they run.
pub(crate) struct Callers(tokio::runtime::Runtime);

impl Callers {
    /// Nobody asks yet.
    pub(crate) fn new() -> Self {
        Self(tokio::runtime::Runtime::new().expect("a runtime can be started"))
    }

    /// Everything up to `requests`, by as many callers as there are to be connections, each of whom asks again when it was
    /// answered.
    pub(crate) fn at_once(&self, at: SocketAddr, connections: usize, requests: u64, ask: &Ask) -> Heard {
        self.0.block_on(at_once(at, connections, requests, ask.clone()))
    }

    /// One caller who asks at even distances, or as soon as he was answered when that comes later.
    pub(crate) fn at_a_pace(&self, at: SocketAddr, pace: (u64, Duration), ask: &Ask) -> Heard {
        self.0.block_on(at_a_pace(at, pace, ask.clone()))
    }

    /// Waits for whatever it is.
    pub(crate) fn wait_for<T>(&self, future: impl Future<Output = T>) -> T {
        self.0.block_on(future)
    }
}

async fn at_once(at: SocketAddr, connections: usize, requests: u64, ask: Ask) -> Heard {
    let next = Arc::new(AtomicU64::new(0));
    let began = now();
    let mut callers = JoinSet::new();
    for _ in 0..connections {
        let (next, ask) = (next.clone(), ask.clone());
        callers.spawn(async move {
            let (mut heard, mut connection) = (Heard::default(), Connection::to(at));
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= requests {
                    return heard;
                }
                heard.note(&mut connection, ask(number)).await;
            }
        });
    }
    let mut all = Heard::default();
    while let Some(heard) = callers.join_next().await {
        all.take(heard.expect("a caller does not panic"));
    }
    all.took = began.elapsed();
    all
}

async fn at_a_pace(at: SocketAddr, (requests, between): (u64, Duration), ask: Ask) -> Heard {
    let (mut heard, mut connection) = (Heard::default(), Connection::to(at));
    let mut due = time::interval(between);
    let began = now();
    for number in 0..requests {
        due.tick().await;
        heard.note(&mut connection, ask(number)).await;
    }
    heard.took = began.elapsed();
    heard
}

/// A connection that is opened when it is needed, and again when it was closed.
pub(crate) struct Connection {
    at: SocketAddr,
    open: Option<SendRequest<Full<Bytes>>>,
    /// What drives it.
    driver: JoinSet<()>,
}

impl Connection {
    pub(crate) fn to(at: SocketAddr) -> Self {
        Self { at, open: None, driver: JoinSet::new() }
    }

    /// One request with its answer.
    ///
    /// # Errors
    /// Why there was none.
    pub(crate) async fn ask(&mut self, mut request: Request<Full<Bytes>>) -> Result<Response, String> {
        let host = self.at.to_string().parse().expect("an address is a value");
        request.headers_mut().insert(header::HOST, host);
        let mut sender = match self.open.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.open().await.map_err(|why| format!("no connection: {why}"))?,
        };
        let answered = async {
            sender.ready().await?;
            let (head, body) = sender.send_request(request).await?.into_parts();
            let (status, headers) = (head.status.as_u16(), head.headers);
            Ok(Response { status, headers, body: body.collect().await?.to_bytes() })
        };
        let answer = answered.await.map_err(|why: hyper::Error| format!("no answer: {why}"))?;
        self.open = Some(sender);
        Ok(answer)
    }

    async fn open(&mut self) -> std::io::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(self.at).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
        // Whoever asks hears why it ended.
        self.driver.spawn(connection.map(drop));
        while self.driver.try_join_next().is_some() {}
        Ok(sender)
    }
}

/// A `GET` of somebody.
pub(crate) fn get(path: &str, bearer: &str) -> Request<Full<Bytes>> {
    let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {bearer}"));
    request.body(Full::default()).expect("a request")
}

/// The same `GET`, however often.
pub(crate) fn always(path: &'static str, bearer: &str) -> Ask {
    let bearer = bearer.to_owned();
    Arc::new(move |_| get(path, &bearer))
}
