//! Tasks: who runs, who is ready, and what is left of those that were stopped.

use std::{
    any::Any,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
};

use bongsu_runtime::ports::Fut;
use tokio::sync::Notify;

use crate::kernel::chance::Dice;

/// Names a task for the whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskId {
    index: u32,
    pub(crate) serial: u64,
}

/// One incarnation of a node. Once dead it stays dead, and nothing it calls has an effect.
pub(crate) struct Life {
    pub(crate) node: u32,
    pub(crate) incarnation: u32,
    dead: AtomicBool,
}

/// What is polled.
pub(crate) struct Body {
    pub(crate) future: Fut<'static, ()>,
    pub(crate) waker: Waker,
    bell: Arc<Bell>,
}

/// All tasks of a run.
#[derive(Default)]
pub(crate) struct Tasks {
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    next: u64,
}

pub(crate) struct Slot {
    serial: u64,
    /// `None` while it is being polled.
    body: Option<Body>,
    pub(crate) life: Arc<Life>,
    pub(crate) name: &'static str,
    ended: Arc<Ended>,
}

/// The tasks to poll next, in no order that means anything.
#[derive(Default)]
pub(crate) struct Ready {
    queue: Mutex<Vec<TaskId>>,
}

/// Wakes one task.
struct Bell {
    id: TaskId,
    ready: Arc<Ready>,
    queued: AtomicBool,
}

/// Tells who waits that a task has ended.
#[derive(Default)]
pub(crate) struct Ended {
    done: AtomicBool,
    notify: Notify,
}

/// What must be dropped where no lock is held, because dropping runs code of others.
#[derive(Default)]
pub(crate) struct Grave {
    pub(crate) things: Vec<Box<dyn Any + Send>>,
    futures: Vec<Fut<'static, ()>>,
    ended: Vec<Arc<Ended>>,
}

impl Tasks {
    pub(crate) fn add(
        &mut self,
        ready: &Arc<Ready>,
        life: &Arc<Life>,
        name: &'static str,
        future: Fut<'static, ()>,
    ) -> (TaskId, Arc<Ended>) {
        self.next += 1;
        let serial = self.next;
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        let id = TaskId { index, serial };
        let bell = Arc::new(Bell { id, ready: ready.clone(), queued: AtomicBool::new(true) });
        let body = Body { future, waker: Waker::from(bell.clone()), bell };
        let ended = Arc::new(Ended::default());
        let slot = Slot { serial, body: Some(body), life: life.clone(), name, ended: ended.clone() };
        self.slots[index as usize] = Some(slot);
        ready.push(id);
        (id, ended)
    }

    pub(crate) fn get(&mut self, id: TaskId) -> Option<&mut Slot> {
        self.slots.get_mut(id.index as usize)?.as_mut().filter(|slot| slot.serial == id.serial)
    }

    /// Puts a polled body back; returns it when its task was stopped meanwhile.
    pub(crate) fn put_back(&mut self, id: TaskId, body: Body) -> Option<Body> {
        match self.get(id) {
            Some(slot) => {
                slot.body = Some(body);
                None
            }
            None => Some(body),
        }
    }

    /// Takes a task out; what is left of it goes to the grave. One that is being polled right now is dropped by
    /// the loop after its poll.
    pub(crate) fn remove(&mut self, id: TaskId, grave: &mut Grave) {
        if self.get(id).is_none() {
            return;
        }
        if let Some(slot) = self.slots[id.index as usize].take() {
            self.free.push(id.index);
            grave.futures.extend(slot.body.map(|body| body.future));
            grave.ended.push(slot.ended);
        }
    }

    pub(crate) fn remove_where(&mut self, mut dies: impl FnMut(&Slot) -> bool, grave: &mut Grave) {
        for index in 0..self.slots.len() {
            let dying = self.slots[index].as_ref().filter(|slot| dies(slot)).map(|slot| slot.serial);
            if let Some(serial) = dying {
                self.remove(TaskId { index: index as u32, serial }, grave);
            }
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().flatten()
    }
}

impl Slot {
    /// Takes the body for a poll; from here on a wake queues the task again.
    pub(crate) fn take(&mut self) -> Option<Body> {
        let body = self.body.take()?;
        body.bell.queued.store(false, Ordering::Relaxed);
        Some(body)
    }

    /// What wakes the task later instead of now; until then any other wake queues it, too.
    pub(crate) fn put_off(&self) -> Option<Waker> {
        let body = self.body.as_ref()?;
        body.bell.queued.store(false, Ordering::Relaxed);
        Some(body.waker.clone())
    }
}

impl Ready {
    pub(crate) fn push(&self, id: TaskId) {
        self.lock().push(id);
    }

    /// Draws one.
    pub(crate) fn pick(&self, dice: &mut Dice) -> Option<TaskId> {
        let mut queue = self.lock();
        match queue.len() {
            0 => None,
            1 => queue.pop(),
            n => Some(queue.swap_remove(dice.below(n as u64) as usize)),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<TaskId>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            self.ready.push(self.id);
        }
    }
}

impl Life {
    pub(crate) fn new(node: u32, incarnation: u32) -> Arc<Self> {
        Arc::new(Self { node, incarnation, dead: AtomicBool::new(false) })
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    pub(crate) fn kill(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }
}

impl Ended {
    pub(crate) fn set(&self) {
        self.done.store(true, Ordering::Relaxed);
        self.notify.notify_waiters();
    }

    pub(crate) async fn wait(&self) {
        loop {
            let notified = self.notify.notified();
            if self.done.load(Ordering::Relaxed) {
                return;
            }
            notified.await;
        }
    }
}

impl Grave {
    pub(crate) fn is_empty(&self) -> bool {
        self.things.is_empty() && self.futures.is_empty() && self.ended.is_empty()
    }

    /// Drops everything in it. Must be called without any lock of the simulator held.
    pub(crate) fn bury(self) {
        drop(self.futures);
        drop(self.things);
        for ended in self.ended {
            ended.set();
        }
    }
}
