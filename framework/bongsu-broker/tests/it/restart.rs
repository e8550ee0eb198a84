//! What is remembered when the broker is stopped and started again.

use std::time::Duration;

use bongsu_broker::BrokerClient;
use bongsu_runtime::ports::broker::{Broker as _, BrokerError, Producer, Topic};
use tokio::time;

use crate::bench::{PATIENCE, Running, event, out, partition, post, topic};

const ONE: Producer<'_> = Producer::new("one", 5);

#[tokio::test]
async fn everything_a_broker_promised_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("broker.db");
    let foreign = event("gate", "a", "foreign-1", "");
    let before = Running::start(&data).await;
    before.client.ensure(topic("gate", 2)).await.expect("a topic");
    let batch: Vec<_> = (1..=20).map(|n| out("gate", &format!("k{}", n % 5), n, "x")).collect();
    before.client.publish(ONE, batch.clone()).await.expect("a batch");
    assert!(post(&before.url, "/topics/gate/events", &foreign).await.contains(r#""appended":1"#));
    let (log, bounds) = (before.log, before.client.bounds("gate").await.expect("bounds"));
    before.stop().await.expect("it ends well");

    let after = Running::start(&data).await;
    assert_eq!(after.log, log, "the same history");
    assert_eq!(after.client.bounds("gate").await.expect("bounds"), bounds);
    after.client.ensure(topic("gate", 3)).await.expect_err("the topic has two partitions");
    after.client.publish(ONE, batch).await.expect("duplicates are dropped");
    assert!(post(&after.url, "/topics/gate/events", &foreign).await.contains(r#""dropped":1"#));
    assert_eq!(after.client.bounds("gate").await.expect("bounds"), bounds, "nothing came twice");
    let old = after.client.publish(Producer { epoch: 4, ..ONE }, vec![out("gate", "a", 21, "")]).await;
    assert!(matches!(old, Err(BrokerError::Fenced { given: 4, newest: 5, .. })), "{old:?}");
    after.client.publish(ONE, vec![out("gate", "a", 21, "")]).await.expect("the next position");
    after.stop().await.expect("it ends well");
}

#[tokio::test]
async fn an_expired_offset_is_not_given_again_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("broker.db");
    let before = Running::start(&data).await;
    before.client.ensure(Topic { retention_ms: Some(1), ..topic("gate", 1) }).await.expect("a topic");
    before.client.publish(ONE, (1..=7).map(|n| out("gate", "a", n, "")).collect()).await.expect("a batch");
    let expired = async {
        while before.client.bounds("gate").await.expect("bounds").partitions[0].1 < 7 {
            tokio::task::yield_now().await;
        }
    };
    time::timeout(PATIENCE, expired).await.expect("messages expire");
    before.stop().await.expect("it ends well");

    let after = Running::start(&data).await;
    assert_eq!(after.client.bounds("gate").await.expect("bounds").partitions, [(partition("gate", 0), 7, 7)]);
    after.stop().await.expect("it ends well");
}

#[tokio::test]
async fn what_partitions_weigh_is_written_down_and_a_bound_that_is_set_later_counts_by_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("broker.db");
    let before = Running::start(&data).await;
    before.client.ensure(topic("gate", 2)).await.expect("a topic without a bound");
    before.client.publish(ONE, (1..=20).map(|n| out("gate", &n.to_string(), n, "x")).collect()).await.expect("a batch");
    before.stop().await.expect("it ends well");
    let file = rusqlite::Connection::open(&data).expect("the file");
    let weights = |sql: &str| -> Vec<(i64, i64)> {
        let mut rows = file.prepare(sql).expect("a select");
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.collect::<Result<_, _>>().expect("numbers")
    };
    let counted = weights("SELECT id >> 40, sum(length(event)) FROM messages GROUP BY 1 ORDER BY 1");
    assert_eq!(weights("SELECT partition, bytes FROM weights ORDER BY 1"), counted);
    assert_eq!(counted.len(), 2);
    // Only whoever adds the messages up would know better.
    file.execute("UPDATE weights SET bytes = 1 WHERE partition = 1024", []).expect("another weight");
    drop(file);

    let after = Running::start(&data).await;
    let ends = after.client.bounds("gate").await.expect("bounds").partitions;
    after.client.ensure(Topic { retention_bytes: Some(1), ..topic("gate", 2) }).await.expect("a bound");
    let expired = async {
        loop {
            let bounds = after.client.bounds("gate").await.expect("bounds").partitions;
            if bounds[1].1 + 1 == bounds[1].2 {
                return bounds;
            }
            tokio::task::yield_now().await;
        }
    };
    let bounds = time::timeout(PATIENCE, expired).await.expect("the second partition keeps its last message alone");
    assert_eq!(bounds[0], ends[0], "the first weighs one byte, as is written");
    after.stop().await.expect("it ends well");
}

#[tokio::test]
async fn a_waiting_fetch_is_answered_when_the_broker_stops() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(&folder.path().join("broker.db")).await;
    running.client.ensure(topic("gate", 1)).await.expect("a topic");
    let client = running.client.clone();
    let fetch = async { client.fetch(vec![(partition("gate", 0), 0)], 1_000, PATIENCE).await };
    let stop = async {
        // The fetch is on its way before the stop: an answer to a later request of the same kind proves it.
        client.fetch(vec![(partition("gate", 0), 0)], 1_000, Duration::from_millis(50)).await.expect("an empty batch");
        running.stop().await
    };
    let (batch, stopped) = time::timeout(PATIENCE / 2, async { tokio::join!(fetch, stop) }).await.expect("at once");
    stopped.expect("it ends well");
    assert_eq!(batch.expect("an answer").messages, []);
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_unavailable_and_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("broker.db");
    let running = Running::start(&data).await;
    let (client, address) = (running.client.clone(), running.url.clone());
    client.ensure(topic("gate", 1)).await.expect("a topic");
    running.stop().await.expect("it ends well");
    let down = client.bounds("gate").await;
    assert!(matches!(&down, Err(BrokerError::Unavailable(why)) if why.contains(&address)), "{down:?}");
    let again = Running::at(&data, &address).await;
    assert_eq!(client.bounds("gate").await.expect("bounds").partitions.len(), 1);
    again.stop().await.expect("it ends well");
}

#[tokio::test]
async fn a_url_that_is_no_brokers_is_refused() {
    for url in ["", "127.0.0.1:1", "https://127.0.0.1:1", "http://", "http://127.0.0.1:1/path", "nonsense"] {
        let refused = BrokerClient::new(url);
        assert!(matches!(refused, Err(BrokerError::Invalid(_))), "{url:?}: {refused:?}");
    }
    BrokerClient::new("http://127.0.0.1:1/").expect("a slash at the end is fine");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_fetchers_both_get_every_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(&folder.path().join("broker.db")).await;
    running.client.ensure(topic("gate", 1)).await.expect("a topic");
    let follow = |client: BrokerClient| async move {
        let mut read = Vec::new();
        while read.len() < 100 {
            let want = vec![(partition("gate", 0), read.len() as u64)];
            let batch = client.fetch(want, 2_000, PATIENCE).await.expect("a batch");
            read.extend(batch.messages.into_iter().flat_map(|(_, messages)| messages));
        }
        read
    };
    let publish = async {
        for n in 1..=100 {
            running.client.publish(ONE, vec![out("gate", "a", n, "")]).await.expect("a message");
        }
    };
    let other = BrokerClient::new(&running.url).expect("its URL");
    let all = async { tokio::join!(follow(running.client.clone()), follow(other), publish) };
    let (one, two, ()) = time::timeout(PATIENCE, all).await.expect("in time");
    assert_eq!(one, two);
    assert!(one.iter().map(|message| message.offset).eq(0..100));
    running.stop().await.expect("it ends well");
}

#[tokio::test]
async fn a_broker_whose_file_is_removed_promises_nothing_more_and_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("broker.db");
    let running = Running::start(&data).await;
    running.client.ensure(topic("gate", 1)).await.expect("a topic");
    running.client.publish(ONE, vec![out("gate", "a", 1, "")]).await.expect("a batch");
    std::fs::remove_file(&data).expect("it is there");
    running.client.publish(ONE, vec![out("gate", "a", 2, "")]).await.expect_err("nobody would ever read it");
    let ended = running.stop().await.expect_err("it gave up");
    assert!(ended.to_string().contains("removed while it was open"), "{ended}");
}
