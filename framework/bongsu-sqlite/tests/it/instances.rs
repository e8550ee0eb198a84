//! Several processes on one file, as far as one process can show it: the lock, the turns and the doorbell.

use std::{
    os::unix::net::UnixDatagram,
    sync::{
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use bongsu_runtime::Value;
use bongsu_runtime::ports::store::{Position, Store, StoreError, Verdict};
use bongsu_sqlite::{Options, SqliteStore};
use futures::{executor::block_on, future::join_all, stream, stream::StreamExt};

use crate::bench::{Home, PATIENCE, done, event, get, put, timed, until};

#[test]
fn a_file_that_another_process_keeps_locked_is_unavailable_within_two_seconds() {
    let home = Home::new();
    let store = home.open();
    done(&store, put(1, "before", "x"));
    let stopped = home.keep_locked();
    let (answers, took) = timed(|| {
        let early = store.commit(put(2, "early", "x"));
        thread::park_timeout(Duration::from_millis(500));
        let late = store.commit(put(3, "late", "x"));
        block_on(join_all([early, late]))
    });
    assert!(answers.iter().all(|answer| matches!(answer, Err(StoreError::Unavailable(_)))), "{answers:?}");
    // Two seconds are promised; the rest is for a machine that is busy. Patience that begins anew takes longer.
    assert!(took < Duration::from_millis(3_400), "took {took:?}");
    assert!(get(&store, "before").unwrap().is_some(), "reading goes on");
    drop(stopped);
    done(&store, put(4, "after", "x"));
    assert_eq!(get(&store, "early"), Ok(None), "unavailable means certainly not applied");
    let counters = store.counters();
    assert_eq!(counters.unavailable, 2);
    assert!(counters.lock_wait > Duration::from_secs(1), "{counters:?}");
    let metrics = store.metrics();
    let waits = metrics.iter().find(|metric| metric.name == "bongsu_store_lock_wait_seconds").unwrap();
    let Value::Histogram { sum, buckets } = &waits.value else { panic!("{waits:?}") };
    let long: u64 = buckets.iter().filter(|(bound, _)| *bound >= 2.0).map(|(_, waits)| waits).sum();
    assert!(*sum > 1.0 && long >= 1, "{waits:?}");
}

#[test]
fn an_instance_that_waits_does_not_keep_the_lock_it_no_longer_wants() {
    let home = Home::new();
    let (one, other) =
        (home.open_with(Options { patience: Duration::from_millis(50), ..Options::default() }), home.open());
    let stopped = home.keep_locked();
    assert!(matches!(block_on(one.commit(put(1, "a", "x"))), Err(StoreError::Unavailable(_))));
    drop(stopped);
    for number in 2..50 {
        done(&other, put(number, "b", "x"));
    }
}

#[test]
fn two_busy_instances_share_the_file() {
    const ALL: u32 = 6_000;
    let home = Home::new();
    let (one, other) = (home.open(), home.open());
    let left = AtomicU32::new(ALL);
    let write = |store: &SqliteStore, ids: u128| {
        let lanes = (0..32_u128).map(|lane| {
            let left = &left;
            async move {
                let mut written = 0_u32;
                while left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                    let id = ids + lane;
                    assert_eq!(store.commit(put(id, &id.to_string(), "x")).await, Ok(Verdict::Done));
                    written += 1;
                }
                written
            }
        });
        block_on(stream::iter(lanes).buffer_unordered(32).fold(0, |sum, more| async move { sum + more }))
    };
    let (a, b) = thread::scope(|scope| {
        let other = scope.spawn(|| write(&other, 1_000));
        (write(&one, 0), other.join().unwrap())
    });
    assert_eq!(a + b, ALL);
    assert!(a.min(b) > ALL / 4, "one of them starved: {a} and {b}");
}

#[test]
fn without_a_doorbell_a_change_elsewhere_is_still_noticed() {
    let home = Home::new();
    let deaf = || home.open_with(Options { doorbell: false, ..Options::default() });
    let (one, other) = (deaf(), deaf());
    let (woke, wait) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            block_on(other.changed(Position(0)));
            woke.send(block_on(other.head())).unwrap();
        });
        let mut commit = put(1, "a", "x");
        commit.events.push(event("counter/a", 1));
        done(&one, commit);
        assert_eq!(wait.recv_timeout(PATIENCE).unwrap().map(|head| head.0 <= 1), Ok(true));
    });
}

#[test]
fn what_is_no_position_is_not_believed() {
    let home = Home::new();
    let store = home.open();
    let stranger = UnixDatagram::unbound().unwrap();
    for length in [0, 1, 7, 9, 24, 4_000] {
        stranger.send_to(&vec![0xff; length], home.bells().remove(0)).unwrap();
    }
    // Three ticks: everything sent has been heard.
    (0..3).for_each(|_| block_on(store.changed(Position(9))));
    let mut waiting = store.changed(Position(1_000));
    let now = futures::FutureExt::now_or_never(&mut waiting);
    assert_eq!(now, None, "nothing is there, so it waits");
    done(&store, put(1, "a", "x"));
    block_on(waiting);
}

#[test]
fn instances_that_are_gone_are_rung_no_more() {
    let home = Home::new();
    let store = home.open();
    let gone = home.file().with_extension("bells").join("gone");
    drop(UnixDatagram::bind(&gone).unwrap());
    let stranger = gone.with_file_name("notes");
    std::fs::write(&stranger, "not a socket").unwrap();
    assert!(gone.exists());
    done(&store, put(1, "a", "x"));
    until("the dead socket is taken away", || !gone.exists());
    assert!(stranger.exists(), "what is no socket is not touched");
    std::fs::remove_file(stranger).unwrap();
    assert_eq!(home.bells().len(), 1);
    store.close();
    assert_eq!(home.bells().len(), 0, "one that closes takes itself off the list");
}

#[test]
fn readers_that_never_pause_do_not_let_the_log_grow_for_ever() {
    let home = Home::new();
    let store = home.open_with(Options { log_bytes: 4 << 20, ..Options::default() });
    let log = home.file().with_extension("db-wal");
    let written = AtomicBool::new(false);
    let read = || {
        let reader = home.raw();
        while !written.load(Relaxed) {
            reader.execute_batch("BEGIN; SELECT count(*) FROM meta").unwrap();
            // Longer than a Commit takes, so that the page it read is never the newest.
            thread::park_timeout(Duration::from_millis(100));
            reader.execute_batch("COMMIT").unwrap();
        }
    };
    let size = thread::scope(|scope| {
        // So many that there is hardly a moment without one.
        (0..5).for_each(|_| drop(scope.spawn(read)));
        for id in 1..=400 {
            done(&store, put(id, "a", vec![id as u8; 100_000]));
        }
        written.store(true, Relaxed);
        log.metadata().unwrap().len()
    });
    assert!(size < 12 << 20, "40 MB were written, the log has {size} bytes");
    assert_eq!(get(&store, "a").unwrap().unwrap().revision.0, 400);
}
