//! The loop: draw a ready task, poll it, drop what died, and when nothing is ready let time jump.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::kernel::{
    core::{Core, State, WORLD},
    outcome::Failure,
    tasks::{Body, Grave, TaskId},
    trace::What,
};

/// So many polls without time moving are a loop that waits for nothing.
const LIVELOCK: u64 = 1_000_000;

enum Turn {
    Poll(TaskId, Body),
    Bury(Grave),
    /// Time moved; the wakers of that instant are in the buffer.
    Jump,
    Over(Result<(), Failure>),
}

impl Core {
    /// Runs until the task `main` has ended or the run has failed.
    pub(crate) fn drive(self: &Arc<Self>, main: TaskId) -> Result<(), Failure> {
        let mut fired: Vec<Waker> = Vec::new();
        let mut polls_now = 0;
        loop {
            match self.turn(main, &mut fired) {
                Turn::Poll(id, body) => {
                    polls_now += 1;
                    self.poll(id, body);
                    if polls_now > LIVELOCK {
                        return Err(self.livelock(id));
                    }
                }
                Turn::Bury(grave) => grave.bury(),
                Turn::Jump => {
                    polls_now = 0;
                    fired.drain(..).for_each(Waker::wake);
                }
                Turn::Over(result) => return result,
            }
        }
    }

    fn turn(&self, main: TaskId, fired: &mut Vec<Waker>) -> Turn {
        let mut state = self.lock();
        if !state.grave.is_empty() {
            return Turn::Bury(std::mem::take(&mut state.grave));
        }
        if let Some(failure) = state.failure.take() {
            return Turn::Over(Err(failure));
        }
        if state.tasks.get(main).is_none() {
            return Turn::Over(Ok(()));
        }
        while let Some(id) = self.ready.pick(&mut state.schedule) {
            if let Some(body) = state.take(id) {
                return Turn::Poll(id, body);
            }
        }
        let Some(now) = state.timers.fire(fired) else {
            let waiting = state.waiting().join(", ");
            return Turn::Over(Err(Failure::Stuck(format!("every task waits and no timer is set: {waiting}"))));
        };
        state.now = now.max(state.now);
        state.trace.fold(now);
        if now > self.limit {
            let limit = Duration::from_nanos(self.limit);
            return Turn::Over(Err(Failure::Stuck(format!("not over after {limit:?} of virtual time"))));
        }
        Turn::Jump
    }

    fn poll(&self, id: TaskId, mut body: Body) {
        let mut context = Context::from_waker(&body.waker);
        let polled = catch_unwind(AssertUnwindSafe(|| body.future.as_mut().poll(&mut context)));
        let mut state = self.lock();
        let orphan = match polled {
            Ok(Poll::Pending) => state.tasks.put_back(id, body),
            Ok(Poll::Ready(())) => {
                state.remove(id);
                Some(body)
            }
            Err(panic) => {
                let who = state.who(id);
                state.remove(id);
                state.failure.get_or_insert(Failure::Panic(format!("{who}: {}", message(&*panic))));
                Some(body)
            }
        };
        drop(state);
        // Where no lock is held: dropping a future runs code of others.
        drop(orphan);
    }

    fn livelock(&self, id: TaskId) -> Failure {
        let who = self.lock().who(id);
        Failure::Stuck(format!("{LIVELOCK} polls at one instant, the last of {who}: somebody spins"))
    }
}

impl State {
    /// Takes a task for its poll; `None` when it is gone, or when its node stands still.
    fn take(&mut self, id: TaskId) -> Option<Body> {
        let slot = self.tasks.get(id)?;
        let node = &mut self.nodes[slot.life.node as usize];
        if node.paused {
            node.held.push(id);
            return None;
        }
        if slot.life.node != WORLD && self.dice.happens(self.faults.lag) {
            self.put_off(id);
            return None;
        }
        let body = slot.take();
        self.running = (&*slot.life).into();
        self.stats.polls += 1;
        self.trace.fold(id.serial);
        if self.trace.all {
            self.trace.keep(self.now, self.running, What::Poll(slot.name));
        }
        body
    }

    /// A ready task has its turn later.
    fn put_off(&mut self, id: TaskId) {
        let at = self.now + self.dice.span(self.faults.lag_for).as_nanos() as u64;
        let Some(waker) = self.tasks.get(id).and_then(|slot| slot.put_off()) else { return };
        self.timers.set(at, waker);
        self.trace.fold(at);
        // Counted and not recorded: there are too many to read.
        *self.stats.fired.entry(("lag", "node")).or_default() += 1;
    }

    fn remove(&mut self, id: TaskId) {
        let State { tasks, grave, .. } = self;
        tasks.remove(id, grave);
    }

    fn who(&mut self, id: TaskId) -> String {
        let Some(slot) = self.tasks.get(id) else { return "a stopped task".to_owned() };
        format!("{} of {}#{}", slot.name, self.nodes[slot.life.node as usize].name, slot.life.incarnation)
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panicked")
}
