//! What a scenario holds of its run.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use bongsu_runtime::ports::{
    broker::Broker,
    env::{Env, HttpRequest},
    store::Store,
};
use futures::future::{Either, select};

use crate::{
    faults::{
        broker::SimBroker,
        http::{SimAnswer, SimHttp},
        store::SimStore,
    },
    kernel::{
        chance::Dice,
        core::{Core, NodeState, WORLD},
        env::{SimEnv, wall_ms},
        moment::{Checked, Moment, Watch},
        outcome::Failure,
        plan::Faults,
        trace::{What, Who},
    },
    scenario::node::{Node, served},
};

/// How often [`Sim::quiesce`] looks.
const LOOK: Duration = Duration::from_millis(100);

/// A run, from inside. Clones are the same run.
#[derive(Clone)]
pub struct Sim {
    core: Arc<Core>,
    env: Arc<SimEnv>,
}

impl Sim {
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        Self { core: core.clone(), env: SimEnv::new(core, &core.world) }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.core.seed
    }

    /// The world's own machine, which never crashes: for stores, brokers, clients.
    pub fn env(&self) -> Arc<SimEnv> {
        self.env.clone()
    }

    /// Virtual time since the start.
    pub fn now(&self) -> Duration {
        self.env.mono()
    }

    /// A stream of chance of the scenario's own.
    pub fn dice(&self, name: &str) -> Dice {
        Dice::new(self.core.seed, &format!("scenario {name}"))
    }

    /// Waits.
    pub async fn sleep(&self, how_long: Duration) {
        self.env.sleep(how_long).await;
    }

    /// What the future resolves to, or `None` after so long.
    pub async fn timeout<F: Future>(&self, how_long: Duration, future: F) -> Option<F::Output> {
        let future = std::pin::pin!(future);
        match select(future, self.env.sleep(how_long)).await {
            Either::Left((output, _)) => Some(output),
            Either::Right(_) => None,
        }
    }

    /// Starts a task of the world.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.env.run(name, task);
    }

    /// Adds a node and starts it. `boot` runs again after every crash and must take everything that survives a
    /// crash from outside (a [`SimStore`], for example).
    pub fn node<T, B, F>(&self, name: &str, boot: B) -> Node<T>
    where
        T: Send + Sync + 'static,
        B: Fn(Arc<SimEnv>) -> F + Send + Sync + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let boot = move |env| {
            let booting = boot(env);
            Box::pin(async move { served(booting.await) }) as _
        };
        let id = {
            let nodes = &mut self.core.lock().nodes;
            nodes.push(NodeState::new(name, Some(Arc::new(boot))));
            nodes.len() as u32 - 1
        };
        self.core.boot(id);
        Node::new(&self.core, id)
    }

    /// Puts a store behind the faults of this run.
    pub fn store(&self, name: &'static str, store: impl Store + 'static) -> SimStore {
        SimStore::new(&self.core, name, Arc::new(store))
    }

    /// Puts a broker behind the faults of this run.
    pub fn broker(&self, name: &'static str, broker: impl Broker + 'static) -> SimBroker {
        SimBroker::new(&self.core, name, Arc::new(broker))
    }

    /// Puts an outside party behind the faults of this run. `answer` is called when a request arrives, with the
    /// virtual time; it may be called twice for one request that was repeated, and after its sender is dead.
    pub fn http<A>(&self, name: &'static str, answer: A) -> SimHttp
    where
        A: Fn(&HttpRequest, Duration) -> SimAnswer + Send + Sync + 'static,
    {
        SimHttp::new(&self.core, name, Arc::new(answer))
    }

    /// Ends all faults, planned ones too: outages end, clocks are set right, paused nodes go on, crashed ones come
    /// back (unless they are kept down). What is already on its way still arrives.
    pub fn heal(&self) {
        let (down, nodes, now) = {
            let mut state = self.core.lock();
            state.healed = true;
            state.faults = Faults::none();
            state.parts.iter_mut().for_each(|part| part.down_until = 0);
            state.nodes.iter_mut().for_each(|node| node.wall_offset_ms = 0);
            let here = Who { node: WORLD, incarnation: 0 };
            let now = state.now;
            state.trace.record(now, here, What::Event("heals"));
            let nodes = 1..state.nodes.len() as u32;
            let down = |node: &u32| {
                let node = &state.nodes[*node as usize];
                node.life.is_none() && !node.kept_down
            };
            (nodes.clone().filter(down).collect::<Vec<_>>(), nodes, now)
        };
        nodes.for_each(|node| self.core.resume(node));
        down.into_iter().for_each(|node| self.core.boot(node));
        self.core.moment(&Moment::Healed { wall_ms: wall_ms(now) });
    }

    /// Waits until nothing is left to do: services poll for ever, so only the scenario can tell. `left` names
    /// what is not done yet and is asked every 100 ms of virtual time.
    ///
    /// # Errors
    /// [`Failure::Stuck`] with what is left and which tasks wait, after `deadline`.
    pub async fn quiesce<L>(&self, deadline: Duration, mut left: L) -> Result<(), Failure>
    where
        L: FnMut() -> Vec<String>,
    {
        let last = self.now() + deadline;
        loop {
            let waiting = left();
            if waiting.is_empty() {
                return Ok(());
            }
            if self.now() >= last {
                let waiting = waiting.join(", ");
                let tasks = self.core.lock().waiting().join(", ");
                return Err(Failure::Stuck(format!("not quiet after {deadline:?}: {waiting}; tasks: {tasks}")));
            }
            self.sleep(LOOK).await;
        }
    }

    /// Watches a rule while the run goes on: `rule` is shown every [`Moment`] and says how many things it
    /// looked at. It must not await and must not call back into the run. A rule that has looked at nothing when
    /// the run ends well makes it fail.
    pub fn watch<R>(&self, name: &'static str, rule: R)
    where
        R: FnMut(&Moment<'_>) -> Checked + Send + 'static,
    {
        self.core.watch(Watch { name, rule: Box::new(rule) });
    }

    /// Counts a rule checked by the scenario itself.
    ///
    /// # Errors
    /// [`Failure::Rule`] when it is broken, or when it looked at nothing: a checker that saw nothing fails.
    pub fn check(&self, name: &'static str, checked: Checked) -> Result<(), Failure> {
        match checked {
            Ok(0) => Err(Failure::Rule(format!("{name}: looked at nothing"))),
            Ok(looked) => {
                self.core.lock().looked(name, looked);
                Ok(())
            }
            Err(broken) => Err(Failure::Rule(format!("{name}: {broken}"))),
        }
    }

    /// Fails the run from anywhere, at the next scheduling point.
    pub fn fail(&self, what: impl Into<String>) {
        self.core.fail(Failure::Rule(what.into()));
    }

    /// Counts that something was reached, see [`Stats::reached`](crate::Stats): over many seeds everything a
    /// scenario can lead to should be.
    pub fn reached(&self, what: &'static str) {
        self.core.reached(what);
    }

    /// Writes a line into the trace.
    pub fn note(&self, text: impl Into<String>) {
        let mut state = self.core.lock();
        let now = state.now;
        state.trace.record(now, Who { node: WORLD, incarnation: 0 }, What::Note(text.into().into()));
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sim(seed {})", self.core.seed)
    }
}
