//! Two services in one test: memory adapters, time that is paused and jumps when nobody works.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use bongsu_core::{CommandId, Ctx, Wire};
use bongsu_runtime::{
    Answer, Call, CommandError, Handle, Once, Outcome, Reply, Runtime, Service, Settings, World,
    ports::{
        Fut,
        broker::{Batch, Bounds, Broker, BrokerError, Out, Partition, Producer, Topic},
        env::{Env, HttpClient, HttpError, HttpRequest, HttpResponse, Task},
    },
};
use bongsu_testing::{MemoryBroker, MemoryStore};

pub(crate) struct PausedEnv {
    start: tokio::time::Instant,
    random: AtomicU64,
    /// How far the clock on the wall was moved.
    jumped_ms: AtomicI64,
}

struct Running(tokio::task::JoinHandle<()>);

/// The outside world of these tests: answers 503 until told otherwise.
pub(crate) struct Outside {
    pub(crate) asked: AtomicU64,
    pub(crate) down_for: u64,
}

impl PausedEnv {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            start: tokio::time::Instant::now(),
            random: AtomicU64::new(1),
            jumped_ms: AtomicI64::default(),
        })
    }

    /// Moves the clock on the wall, and no other.
    pub(crate) fn jump(&self, how_far: Duration) {
        self.jumped_ms.fetch_add(how_far.as_millis() as i64, Ordering::Relaxed);
    }
}

impl Env for PausedEnv {
    fn wall_ms(&self) -> i64 {
        1_700_000_000_000 + self.mono().as_millis() as i64 + self.jumped_ms.load(Ordering::Relaxed)
    }

    fn mono(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, how_long: Duration) -> Fut<'static, ()> {
        Box::pin(tokio::time::sleep(how_long))
    }

    fn random(&self) -> u64 {
        self.random.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed)
    }

    #[expect(clippy::disallowed_methods, reason = "this is an Env")]
    fn spawn(&self, _: &'static str, task: Fut<'static, ()>) -> Box<dyn Task> {
        Box::new(Running(tokio::spawn(task)))
    }
}

impl Task for Running {
    fn ended(&self) -> Fut<'_, ()> {
        Box::pin(async {
            while !self.0.is_finished() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl HttpClient for Outside {
    fn send(&self, _: HttpRequest) -> Fut<'_, Result<HttpResponse, HttpError>> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let status = if asked < self.down_for { 503 } else { 200 };
        Box::pin(async move { Ok(HttpResponse { status, body: bytes::Bytes::new() }) })
    }
}

/// A broker that is away.
pub(crate) struct Away;

fn away<T: Send + 'static>() -> Fut<'static, Result<T, BrokerError>> {
    Box::pin(async { Err(BrokerError::Unavailable("away".into())) })
}

impl Broker for Away {
    fn ensure(&self, _: Topic) -> Fut<'_, Result<(), BrokerError>> {
        away()
    }

    fn publish<'a>(&'a self, _: Producer<'a>, _: Vec<Out>) -> Fut<'a, Result<(), BrokerError>> {
        away()
    }

    fn fetch(&self, _: Vec<(Partition, u64)>, _: u32, _: Duration) -> Fut<'_, Result<Batch, BrokerError>> {
        away()
    }

    fn bounds<'a>(&'a self, _: &'a str) -> Fut<'a, Result<Bounds, BrokerError>> {
        away()
    }

    fn report<'a>(&'a self, _: &'a str, _: Vec<(Partition, u64)>) -> Fut<'a, ()> {
        Box::pin(async {})
    }
}

/// What outlives a service: its store, the broker, the clock.
pub(crate) struct Lab {
    pub(crate) env: Arc<PausedEnv>,
    pub(crate) broker: MemoryBroker,
    pub(crate) outside: Arc<Outside>,
}

impl Lab {
    pub(crate) fn new(down_for: u64) -> Self {
        let env = PausedEnv::new();
        let broker = MemoryBroker::new(env.clone());
        Self { env, broker, outside: Arc::new(Outside { asked: AtomicU64::new(0), down_for }) }
    }

    pub(crate) fn start(&self, service: Service, store: &MemoryStore, slot: &str) -> Runtime {
        self.start_on(self.broker.clone(), service, store, slot)
    }

    pub(crate) fn start_on(
        &self,
        broker: impl Broker + 'static,
        service: Service,
        store: &MemoryStore,
        slot: &str,
    ) -> Runtime {
        let world = World {
            store: Arc::new(store.clone()),
            broker: Arc::new(broker),
            env: self.env.clone(),
            http: self.outside.clone(),
        };
        let settings = Settings { slot: slot.into(), partitions: 2, retry_cap_ms: 200, ..Settings::default() };
        Runtime::start(service, world, settings)
    }

    pub(crate) fn call(&self, once: Option<(&str, &str)>) -> Call {
        let id = once.map_or(CommandId(u128::from(self.env.random())), |(key, _)| CommandId::from_parts(&[key]));
        let once = once.map(|(key, body)| Once { key: key.into(), body: body.into() });
        Call { ctx: Ctx::new(self.env.wall_ms(), id, "tester"), once }
    }
}

/// Executes; the reply is 200 with the token, or 409 with the rejection's name.
pub(crate) async fn ask<C: Wire>(handle: &Handle, command: C, call: &Call) -> Result<Answer, CommandError> {
    handle.execute(&command, call, &answer).await
}

fn answer(outcome: &Outcome<'_>) -> Reply {
    let (status, body) = match outcome {
        Outcome::Accepted { token, .. } => (200, token.to_string()),
        Outcome::Rejected { name, .. } => (409, (*name).to_owned()),
    };
    Reply { status, headers: Vec::new(), body: body.into() }
}

/// Polls until the answer is yes, for at most a minute of paused time.
pub(crate) async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..6_000 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never happened: {what}");
}
