//! Virtual timers: a heap of instants; a cancelled timer costs no jump of time.

use std::{cmp::Reverse, collections::BinaryHeap, task::Waker};

/// All timers of a run.
#[derive(Default)]
pub(crate) struct Timers {
    /// (instant, number, slot): earliest first, then in the order they were set.
    heap: BinaryHeap<Reverse<(u64, u64, u32)>>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    next: u64,
}

struct Slot {
    /// The timer in this slot; a heap entry with another number is a cancelled one.
    number: u64,
    waker: Option<Waker>,
}

/// Names a set timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerId {
    slot: u32,
    number: u64,
}

impl Timers {
    pub(crate) fn set(&mut self, at: u64, waker: Waker) -> TimerId {
        self.next += 1;
        let number = self.next;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { number: 0, waker: None });
            self.slots.len() as u32 - 1
        });
        self.slots[slot as usize] = Slot { number, waker: Some(waker) };
        self.heap.push(Reverse((at, number, slot)));
        TimerId { slot, number }
    }

    /// Gives a waiting timer another waker; false when it has fired.
    pub(crate) fn rearm(&mut self, id: TimerId, waker: &Waker) -> bool {
        let slot = &mut self.slots[id.slot as usize];
        if slot.number != id.number {
            return false;
        }
        match &mut slot.waker {
            Some(old) => old.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        true
    }

    /// Takes a timer out; its waker is returned to be dropped where no lock is held.
    pub(crate) fn cancel(&mut self, id: TimerId) -> Option<Waker> {
        let slot = &mut self.slots[id.slot as usize];
        if slot.number != id.number {
            return None;
        }
        let waker = self.release(id.slot);
        if self.heap.len() > 64 && self.heap.len() > 4 * (self.slots.len() - self.free.len()) {
            let slots = &self.slots;
            self.heap.retain(|Reverse((_, number, slot))| slots[*slot as usize].number == *number);
        }
        waker
    }

    /// Fires all timers of the earliest instant into `fired`; that instant, or `None` when no timer is set.
    pub(crate) fn fire(&mut self, fired: &mut Vec<Waker>) -> Option<u64> {
        let mut instant = None;
        while let Some(Reverse((at, number, slot))) = self.heap.peek().copied() {
            if self.slots[slot as usize].number != number {
                self.heap.pop();
                continue;
            }
            if instant.is_some_and(|instant| at > instant) {
                break;
            }
            instant = Some(at);
            self.heap.pop();
            fired.extend(self.release(slot));
        }
        instant
    }

    fn release(&mut self, slot: u32) -> Option<Waker> {
        self.free.push(slot);
        let slot = &mut self.slots[slot as usize];
        slot.number = 0;
        slot.waker.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waker() -> Waker {
        Waker::noop().clone()
    }

    #[test]
    fn timers_fire_in_order_of_time_and_all_of_one_instant_together() {
        let (mut timers, mut fired) = (Timers::default(), Vec::new());
        for at in [30, 10, 20, 10] {
            timers.set(at, waker());
        }
        assert_eq!((timers.fire(&mut fired), fired.len()), (Some(10), 2));
        assert_eq!((timers.fire(&mut fired), fired.len()), (Some(20), 3));
        assert_eq!((timers.fire(&mut fired), fired.len()), (Some(30), 4));
        assert_eq!(timers.fire(&mut fired), None);
    }

    #[test]
    fn a_cancelled_timer_never_fires_and_its_slot_is_used_again() {
        let (mut timers, mut fired) = (Timers::default(), Vec::new());
        let first = timers.set(10, waker());
        assert!(timers.cancel(first).is_some());
        let second = timers.set(20, waker());
        assert!(!timers.rearm(first, &waker()), "the slot belongs to another timer now");
        assert!(timers.cancel(first).is_none());
        assert!(timers.rearm(second, &waker()));
        assert_eq!(timers.fire(&mut fired), Some(20));
        assert_eq!(timers.slots.len(), 1);
    }

    #[test]
    fn cancelled_timers_do_not_pile_up() {
        let mut timers = Timers::default();
        for at in 0..10_000 {
            let id = timers.set(at, waker());
            timers.cancel(id);
        }
        assert!(timers.heap.len() <= 65, "{}", timers.heap.len());
    }
}
