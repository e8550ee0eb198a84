//! `kill -9` at the worst moments.

use std::os::unix::process::ExitStatusExt as _;

use bongsu::ports::broker::Broker as _;
use bongsu_broker::BrokerClient;
use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::tempdir;

use crate::process::{Door, PATIENCE};

fn events(door: &Door) -> Vec<Value> {
    let page: Value = serde_json::from_str(&door.get("/bongsu/events").unwrap().body).unwrap();
    page["events"].as_array().unwrap().clone()
}

#[test]
fn what_was_answered_survives_kill_9_and_the_same_key_does_nothing_twice() {
    let folder = tempdir().unwrap();
    let door = Door::start(folder.path());
    let first = door.open("front", "1").unwrap();
    door.signal(Signal::SIGKILL);
    assert_eq!(door.ended().signal(), Some(9));
    let again = Door::start(folder.path());
    let got = again.open("front", "1").unwrap();
    assert_eq!((got.status, got.body), (first.status, first.body));
    assert_eq!(events(&again).len(), 1);
}

#[test]
fn a_fact_whose_relay_was_killed_is_published_once_by_the_next_process() {
    let folder = tempdir().unwrap();
    let door = Door::with(folder.path(), |command| {
        command.env("BONGSU_CRASH_AT", "relay.publish:1");
    });
    // The answer may or may not have got out before the crash.
    let _ = door.open("front", "1");
    assert_eq!(door.ended().signal(), Some(9));

    let again = Door::start(folder.path());
    assert_eq!(again.open("front", "1").unwrap().status, 202);
    assert_eq!(events(&again).len(), 1);
    let broker = again.said.iter().find(|line| line["message"] == "a broker runs inside this process").unwrap();
    assert_eq!(published(broker["addr"].as_str().unwrap()), 1);
}

/// How many facts the broker has, once it has any.
#[tokio::main(flavor = "current_thread")]
async fn published(broker: &str) -> u64 {
    let broker = BrokerClient::new(&format!("http://{broker}")).unwrap();
    let count = async || {
        let bounds = broker.bounds("house").await.unwrap();
        bounds.partitions.iter().map(|(_, _, end)| end).sum::<u64>()
    };
    let first = async {
        while count().await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, first).await.expect("the fact is published");
    count().await
}
