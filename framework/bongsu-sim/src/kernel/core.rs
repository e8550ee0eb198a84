//! The state of a run: clock, tasks, nodes and faults behind one lock that is never held while foreign code runs.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bongsu_runtime::ports::Fut;

use crate::kernel::{
    chance::{Chance, Dice},
    env::SimEnv,
    moment::{Moment, Watch},
    outcome::{Failure, Stats},
    part::Part,
    plan::{CrashAt, CrashOn, Faults, Plan},
    tasks::{Ended, Grave, Life, Ready, TaskId, Tasks},
    timers::Timers,
    trace::{KnownStep, Trace, What, Who, hash_of},
};

/// The node of the scenario, of clients, of the network: it never crashes.
pub(crate) const WORLD: u32 = 0;

/// How a node comes to life, every time.
pub(crate) type Boot = Arc<dyn Fn(Arc<SimEnv>) -> Fut<'static, Served> + Send + Sync>;
/// What a boot function returned.
pub(crate) type Served = Arc<dyn Any + Send + Sync>;

/// One run, shared by everything in it.
pub(crate) struct Core {
    pub(crate) seed: u64,
    pub(crate) limit: u64,
    pub(crate) ready: Arc<Ready>,
    /// The incarnation that never dies.
    pub(crate) world: Arc<Life>,
    bugs: BTreeSet<String>,
    state: Mutex<State>,
    /// Apart from the state, because rules look at everything.
    watches: Mutex<Vec<Watch>>,
}

/// What changes during a run.
pub(crate) struct State {
    pub(crate) now: u64,
    pub(crate) tasks: Tasks,
    pub(crate) timers: Timers,
    pub(crate) nodes: Vec<NodeState>,
    pub(crate) parts: Vec<Part>,
    pub(crate) faults: Faults,
    pub(crate) healed: bool,
    pub(crate) trace: Trace,
    pub(crate) stats: Stats,
    pub(crate) grave: Grave,
    pub(crate) failure: Option<Failure>,
    /// Whose task is being polled.
    pub(crate) running: Who,
    /// Who runs next.
    pub(crate) schedule: Dice,
    /// What goes wrong.
    pub(crate) dice: Dice,
    crash_at: Vec<CrashAt>,
    crash_on: Vec<CrashOn>,
}

/// A node over all its incarnations.
pub(crate) struct NodeState {
    pub(crate) name: Arc<str>,
    pub(crate) incarnation: u32,
    /// `None` while it is down.
    pub(crate) life: Option<Arc<Life>>,
    pub(crate) boot: Option<Boot>,
    pub(crate) served: Option<Served>,
    pub(crate) wall_offset_ms: i64,
    pub(crate) paused: bool,
    /// Ready tasks of a paused node.
    pub(crate) held: Vec<TaskId>,
    /// Down until somebody calls `restart`.
    pub(crate) kept_down: bool,
    /// By the hash of a step's name, which is cheaper to compare than the name.
    hits: BTreeMap<u64, (KnownStep, u64)>,
    /// Steps at which it could have died.
    mortal: u64,
}

impl Core {
    pub(crate) fn new(seed: u64, plan: Plan) -> Arc<Self> {
        let state = State {
            now: 0,
            tasks: Tasks::default(),
            timers: Timers::default(),
            nodes: vec![NodeState::new("world", None)],
            parts: Vec::new(),
            faults: plan.faults,
            healed: false,
            trace: Trace::new(plan.trace, plan.trace_all),
            stats: Stats::default(),
            grave: Grave::default(),
            failure: None,
            running: Who { node: WORLD, incarnation: 0 },
            schedule: Dice::new(seed, "schedule"),
            dice: Dice::new(seed, "faults"),
            crash_at: plan.crash_at,
            crash_on: plan.crash_on,
        };
        let core = Self {
            seed,
            limit: plan.limit.as_nanos() as u64,
            ready: Arc::default(),
            world: Life::new(WORLD, 0),
            bugs: plan.bugs.into_iter().collect(),
            state: Mutex::new(state),
            watches: Mutex::default(),
        };
        Arc::new(core)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a task; `None` when its incarnation is dead, and then the future is dropped.
    pub(crate) fn spawn(
        &self,
        life: &Arc<Life>,
        name: &'static str,
        future: Fut<'static, ()>,
    ) -> Option<(TaskId, Arc<Ended>)> {
        (!life.is_dead()).then(|| self.lock().tasks.add(&self.ready, life, name, future))
    }

    /// Starts a task that nobody stops but the end of its incarnation.
    pub(crate) fn run(&self, life: &Arc<Life>, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        // A task is stopped by the handle that `Env::spawn` returns, not by dropping its id.
        let _detached = self.spawn(life, name, Box::pin(task));
    }

    /// Stops a task; it is dropped at the next scheduling point.
    pub(crate) fn cancel(&self, id: TaskId) {
        let mut state = self.lock();
        let State { tasks, grave, .. } = &mut *state;
        tasks.remove(id, grave);
    }

    /// A named step of a node; may be its last.
    pub(crate) fn step(self: &Arc<Self>, life: &Arc<Life>, at: &'static str) {
        if life.is_dead() {
            return;
        }
        let dies = self.lock().step(life, at);
        if dies {
            self.crash(life.node, true);
        }
    }

    /// Kills a node: its tasks are dropped at the next scheduling point, and from now on nothing it calls has
    /// an effect. With `again` it is started again after a while.
    pub(crate) fn crash(self: &Arc<Self>, node: u32, again: bool) {
        assert!(node != WORLD, "the world cannot crash");
        let Some((name, delay)) = self.lock().kill(node, again) else { return };
        self.moment(&Moment::Crashed(&name));
        let Some(delay) = delay else { return };
        let core = self.clone();
        self.run(&self.world, "restart", async move {
            core.wait(&core.world, delay).await;
            if !core.lock().nodes[node as usize].kept_down {
                core.boot(node);
            }
        });
    }

    /// Starts a node that is down.
    pub(crate) fn boot(self: &Arc<Self>, node: u32) {
        let Some((life, boot)) = self.lock().revive(node) else { return };
        let env = SimEnv::new(self, &life);
        let booting = boot(env.clone());
        let core = self.clone();
        self.run(&env.life, "boot", async move {
            let served = booting.await;
            let mut state = core.lock();
            if !life.is_dead() {
                state.nodes[node as usize].served = Some(served);
            }
        });
    }

    /// A node stands still for a while.
    pub(crate) fn pause(self: &Arc<Self>, node: u32, how_long: Duration) {
        {
            let mut state = self.lock();
            let paused = &mut state.nodes[node as usize].paused;
            if std::mem::replace(paused, true) {
                return;
            }
            state.fault(node, "pause", "node");
        }
        let core = self.clone();
        self.run(&self.world, "resume", async move {
            core.wait(&core.world, how_long).await;
            core.resume(node);
        });
    }

    pub(crate) fn resume(&self, node: u32) {
        let mut state = self.lock();
        let state = &mut state.nodes[node as usize];
        state.paused = false;
        state.held.drain(..).for_each(|id| self.ready.push(id));
    }

    pub(crate) fn reached(&self, what: &'static str) {
        *self.lock().stats.reached.entry(what).or_default() += 1;
    }

    pub(crate) fn has_bug(&self, name: &str) -> bool {
        self.bugs.contains(name)
    }

    /// Ends the run as failed.
    pub(crate) fn fail(&self, failure: Failure) {
        self.lock().failure.get_or_insert(failure);
    }

    pub(crate) fn watch(&self, watch: Watch) {
        self.watches().push(watch);
    }

    /// Shows every watching rule what has just happened.
    pub(crate) fn moment(&self, moment: &Moment<'_>) {
        let mut watches = std::mem::take(&mut *self.watches());
        for watch in &mut watches {
            match (watch.rule)(moment) {
                Ok(0) => {}
                Ok(looked) => self.lock().looked(watch.name, looked),
                Err(broken) => self.fail(Failure::Rule(format!("{}: {broken}", watch.name))),
            }
        }
        let mut kept = self.watches();
        let added = std::mem::replace(&mut *kept, watches);
        kept.extend(added);
    }

    /// The names of the rules that watch.
    pub(crate) fn watching(&self) -> Vec<&'static str> {
        self.watches().iter().map(|watch| watch.name).collect()
    }

    /// Breaks every reference from the run to itself, so that memory is given back.
    pub(crate) fn clear(&self) {
        loop {
            let mut state = self.lock();
            let State { tasks, grave, nodes, .. } = &mut *state;
            tasks.remove_where(|_| true, grave);
            for node in nodes {
                grave.things.extend(node.served.take().map(|served| Box::new(served) as Box<dyn Any + Send>));
                grave.things.extend(node.boot.take().map(|boot| Box::new(boot) as Box<dyn Any + Send>));
            }
            let grave = std::mem::take(grave);
            drop(state);
            if grave.is_empty() {
                break;
            }
            grave.bury();
        }
        let watches = std::mem::take(&mut *self.watches());
        drop(watches);
    }

    fn watches(&self) -> MutexGuard<'_, Vec<Watch>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Records a step; whether the node dies of it.
    fn step(&mut self, life: &Life, at: &'static str) -> bool {
        let node = &mut self.nodes[life.node as usize];
        let (step, hits) = node.hits.entry(hash_of(at)).or_insert_with(|| (KnownStep::new(at), 0));
        *hits += 1;
        self.trace.step(self.now, life.into(), step);
        let mortal = life.node != WORLD && node.boot.is_some();
        if !mortal || self.healed {
            return false;
        }
        node.mortal += 1;
        let counted = self.crash_on.iter().any(|crash| crash.step == node.mortal && crash.node == *node.name);
        let planned = counted || self.crash_at.iter().any(|crash| crash.is(&node.name, at, *hits));
        planned || (self.faults.crash != Chance::NEVER && self.dice.happens(self.faults.crash))
    }

    fn kill(&mut self, node: u32, again: bool) -> Option<(Arc<str>, Option<Duration>)> {
        let life = self.nodes[node as usize].life.take()?;
        life.kill();
        self.fault(node, "crash", "node");
        let State { tasks, grave, nodes, .. } = self;
        tasks.remove_where(|slot| Arc::ptr_eq(&slot.life, &life), grave);
        let state = &mut nodes[node as usize];
        state.paused = false;
        state.held = Vec::new();
        grave.things.extend(state.served.take().map(|served| Box::new(served) as Box<dyn Any + Send>));
        let delay = again.then(|| self.dice.span(self.faults.restart));
        Some((state.name.clone(), delay))
    }

    fn revive(&mut self, node: u32) -> Option<(Arc<Life>, Boot)> {
        let state = &mut self.nodes[node as usize];
        let boot = state.boot.clone().filter(|_| state.life.is_none())?;
        state.incarnation += 1;
        state.kept_down = false;
        let life = Life::new(node, state.incarnation);
        state.life = Some(life.clone());
        self.trace.record(self.now, (&*life).into(), What::Event("boots"));
        Some((life, boot))
    }

    /// Records a fault that happens now.
    pub(crate) fn fault(&mut self, node: u32, kind: &'static str, place: &'static str) {
        let incarnation = self.nodes[node as usize].incarnation;
        self.trace.record(self.now, Who { node, incarnation }, What::Fault(kind, place));
        *self.stats.fired.entry((kind, place)).or_default() += 1;
    }

    pub(crate) fn looked(&mut self, rule: &'static str, at: u64) {
        *self.stats.looked.entry(rule).or_default() += at;
    }

    /// The trace in words.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.trace.lines(|node| self.nodes[node as usize].name.to_string())
    }

    /// Every task that is still there, by node and name.
    pub(crate) fn waiting(&self) -> Vec<String> {
        let mut counted: BTreeMap<(String, &str), u64> = BTreeMap::new();
        for slot in self.tasks.all() {
            let node = &self.nodes[slot.life.node as usize];
            let who = format!("{}#{}{}", node.name, slot.life.incarnation, if node.paused { " (paused)" } else { "" });
            *counted.entry((who, slot.name)).or_default() += 1;
        }
        counted.into_iter().map(|((node, name), count)| format!("{node} {name} × {count}")).collect()
    }

    /// At how many steps each node could have died.
    pub(crate) fn mortal(&self) -> BTreeMap<String, u64> {
        let nodes = self.nodes.iter().filter(|node| node.mortal > 0);
        nodes.map(|node| (node.name.to_string(), node.mortal)).collect()
    }

    /// How often each node passed each step.
    pub(crate) fn points(&self) -> BTreeMap<(String, &'static str), u64> {
        let of = |node: &NodeState| -> Vec<_> {
            node.hits.values().map(|(step, hits)| ((node.name.to_string(), step.name), *hits)).collect()
        };
        self.nodes.iter().flat_map(of).collect()
    }
}

impl NodeState {
    pub(crate) fn new(name: &str, boot: Option<Boot>) -> Self {
        Self {
            name: name.into(),
            incarnation: 0,
            life: None,
            boot,
            served: None,
            wall_offset_ms: 0,
            paused: false,
            held: Vec::new(),
            kept_down: false,
            hits: BTreeMap::new(),
            mortal: 0,
        }
    }
}

impl CrashAt {
    fn is(&self, node: &str, point: &str, hit: u64) -> bool {
        self.hit == hit && self.point == point && self.node.as_ref().is_none_or(|name| name == node)
    }
}

impl From<&Life> for Who {
    fn from(life: &Life) -> Self {
        Self { node: life.node, incarnation: life.incarnation }
    }
}
