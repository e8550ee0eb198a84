//! A store behind faults: slow, refusing, forgetting to answer; and what a dying process had queued.

use std::{
    collections::VecDeque,
    fmt,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bongsu_runtime::ports::{
    Fut,
    env::Env,
    store::{Commit, Doc, DocKey, Position, Read, Scan, Store, StoreError, StoredEvent, StoredFacts, Verdict},
};
use bytes::Bytes;
use tokio::sync::oneshot;

use crate::{
    faults::{
        mutants,
        port::{Fate, Trip},
    },
    kernel::{
        core::Core,
        env::SimEnv,
        moment::Moment,
        part::{Kind, PartId},
    },
};

/// How long a lost doorbell costs: the port's own limit.
const HINT: Duration = Duration::from_millis(100);

/// A store as the world sees it: it survives the crashes of those who use it.
///
/// Each incarnation of a node uses it through a [`client`](Self::client) of its own. Commits of one client are
/// applied in the order in which they were called, whenever they are polled; when the client dies, those it had
/// queued are applied up to a random one, and none after it.
#[derive(Clone)]
pub struct SimStore {
    core: Arc<Core>,
    part: PartId,
    name: &'static str,
    inner: Arc<dyn Store>,
}

struct Client {
    world: SimStore,
    env: Arc<SimEnv>,
    queue: Arc<Mutex<Queue>>,
}

/// What one client has called and the store has not judged yet.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Queued>,
    /// No commit is applied before the one called before it.
    last_at: Duration,
    draining: bool,
}

struct Queued {
    commit: Commit,
    fate: Fate,
    at: Duration,
    reply: oneshot::Sender<Result<Verdict, StoreError>>,
}

impl SimStore {
    pub(crate) fn new(core: &Arc<Core>, name: &'static str, inner: Arc<dyn Store>) -> Self {
        Self { core: core.clone(), part: core.add_part(Kind::Store, name), name, inner }
    }

    /// The store as one incarnation of a node reaches it.
    pub fn client(&self, env: &Arc<SimEnv>) -> Arc<dyn Store> {
        let client = Client { world: self.clone(), env: env.clone(), queue: Arc::default() };
        mutants::store(env, Arc::new(client))
    }

    /// Makes every call fail for so long.
    pub fn take_down(&self, how_long: Duration) {
        self.core.take_down(self.part, how_long);
    }

    /// Applies what one client has queued, in order.
    async fn drain(self, env: Arc<SimEnv>, queue: Arc<Mutex<Queue>>) {
        while let Some(next) = Queue::next(&queue) {
            let now = Duration::from_nanos(self.core.lock().now);
            self.core.wait(&self.core.world, next.at.saturating_sub(now)).await;
            if !self.core.survives(&env.life) {
                // Not sent yet when its process died, so nothing behind it was either.
                lock(&queue).waiting.clear();
                continue;
            }
            let result = self.judge(&env, next.commit, next.fate).await;
            // The client may die here: after the commit, before the answer.
            env.step("store.commit.applied");
            // Nobody waits when the caller dropped its future; the commit counts all the same.
            let _unheard = next.reply.send(result);
        }
    }

    async fn judge(&self, env: &SimEnv, commit: Commit, fate: Fate) -> Result<Verdict, StoreError> {
        let unknown = || Err(StoreError::Unknown(format!("no answer from {}", self.name)));
        match fate {
            Fate::Refused => return Err(self.unavailable()),
            Fate::Lost => return unknown(),
            Fate::Fine | Fate::AckLost | Fate::Late | Fate::Partial => {}
        }
        let id = commit.id;
        let wrote = commit.docs.iter().map(|write| write.key.clone()).collect::<Vec<_>>();
        let result = self.inner.commit(commit).await;
        if result == Ok(Verdict::Done) {
            let by = self.core.lock().nodes[env.life.node as usize].name.clone();
            self.core.moment(&Moment::Committed { store: self.name, commit: id, by: &by, wrote: &wrote });
        }
        if fate == Fate::Fine { result } else { unknown() }
    }

    fn unavailable(&self) -> StoreError {
        StoreError::Unavailable(format!("{} does not answer", self.name))
    }
}

impl Client {
    fn trip(&self) -> Trip {
        self.world.core.trip(&self.env.life, self.world.part)
    }

    fn enqueue(&self, commit: Commit, trip: Trip) -> oneshot::Receiver<Result<Verdict, StoreError>> {
        let (reply, answer) = oneshot::channel();
        let mut queue = lock(&self.queue);
        let at = queue.last_at.max(self.env.mono() + trip.there);
        queue.last_at = at;
        queue.waiting.push_back(Queued { commit, fate: trip.fate, at, reply });
        if !std::mem::replace(&mut queue.draining, true) {
            let drain = self.world.clone().drain(self.env.clone(), self.queue.clone());
            self.world.core.on_its_way("store queue", drain);
        }
        answer
    }

    /// A call that changes nothing, or may be repeated: any fault is Unavailable.
    async fn call<T>(
        &self,
        steps: [&'static str; 2],
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.env.pass(steps[0]).await;
        let trip = self.trip();
        self.env.wait(trip.there).await;
        if trip.fate == Fate::Refused || trip.fate == Fate::Lost {
            return Err(self.world.unavailable());
        }
        let result = call.await;
        self.env.wait(trip.back).await;
        self.env.pass(steps[1]).await;
        if trip.fate == Fate::Fine { result } else { Err(self.world.unavailable()) }
    }
}

impl Queue {
    /// The next one; `None` ends the drain, and the next call starts another.
    fn next(queue: &Mutex<Self>) -> Option<Queued> {
        let mut queue = lock(queue);
        let next = queue.waiting.pop_front();
        queue.draining = next.is_some();
        next
    }
}

impl Store for Client {
    fn commit(&self, commit: Commit) -> Fut<'static, Result<Verdict, StoreError>> {
        self.env.step("store.commit.before");
        if self.env.is_dead() {
            return Box::pin(pending());
        }
        let trip = self.trip();
        let answer = self.enqueue(commit, trip);
        let env = self.env.clone();
        Box::pin(async move {
            let Ok(result) = answer.await else { return pending().await };
            env.wait(trip.back).await;
            env.pass("store.commit.after").await;
            result
        })
    }

    fn read(&self, what: Read, limit: u32) -> Fut<'_, Result<Vec<StoredEvent>, StoreError>> {
        let read = async move { self.world.inner.read(what, limit).await };
        Box::pin(self.call(["store.read.before", "store.read.after"], read))
    }

    fn facts(&self, after: Position, limit: u32) -> Fut<'_, Result<Vec<StoredFacts>, StoreError>> {
        let facts = async move { self.world.inner.facts(after, limit).await };
        Box::pin(self.call(["store.read.before", "store.read.after"], facts))
    }

    fn docs(&self, keys: Vec<DocKey>) -> Fut<'_, Result<Vec<Option<Doc>>, StoreError>> {
        let docs = async move { self.world.inner.docs(keys).await };
        Box::pin(self.call(["store.docs.before", "store.docs.after"], docs))
    }

    fn scan(&self, what: Scan) -> Fut<'_, Result<Vec<(Bytes, Doc)>, StoreError>> {
        let scan = async move { self.world.inner.scan(what).await };
        Box::pin(self.call(["store.scan.before", "store.scan.after"], scan))
    }

    fn keys(&self, what: Scan) -> Fut<'_, Result<Vec<Bytes>, StoreError>> {
        let keys = async move { self.world.inner.keys(what).await };
        Box::pin(self.call(["store.scan.before", "store.scan.after"], keys))
    }

    fn head(&self) -> Fut<'_, Result<Position, StoreError>> {
        let head = async move { self.world.inner.head().await };
        Box::pin(self.call(["store.head.before", "store.head.after"], head))
    }

    fn position_of<'a>(&'a self, stream: &'a str, version: u64) -> Fut<'a, Result<Option<Position>, StoreError>> {
        let position = async move { self.world.inner.position_of(stream, version).await };
        Box::pin(self.call(["store.position.before", "store.position.after"], position))
    }

    fn changed(&self, after: Position) -> Fut<'_, ()> {
        Box::pin(async move {
            self.env.alive().await;
            // A doorbell that was lost: the next look is due in 100 ms.
            match self.trip().fate {
                Fate::Fine => self.world.inner.changed(after).await,
                _ => self.env.wait(HINT).await,
            }
            self.env.alive().await;
        })
    }

    fn drop_table<'a>(&'a self, table: &'a str) -> Fut<'a, Result<(), StoreError>> {
        let dropped = async move { self.world.inner.drop_table(table).await };
        Box::pin(self.call(["store.drop.before", "store.drop.after"], dropped))
    }
}

impl fmt::Debug for SimStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimStore({})", self.name)
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}
