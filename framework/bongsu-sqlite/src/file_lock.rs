//! The lock on `<file>.lock` that lets processes take turns at writing.
//!
//! SQLite's own lock would keep the file right, but a waiter polls for it and starves beside a busy writer
//! (measured: 0.00 to 1.00 of the commits; with this lock about half each). The operating system wakes whoever
//! waits here. Waiting cannot be bounded by the system call, so a thread waits in our place.

use std::{
    fs::{File, TryLockError},
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// One instance's hold on the lock file.
pub(crate) struct FileLock {
    shared: Arc<Shared>,
}

struct Shared {
    file: File,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The thread is in the system call; the writer must not touch the lock meanwhile.
    asking: bool,
    /// Somebody waits for what the thread gets.
    wanted: bool,
    got: Option<io::Result<()>>,
    closed: bool,
}

impl FileLock {
    /// Starts the waiting thread for a lock file.
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let shared = Arc::new(Shared { file, state: Mutex::default(), changed: Condvar::new() });
        let waiter = Arc::clone(&shared);
        thread::Builder::new().name("store-lock".to_owned()).spawn(move || waiter.wait_for_others())?;
        Ok(Self { shared })
    }

    /// Takes the lock; false when another process kept it for so long.
    pub(crate) fn acquire(&self, patience: Duration) -> io::Result<bool> {
        let mut state = self.shared.state();
        if !state.asking {
            match self.shared.file.try_lock() {
                Ok(()) => return Ok(true),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
            state.asking = true;
        }
        state.wanted = true;
        self.shared.changed.notify_all();
        let waiting = self.shared.changed.wait_timeout_while(state, patience, |state| state.got.is_none());
        let (mut state, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        state.wanted = false;
        state.got.take().map_or(Ok(false), |got| got.map(|()| true))
    }

    /// Lets the next one write.
    pub(crate) fn release(&self) {
        // Nothing can be done about a failure here; the lock goes with the file when the process ends.
        let _ = self.shared.file.unlock();
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
            drop(state);
            let got = loop {
                match self.file.lock() {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {} // A signal, not an answer.
                    got => break got,
                }
            };
            state = self.state();
            state.asking = false;
            if state.wanted && !state.closed {
                state.got = Some(got);
                self.changed.notify_all();
            } else if got.is_ok() {
                // Whoever wanted it has given up: keeping it now would block everyone.
                let _ = self.file.unlock();
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> (FileLock, FileLock, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let open = || FileLock::new(File::create(folder.path().join("lock")).unwrap()).unwrap();
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
}
