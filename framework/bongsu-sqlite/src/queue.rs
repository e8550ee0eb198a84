//! A bounded queue between async callers and threads: by count and by bytes, closed once.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// Why nothing was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
}

/// Many producers, one or more threads that take. Closing lets them take what is left, then they end.
pub(crate) struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    news: Condvar,
    items: usize,
    bytes: usize,
}

struct Waiting<T> {
    queue: VecDeque<(T, usize)>,
    bytes: usize,
    closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(items: usize, bytes: usize) -> Self {
        let waiting = Waiting { queue: VecDeque::new(), bytes: 0, closed: false };
        Self { waiting: Mutex::new(waiting), news: Condvar::new(), items, bytes }
    }

    /// Queues at once or refuses; never waits. One item larger than the whole bound is taken when alone.
    pub(crate) fn push(&self, item: T, weight: usize) -> Result<(), Refused> {
        let mut waiting = self.waiting();
        if waiting.closed {
            return Err(Refused::Closed);
        }
        let full = waiting.queue.len() >= self.items || waiting.bytes + weight > self.bytes;
        if full && !waiting.queue.is_empty() {
            return Err(Refused::Full);
        }
        waiting.bytes += weight;
        waiting.queue.push_back((item, weight));
        self.news.notify_one();
        Ok(())
    }

    /// Waits for an item; `None` when the queue is closed and empty.
    pub(crate) fn next(&self) -> Option<T> {
        let mut waiting = self.waiting();
        loop {
            if let Some((item, weight)) = waiting.queue.pop_front() {
                waiting.bytes -= weight;
                return Some(item);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.news.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes up to so many items that are there now.
    pub(crate) fn take(&self, most: usize) -> Vec<T> {
        let mut waiting = self.waiting();
        let most = most.min(waiting.queue.len());
        let taken: Vec<_> = waiting.queue.drain(..most).collect();
        waiting.bytes -= taken.iter().map(|(_, weight)| weight).sum::<usize>();
        taken.into_iter().map(|(item, _)| item).collect()
    }

    pub(crate) fn close(&self) {
        self.waiting().closed = true;
        self.news.notify_all();
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting().queue.len()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<T>> {
        // Nothing here can panic halfway through a change, so a poisoned queue is still whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_refuses_by_count_and_by_bytes() {
        let queue = Queue::new(2, 10);
        assert_eq!(queue.push("a", 4), Ok(()));
        assert_eq!(queue.push("too heavy", 7), Err(Refused::Full));
        assert_eq!(queue.push("b", 6), Ok(()));
        assert_eq!(queue.push("too many", 0), Err(Refused::Full));
        assert_eq!(queue.take(9), ["a", "b"]);
        assert_eq!(queue.push("heavier than all, but alone", 99), Ok(()));
    }

    #[test]
    fn a_closed_queue_gives_what_is_left_and_takes_nothing() {
        let queue = Queue::new(9, 9);
        queue.push(1, 0).unwrap();
        queue.close();
        assert_eq!(queue.push(2, 0), Err(Refused::Closed));
        assert_eq!((queue.next(), queue.next()), (Some(1), None));
    }
}
