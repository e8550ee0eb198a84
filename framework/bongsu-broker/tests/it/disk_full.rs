//! A disk that fills while messages are published, and gets room again.

use std::{path::Path, process::Command, time::Duration};

use bongsu_runtime::ports::broker::{Broker as _, BrokerError, Producer};
use tokio::time;

use crate::bench::{PATIENCE, Running, get, out, partition, topic};

const ONE: Producer<'_> = Producer::new("one", 1);

/// A small filesystem of its own; unmounted however the test ends.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    /// `None` when this user may not mount.
    fn mount(at: &'a Path) -> Option<Self> {
        mount(&["-t", "tmpfs", "-o", "size=4m", "tmpfs"], at).then_some(Self(at))
    }

    fn grow(&self) {
        assert!(mount(&["-o", "remount,size=64m"], self.0), "it is made larger");
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "it is unmounted");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_unavailable_until_there_is_room_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(small) = Small::mount(folder.path()) else {
        println!("skipped: this user may not mount a filesystem");
        return;
    };
    let running = Running::start(&folder.path().join("broker.db")).await;
    running.client.ensure(topic("gate", 1)).await.expect("a topic");
    let text = "x".repeat(20_000);
    let mut next = 1;
    let full = loop {
        match running.client.publish(ONE, vec![out("gate", "a", next, &text)]).await {
            Ok(()) => next += 1,
            Err(error) => break error,
        }
        assert!(next < 1_000, "the disk is small");
    };
    assert!(matches!(&full, BrokerError::Unavailable(why) if why.contains("full")), "{full:?}");
    let again = running.client.publish(ONE, vec![out("gate", "a", next, &text)]).await;
    assert!(matches!(again, Err(BrokerError::Unavailable(_))), "{again:?}");
    assert!(get(&running.url, "/health/live").await.starts_with("HTTP/1.1 200"));
    assert_eq!(read(&running, next - 1).await, next - 1, "everything acknowledged can still be read");

    small.grow();
    let taken = async {
        while running.client.publish(ONE, vec![out("gate", "a", next, &text)]).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    time::timeout(PATIENCE, taken).await.expect("it recovers by itself");
    assert_eq!(running.client.bounds("gate").await.expect("bounds").partitions[0].2, next, "once, not twice");
    running.stop().await.expect("it ends well");
    let running = Running::start(&folder.path().join("broker.db")).await;
    assert_eq!(read(&running, next).await, next);
    running.stop().await.expect("it ends well");
}

/// Counts what can be read.
async fn read(running: &Running, all: u64) -> u64 {
    let mut next = 0;
    while next < all {
        let want = vec![(partition("gate", 0), next)];
        let batch = running.client.fetch(want, 1 << 20, Duration::ZERO).await.expect("a batch");
        let Some((_, messages)) = batch.messages.first() else { break };
        next += messages.len() as u64;
    }
    next
}

fn mount(how: &[&str], at: &Path) -> bool {
    Command::new("mount").args(how).arg(at).output().is_ok_and(|output| output.status.success())
}
