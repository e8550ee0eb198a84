//! Two services in one test: memory adapters, time that is paused and jumps when nobody works.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use bongsu_core::{CommandId, Ctx, Wire};
use bongsu_memory::{MemoryBroker, MemoryStore};
use bongsu_runtime::{
    Adapters, Answer, Call, CommandError, Handle, Once, Outcome, Reply, Runtime, Service, Settings,
    ports::{
        Fut,
        broker::{Batch, Bounds, Broker, BrokerError, History, Out, Partition, Producer, Standing, Topic},
        env::{Env, HttpClient, HttpError, HttpRequest, HttpResponse, Task},
        store::{
            Commit, Doc, DocKey, DocWrite, Position, Read, Scan, Store, StoreError, StoredEvent, StoredFacts, Verdict,
        },
    },
};
use bytes::Bytes;
use tokio::sync::oneshot;

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
    /// Where it was asked last.
    pub(crate) last: Mutex<String>,
}

impl PausedEnv {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            start: tokio::time::Instant::now(),
            random: AtomicU64::new(1),
            jumped_ms: AtomicI64::default(),
        })
    }

    /// Sets the clock on the wall back, and no other.
    pub(crate) fn set_back(&self, how_far: Duration) {
        self.jumped_ms.fetch_sub(how_far.as_millis() as i64, Ordering::Relaxed);
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
    fn send(&self, request: HttpRequest) -> Fut<'_, Result<HttpResponse, HttpError>> {
        *self.last.lock().unwrap() = request.url;
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let status = if asked < self.down_for { 503 } else { 200 };
        Box::pin(async move { Ok(HttpResponse { status, body: Bytes::new() }) })
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

    fn standing<'a>(&'a self, _: &'a str) -> Fut<'a, Result<Standing, BrokerError>> {
        away()
    }

    fn take_up<'a>(&'a self, _: &'a str, _: u64, _: &'a History) -> Fut<'a, Result<(), BrokerError>> {
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

/// A store that is in the way: it has no room for what one reader's lanes write, so many times, and holds back all
/// Commits while it is told to.
#[derive(Clone)]
pub(crate) struct Hindered {
    store: MemoryStore,
    reader: &'static str,
    pub(crate) left: Arc<AtomicU64>,
    held: Arc<Mutex<Option<Vec<Held>>>>,
    silent: Arc<Silent>,
    /// How often its files cannot be rid of anything.
    dirty: Arc<AtomicU64>,
}

/// A table about which one answer is lost, and when.
#[derive(Default)]
struct Silent {
    table: Mutex<Option<&'static str>>,
    given_up: tokio::sync::Notify,
}

type Held = (Commit, oneshot::Sender<Result<Verdict, StoreError>>);

impl Hindered {
    pub(crate) fn over(store: &MemoryStore) -> Self {
        Self {
            store: store.clone(),
            reader: "",
            left: Arc::default(),
            held: Arc::default(),
            silent: Arc::default(),
            dirty: Arc::default(),
        }
    }

    pub(crate) fn refusing(self, reader: &'static str, times: u64) -> Self {
        Self { reader, left: Arc::new(AtomicU64::new(times)), ..self }
    }

    /// Cannot rid its files of anything so many times.
    pub(crate) fn dirty(self, times: u64) -> Self {
        Self { dirty: Arc::new(AtomicU64::new(times)), ..self }
    }

    /// How often it still cannot.
    pub(crate) fn is_dirty_for(&self) -> u64 {
        self.dirty.load(Ordering::Relaxed)
    }

    /// Applies the next Commit that writes to a table, and does not say so.
    pub(crate) fn lose_an_answer_about(&self, table: &'static str) {
        *self.silent.table.lock().unwrap() = Some(table);
    }

    /// Says of it that nobody knows.
    pub(crate) fn give_up_the_answer(&self) {
        self.silent.given_up.notify_one();
    }

    /// Holds back what comes from here on.
    pub(crate) fn hold(&self) {
        *self.held.lock().unwrap() = Some(Vec::new());
    }

    /// Lets through what was held back, in its order, and all that comes.
    pub(crate) async fn let_go(&self) {
        let held = self.held.lock().unwrap().take();
        for (commit, answer) in held.unwrap_or_default() {
            let _ = answer.send(self.store.commit(commit).await);
        }
    }
}

impl Store for Hindered {
    fn commit(&self, commit: Commit) -> Fut<'static, Result<Verdict, StoreError>> {
        let its_own = |write: &DocWrite| write.key.table == "cursor" && write.key.id.starts_with(self.reader);
        let one_less = |left: u64| left.checked_sub(1);
        if commit.docs.iter().any(its_own)
            && self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
        {
            return Box::pin(async { Err(StoreError::Unavailable("full".into())) });
        }
        if let Some(held) = &mut *self.held.lock().unwrap() {
            let (answer, answered) = oneshot::channel();
            held.push((commit, answer));
            return Box::pin(async move { answered.await.unwrap() });
        }
        let is_lost = |table: &mut &str| commit.docs.iter().any(|write| write.key.table == **table);
        if self.silent.table.lock().unwrap().take_if(is_lost).is_some() {
            let (verdict, silent) = (self.store.commit(commit), self.silent.clone());
            return Box::pin(async move {
                verdict.await.unwrap();
                silent.given_up.notified().await;
                Err(StoreError::Unknown("silent".into()))
            });
        }
        self.store.commit(commit)
    }

    fn read(&self, what: Read, limit: u32) -> Fut<'_, Result<Vec<StoredEvent>, StoreError>> {
        self.store.read(what, limit)
    }

    fn facts(&self, after: Position, limit: u32) -> Fut<'_, Result<Vec<StoredFacts>, StoreError>> {
        self.store.facts(after, limit)
    }

    fn docs(&self, keys: Vec<DocKey>) -> Fut<'_, Result<Vec<Option<Doc>>, StoreError>> {
        self.store.docs(keys)
    }

    fn scan(&self, what: Scan) -> Fut<'_, Result<Vec<(Bytes, Doc)>, StoreError>> {
        self.store.scan(what)
    }

    fn head(&self) -> Fut<'_, Result<Position, StoreError>> {
        self.store.head()
    }

    fn position_of<'a>(&'a self, stream: &'a str, version: u64) -> Fut<'a, Result<Option<Position>, StoreError>> {
        self.store.position_of(stream, version)
    }

    fn changed(&self, after: Position) -> Fut<'_, ()> {
        self.store.changed(after)
    }

    fn drop_table<'a>(&'a self, table: &'a str) -> Fut<'a, Result<(), StoreError>> {
        self.store.drop_table(table)
    }

    fn scrub(&self) -> Fut<'_, Result<(), StoreError>> {
        let one_less = |left: u64| left.checked_sub(1);
        let is_dirty = self.dirty.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok();
        let outcome = if is_dirty { Err(StoreError::Unavailable("somebody reads".into())) } else { Ok(()) };
        Box::pin(std::future::ready(outcome))
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
        Self { env, broker, outside: Arc::new(Outside { asked: AtomicU64::new(0), down_for, last: Mutex::default() }) }
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
        self.start_with(store.clone(), broker, service, slot)
    }

    pub(crate) fn start_with(
        &self,
        store: impl Store + 'static,
        broker: impl Broker + 'static,
        service: Service,
        slot: &str,
    ) -> Runtime {
        self.start_build("unnamed", store, broker, service, slot)
    }

    /// Starts it as another build.
    pub(crate) fn start_build(
        &self,
        build: &str,
        store: impl Store + 'static,
        broker: impl Broker + 'static,
        service: Service,
        slot: &str,
    ) -> Runtime {
        let adapters = Adapters {
            store: Arc::new(store),
            broker: Arc::new(broker),
            env: self.env.clone(),
            http: self.outside.clone(),
        };
        let (slot, build) = (slot.into(), build.into());
        let settings = Settings { slot, build, partitions: 2, retry_cap_ms: 200, ..Settings::default() };
        Runtime::start(service, adapters, settings)
    }

    pub(crate) fn call(&self, once: Option<(&str, &str)>) -> Call {
        let id = once.map_or(CommandId(u128::from(self.env.random())), |(key, _)| CommandId::from_parts(&[key]));
        let once = once.map(|(key, body)| Once { key: key.into(), body: body.into() });
        Call { ctx: Ctx::new(self.env.wall_ms(), id, "tester"), once }
    }
}

/// Executes; the reply is 200 with the token, or 409 with the rejection's name.
pub(crate) async fn ask<C: Wire>(handle: &Handle, command: C, call: &Call) -> Result<Answer, CommandError> {
    handle.execute_any(&command, call, &answer).await
}

fn answer(outcome: &Outcome<'_>) -> Reply {
    let (status, body) = match outcome {
        Outcome::Accepted { token, .. } => (200, token.to_string()),
        Outcome::Rejected(why) => (409, why.name.clone()),
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
