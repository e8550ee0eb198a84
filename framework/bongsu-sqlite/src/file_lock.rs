//! The locks on `<file>.lock` and `<file>.next` that let processes take turns at writing.
//!
//! SQLite's own lock would keep the file right, but a waiter polls for it and starves beside a busy writer
//! (measured: 0.00 to 1.00 of the commits). One lock that the operating system wakes a waiter for is better and
//! still lets a busy writer overtake (0.10 to 0.90 at times). So whoever wants to write first takes `next`, and
//! gives it back once it has `lock`: while someone waits, nobody else can come first. Waiting cannot be bounded
//! by the system call, so a thread waits in our place.
//!
//! A process that is stopped while it is the next one keeps `next` for as long as it is stopped. Turns are a courtesy:
//! after a while those behind it go on without, asking for `lock` again and again, until `next` is free.

use std::{
    fs::{File, TryLockError},
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// One instance's hold on the lock file.
pub(crate) struct FileLock {
    shared: Arc<Shared>,
}

struct Shared {
    lock: File,
    next: File,
    state: Mutex<State>,
    changed: Condvar,
}

/// How long to wait for one's turn behind the next one before going on without turns.
const TURN: Duration = Duration::from_millis(100);
/// How often to ask for the lock then.
const ASK: Duration = Duration::from_millis(2);

#[derive(Default)]
struct State {
    /// The thread is in the system call; the writer must not touch the lock meanwhile, unless it is `behind`.
    asking: bool,
    /// The thread waits for its turn, and does not touch `lock` before it has seen this state again.
    behind: bool,
    /// It has waited for so long that nobody goes on waiting for it.
    stuck: bool,
    /// Somebody waits for what the thread gets.
    wanted: bool,
    got: Option<io::Result<()>>,
    closed: bool,
}

impl FileLock {
    /// Starts the waiting thread for a pair of lock files.
    pub(crate) fn new(lock: File, next: File) -> io::Result<Self> {
        let shared = Arc::new(Shared { lock, next, state: Mutex::default(), changed: Condvar::new() });
        let waiter = Arc::clone(&shared);
        thread::Builder::new().name("store-lock".to_owned()).spawn(move || waiter.wait_for_others())?;
        Ok(Self { shared })
    }

    /// Takes the lock; false when another process kept it for so long.
    #[expect(clippy::disallowed_methods, reason = "waits for a real lock; nothing is decided on it")]
    pub(crate) fn acquire(&self, patience: Duration) -> io::Result<bool> {
        let mut state = self.shared.state();
        if !state.asking {
            if self.shared.try_both()? {
                return Ok(true);
            }
            state.asking = true;
        }
        state.wanted = true;
        self.shared.changed.notify_all();
        let end = Instant::now() + patience;
        let mut wait = if state.stuck { Duration::ZERO } else { TURN };
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let changed = &self.shared.changed;
            let wait_for = wait.min(left);
            let waiting = changed.wait_timeout_while(state, wait_for, |state| state.got.is_none());
            state = waiting.unwrap_or_else(PoisonError::into_inner).0;
            if state.got.is_none() && state.behind {
                state.stuck = true;
                match tried(self.shared.lock.try_lock()) {
                    Ok(false) => {}
                    got => {
                        state.wanted = false;
                        return got;
                    }
                }
            }
            if state.got.is_some() || left <= wait_for {
                state.wanted = false;
                return state.got.take().map_or(Ok(false), |got| got.map(|()| true));
            }
            // Once it is the next one, nobody can come first any more.
            wait = if state.behind { ASK } else { patience };
        }
    }

    /// Lets the next one write.
    pub(crate) fn release(&self) {
        // Nothing can be done about a failure here; the lock goes with the file when the process ends.
        let _ = self.shared.lock.unlock();
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn wait_for_others(&self) {
        let mut state = self.state();
        while !state.closed {
            if !state.asking {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.behind = true;
            drop(state);
            let turn = wait_for(&self.next);
            state = self.state();
            state.behind = false;
            state.stuck = false;
            // Whoever wanted it has given up, or has the lock without a turn.
            if turn.is_ok() && (!state.wanted || state.closed) {
                let _ = self.next.unlock();
                state.asking = false;
                continue;
            }
            drop(state);
            let got = turn.and_then(|()| {
                let got = wait_for(&self.lock);
                self.next.unlock()?;
                got
            });
            state = self.state();
            state.asking = false;
            if state.wanted && !state.closed {
                state.got = Some(got);
                self.changed.notify_all();
            } else if got.is_ok() {
                // Whoever wanted it has given up: keeping it now would block everyone.
                let _ = self.lock.unlock();
            }
        }
    }

    fn try_both(&self) -> io::Result<bool> {
        if !tried(self.next.try_lock())? {
            return Ok(false);
        }
        let got = tried(self.lock.try_lock());
        self.next.unlock()?;
        got
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tried(lock: Result<(), TryLockError>) -> io::Result<bool> {
    match lock {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn wait_for(file: &File) -> io::Result<()> {
    loop {
        match file.lock() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {} // A signal, not an answer.
            got => return got,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> (FileLock, FileLock, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let file = |name| File::create(folder.path().join(name)).unwrap();
        let open = || FileLock::new(file("lock"), file("next")).unwrap();
        (open(), open(), folder)
    }

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn one_waits_until_the_other_lets_go() {
        let (one, other, _folder) = two();
        assert!(one.acquire(LONG).unwrap());
        assert!(!other.acquire(SHORT).unwrap());
        assert!(!other.acquire(SHORT).unwrap());
        thread::scope(|scope| {
            let waiting = scope.spawn(|| other.acquire(LONG).unwrap());
            one.release();
            assert!(waiting.join().unwrap());
        });
        assert!(!one.acquire(SHORT).unwrap());
    }

    #[test]
    fn a_lock_nobody_waits_for_any_more_is_not_kept() {
        let (one, other, _folder) = two();
        assert!(one.acquire(LONG).unwrap());
        assert!(!other.acquire(SHORT).unwrap());
        one.release();
        // The other's thread may get it for a moment, but must let go.
        assert!(one.acquire(LONG).unwrap());
        one.release();
        assert!(other.acquire(LONG).unwrap());
    }

    #[test]
    fn a_dropped_waiter_leaves_the_lock_free() {
        let (one, other, _folder) = two();
        assert!(one.acquire(LONG).unwrap());
        assert!(!other.acquire(SHORT).unwrap());
        drop(other);
        one.release();
        assert!(one.acquire(LONG).unwrap());
    }

    #[test]
    fn one_who_is_stopped_while_it_is_the_next_keeps_nobody_from_writing() {
        let (one, other, folder) = two();
        let stopped = File::create(folder.path().join("next")).unwrap();
        stopped.lock().unwrap();
        // The first time it waits for its turn, then no more.
        assert!(one.acquire(LONG).unwrap());
        assert!(!other.acquire(SHORT).unwrap());
        one.release();
        thread::scope(|scope| {
            for lock in [&one, &other] {
                scope.spawn(move || {
                    for _ in 0..200 {
                        assert!(lock.acquire(LONG).unwrap());
                        lock.release();
                    }
                });
            }
        });
        assert!(one.shared.state().stuck && other.shared.state().stuck);
        stopped.unlock().unwrap();
        while one.shared.state().asking || other.shared.state().asking {
            thread::yield_now();
        }
        // Turns as before, and nobody holds what it does not want.
        assert!(one.acquire(SHORT).unwrap());
        assert!(!other.acquire(SHORT).unwrap());
        one.release();
        assert!(other.acquire(LONG).unwrap());
    }

    #[test]
    fn a_lock_got_without_a_turn_is_not_given_away_when_the_turn_comes() {
        let (one, other, folder) = two();
        let stopped = File::create(folder.path().join("next")).unwrap();
        stopped.lock().unwrap();
        assert!(one.acquire(LONG).unwrap());
        stopped.unlock().unwrap();
        while one.shared.state().asking {
            thread::yield_now();
        }
        assert!(!other.acquire(SHORT).unwrap(), "it is still held");
        one.release();
        assert!(other.acquire(LONG).unwrap());
    }

    #[test]
    fn nobody_overtakes_one_who_waits() {
        let (one, other, _folder) = two();
        for _ in 0..100 {
            assert!(one.acquire(LONG).unwrap());
            thread::scope(|scope| {
                let waiting = scope.spawn(|| assert!(other.acquire(LONG).unwrap()));
                // The waiter has its place in the queue as soon as `next` is taken.
                while !other.shared.state().asking {
                    thread::yield_now();
                }
                while tried(one.shared.next.try_lock()).unwrap() {
                    one.shared.next.unlock().unwrap();
                    thread::yield_now();
                }
                one.release();
                assert!(!one.acquire(SHORT).unwrap(), "it is the other's turn");
                waiting.join().unwrap();
            });
            other.release();
        }
    }
}
