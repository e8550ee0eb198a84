//! Nodes: what can crash and come back.

use std::{any::Any, fmt, future::Future, marker::PhantomData, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use crate::{
    faults::port::Fate,
    kernel::{core::Core, env::SimTask, tasks::Life},
};

/// Names a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

/// A node that runs a `T`, which is whatever its boot function returned (a service with its tasks, for example).
/// The `T` is dropped when the node crashes.
pub struct Node<T> {
    core: Arc<Core>,
    id: NodeId,
    runs: PhantomData<fn() -> T>,
}

/// No answer: the node is down, or crashed meanwhile, or request or answer was lost. Whether the question had an
/// effect is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

impl<T: Send + Sync + 'static> Node<T> {
    pub(crate) fn new(core: &Arc<Core>, id: u32) -> Self {
        Self { core: core.clone(), id: NodeId(id), runs: PhantomData }
    }

    /// Its id.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> String {
        self.core.lock().nodes[self.id.0 as usize].name.to_string()
    }

    /// Kills it and keeps it down until [`restart`](Self::restart).
    pub fn crash(&self) {
        self.core.lock().nodes[self.id.0 as usize].kept_down = true;
        self.core.crash(self.id.0, false);
    }

    /// Starts it again, if it is down.
    pub fn restart(&self) {
        self.core.boot(self.id.0);
    }

    /// Lets it stand still for a while: time goes on, its timers come due, and none of its tasks runs.
    pub fn pause(&self, how_long: Duration) {
        self.core.pause(self.id.0, how_long);
    }

    /// Lets it go on at once, with the memory it had.
    pub fn resume(&self) {
        self.core.resume(self.id.0);
    }

    /// Moves its wall clock.
    pub fn jump_wall_clock(&self, ms: i64) {
        let mut state = self.core.lock();
        state.fault(self.id.0, "clock", "node");
        state.nodes[self.id.0 as usize].wall_offset_ms += ms;
    }

    /// Whether it runs and has finished booting.
    pub fn is_up(&self) -> bool {
        self.core.lock().nodes[self.id.0 as usize].served.is_some()
    }

    /// What it runs, when it is up. Held across an await this outlives a crash: prefer [`ask`](Self::ask).
    pub fn get(&self) -> Option<Arc<T>> {
        self.up().map(|(_, runs)| runs)
    }

    /// Asks the node over a network that delays and loses: the question runs as a task of the node and dies with
    /// it. Dropping the future is a client that hangs up: the question is stopped wherever it waits.
    ///
    /// # Errors
    /// [`Lost`], whatever the reason: a client cannot tell.
    pub async fn ask<R, Q, A>(&self, name: &'static str, question: Q) -> Result<R, Lost>
    where
        Q: FnOnce(Arc<T>) -> A,
        A: Future<Output = R> + Send + 'static,
        R: Send + 'static,
    {
        let (core, world) = (&self.core, &self.core.world);
        let trip = core.trip_ask(self.id.0);
        core.wait(world, trip.there).await;
        if matches!(trip.fate, Fate::Refused | Fate::Lost) {
            return Err(Lost);
        }
        let (life, runs) = self.up().ok_or(Lost)?;
        let asked = question(runs);
        let (reply, answer) = oneshot::channel();
        let task = Box::pin(async move {
            // Nobody listens when the client has hung up.
            let _unheard = reply.send(asked.await);
        });
        let task = SimTask::start(core, &life, name, task);
        let answer = answer.await.map_err(|_| Lost)?;
        drop(task);
        core.wait(world, trip.back).await;
        if trip.fate == Fate::Fine { Ok(answer) } else { Err(Lost) }
    }

    fn up(&self) -> Option<(Arc<Life>, Arc<T>)> {
        let (life, served) = {
            let node = &self.core.lock().nodes[self.id.0 as usize];
            (node.life.clone()?, node.served.clone()?)
        };
        Some((life, served.downcast().ok()?))
    }
}

pub(crate) fn served<T: Any + Send + Sync>(value: T) -> Arc<dyn Any + Send + Sync> {
    Arc::new(value)
}

impl<T> Clone for Node<T> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone(), id: self.id, runs: PhantomData }
    }
}

impl<T> fmt::Debug for Node<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.id.0)
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer from the node")
    }
}

impl std::error::Error for Lost {}
