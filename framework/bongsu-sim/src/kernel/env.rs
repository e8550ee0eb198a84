//! What one incarnation of a node gets as its machine: virtual time, seeded chance, tasks that die with it.

use std::{
    fmt,
    future::{Future, pending, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bongsu_runtime::ports::{
    Fut,
    env::{Env, Task},
};

use crate::kernel::{
    chance::Dice,
    core::{Core, WORLD},
    tasks::{Ended, Life, TaskId},
    timers::TimerId,
};

/// 2026-01-01T00:00:00Z, the wall clock at the start of every run.
const START_MS: i64 = 1_767_225_600_000;
/// No sleep is shorter, so that a loop that sleeps lets time move.
const SHORTEST: Duration = Duration::from_micros(1);

/// The [`Env`] of one incarnation of a node.
///
/// Once the incarnation is dead its sleeps never end, its tasks never start and its steps are not counted.
pub struct SimEnv {
    pub(crate) core: Arc<Core>,
    pub(crate) life: Arc<Life>,
    dice: Mutex<Dice>,
}

/// A running task; dropping it stops it.
pub(crate) struct SimTask {
    core: Arc<Core>,
    running: Option<(TaskId, Arc<Ended>)>,
}

/// Ends at an instant; never when its incarnation is dead.
pub(crate) struct Sleep {
    core: Arc<Core>,
    life: Arc<Life>,
    at: u64,
    timer: Option<TimerId>,
}

impl SimEnv {
    pub(crate) fn new(core: &Arc<Core>, life: &Arc<Life>) -> Arc<Self> {
        let name = core.lock().nodes[life.node as usize].name.clone();
        let dice = Dice::new(core.seed, &format!("{name}#{}", life.incarnation));
        Arc::new(Self { core: core.clone(), life: life.clone(), dice: Mutex::new(dice) })
    }

    /// Whether this incarnation has crashed.
    pub fn is_dead(&self) -> bool {
        self.life.is_dead()
    }

    /// 1 for the first, one more after every crash.
    pub fn incarnation(&self) -> u32 {
        self.life.incarnation
    }

    /// Whether a bug is planted, see [`Plan::bug`](crate::Plan::bug).
    pub fn bug(&self, name: &str) -> bool {
        self.core.has_bug(name)
    }

    /// Starts a task that nobody stops but the end of its incarnation.
    pub fn run(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.core.run(&self.life, name, task);
    }

    /// Passes a step; never resolves when it was the last one of this incarnation.
    pub async fn pass(&self, at: &'static str) {
        self.step(at);
        self.alive().await;
    }

    /// Never resolves when this incarnation is dead.
    pub(crate) async fn alive(&self) {
        if self.life.is_dead() {
            pending::<()>().await;
        }
    }

    pub(crate) async fn wait(&self, how_long: Duration) {
        self.core.wait(&self.life, how_long).await;
    }

    /// Lets the other ready tasks have their turn.
    pub async fn give_way(&self) {
        let mut gave = false;
        poll_fn(|context| {
            if std::mem::replace(&mut gave, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

impl Core {
    pub(crate) fn sleep(self: &Arc<Self>, life: &Arc<Life>, how_long: Duration) -> Sleep {
        let how_long = u64::try_from(how_long.max(SHORTEST).as_nanos()).unwrap_or(u64::MAX);
        let at = self.lock().now.saturating_add(how_long);
        Sleep { core: self.clone(), life: life.clone(), at, timer: None }
    }

    /// Like `sleep`, but no time at all when there is nothing to wait for.
    pub(crate) async fn wait(self: &Arc<Self>, life: &Arc<Life>, how_long: Duration) {
        if !how_long.is_zero() {
            self.sleep(life, how_long).await;
        }
    }
}

impl SimTask {
    pub(crate) fn start(core: &Arc<Core>, life: &Arc<Life>, name: &'static str, task: Fut<'static, ()>) -> Self {
        Self { core: core.clone(), running: core.spawn(life, name, task) }
    }
}

/// What a clock that is right shows, after so many nanoseconds of a run.
pub(crate) fn wall_ms(now: u64) -> i64 {
    START_MS + (now / 1_000_000) as i64
}

impl Env for SimEnv {
    fn wall_ms(&self) -> i64 {
        let state = self.core.lock();
        wall_ms(state.now) + state.nodes[self.life.node as usize].wall_offset_ms
    }

    fn mono(&self) -> Duration {
        Duration::from_nanos(self.core.lock().now)
    }

    fn sleep(&self, how_long: Duration) -> Fut<'static, ()> {
        Box::pin(self.core.sleep(&self.life, how_long))
    }

    fn random(&self) -> u64 {
        self.dice.lock().unwrap_or_else(PoisonError::into_inner).bits()
    }

    fn spawn(&self, name: &'static str, task: Fut<'static, ()>) -> Box<dyn Task> {
        Box::new(SimTask::start(&self.core, &self.life, name, task))
    }

    fn step(&self, at: &'static str) {
        self.core.step(&self.life, at);
    }

    fn sometimes(&self, what: &'static str) {
        if !self.life.is_dead() {
            self.core.reached(what);
        }
    }
}

impl Task for SimTask {
    fn ended(&self) -> Fut<'_, ()> {
        match &self.running {
            Some((_, ended)) => Box::pin(ended.wait()),
            None => Box::pin(pending()),
        }
    }
}

impl Drop for SimTask {
    fn drop(&mut self) {
        if let Some((id, _)) = self.running {
            self.core.cancel(id);
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { core, life, at, timer } = self.get_mut();
        if life.is_dead() {
            return Poll::Pending;
        }
        let mut state = core.lock();
        if state.now >= *at {
            *timer = None;
            return Poll::Ready(());
        }
        let rearmed = timer.is_some_and(|timer| state.timers.rearm(timer, context.waker()));
        if !rearmed {
            *timer = Some(state.timers.set(*at, context.waker().clone()));
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            let waker = self.core.lock().timers.cancel(timer);
            drop(waker);
        }
    }
}

impl fmt::Debug for SimEnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.life.node == WORLD { "world" } else { "node" };
        write!(f, "SimEnv({name} {} #{})", self.life.node, self.life.incarnation)
    }
}
