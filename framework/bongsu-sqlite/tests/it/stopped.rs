//! A process that is stopped (SIGSTOP) at the two places where others wait for it: as the next to write, which costs them
//! a moment once, and while it writes, which is SQLite's own lock and costs them the file until it goes on or is killed.

use std::{
    fs::File,
    process::Child,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

use bongsu_runtime::ports::store::{Store, StoreError};
use bongsu_sqlite::{Options, SqliteStore};
use futures::executor::block_on;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::bench::{Home, argument, done, get, open_at, put, this_binary, timed, until};

/// A process that writes without a pause. Killed when dropped.
struct Busy(Child);

impl Busy {
    fn start(home: &Home, store: &SqliteStore) -> Self {
        let busy = Self(this_binary("stopped::write_without_a_pause", &home.file()).spawn().unwrap());
        until("it writes", || get(store, "busy").unwrap().is_some());
        busy
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().try_into().unwrap()), signal).unwrap();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "another test's process"]
fn write_without_a_pause() {
    let store = open_at(&argument());
    for id in 1_000_000.. {
        // Refused as unavailable once the other has the file for good: then there is nothing to do either.
        let _ = block_on(store.commit(put(id, "busy", "x")));
    }
}

/// A store that gives up soon, opened before somebody writes without a pause.
fn hasty(home: &Home) -> SqliteStore {
    home.open_with(Options { patience: Duration::from_millis(50), ..Options::default() })
}

/// Stops it at a moment when, of the two locks, it holds exactly this one.
fn stop_with(home: &Home, beside: &SqliteStore, busy: &Busy, wanted: &str) {
    let lock = |which: &str| File::create(home.file().with_extension(format!("db.{which}"))).unwrap();
    let mut id = 0;
    until("it was stopped there", || {
        let running = AtomicBool::new(true);
        thread::scope(|scope| {
            // Somebody has to write for anybody to be the next.
            scope.spawn(|| {
                while running.load(Relaxed) {
                    id += 1;
                    let _ = block_on(beside.commit(put(id, "beside", "x")));
                }
            });
            thread::park_timeout(Duration::from_millis(3));
            busy.signal(Signal::SIGSTOP);
            running.store(false, Relaxed);
        });
        // Again and again, because what ran beside it may hold them for a moment more.
        let (next, write) = (lock("next"), lock("lock"));
        let is_held = |file: &File| {
            (0..20).all(|_| {
                let held = file.try_lock().is_err();
                let _ = file.unlock();
                thread::park_timeout(Duration::from_millis(1));
                held
            })
        };
        let held = (is_held(&next), is_held(&write));
        let there = held == (wanted == "next", wanted == "lock");
        if !there {
            busy.signal(Signal::SIGCONT);
        }
        there
    });
}

#[test]
fn a_process_stopped_as_the_next_to_write_costs_the_others_a_moment_and_no_more() {
    let home = Home::new();
    let (store, beside) = (home.open(), hasty(&home));
    let busy = Busy::start(&home, &store);
    stop_with(&home, &beside, &busy, "next");
    // Done within its patience; whoever waited for the turn each time would wait for 30 seconds in all.
    (1..=300).for_each(|id| done(&store, put(id, "more", "x")));
    let waited = store.counters().lock_wait;
    assert!(waited < Duration::from_secs(15), "it waited each time: {waited:?}");
    assert_eq!(store.counters().unavailable, 0);
    // It goes on, and both have their turns.
    busy.signal(Signal::SIGCONT);
    let before = get(&store, "busy").unwrap().unwrap().revision;
    until("it writes again", || {
        done(&store, put(999, "beside", "x"));
        get(&store, "busy").unwrap().unwrap().revision > before
    });
}

#[test]
fn a_process_stopped_while_it_writes_has_the_file_until_it_is_killed() {
    let home = Home::new();
    let (store, beside) = (home.open(), hasty(&home));
    let busy = Busy::start(&home, &store);
    stop_with(&home, &beside, &busy, "lock");
    let (answer, took) = timed(|| block_on(store.commit(put(1, "first", "x"))));
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    assert!(took < Duration::from_secs(5), "callers have an answer in time: {took:?}");
    assert!(get(&store, "busy").unwrap().is_some(), "reading goes on");
    drop(busy);
    done(&store, put(2, "after", "x"));
    assert_eq!(get(&store, "first"), Ok(None), "unavailable means certainly not applied");
}
