//! Overload is refused quickly; slow clients cost a connection only for so long.

use std::time::Duration;

use bongsu_broker::server::Limits;
use bongsu_runtime::ports::broker::{Broker as _, BrokerError, Producer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time,
};

use crate::bench::{PATIENCE, Running, connect, get, out, request, topic};

const SOON: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { header_timeout: SOON, ..Limits::default() };
    let running = Running::with(&folder.path().join("broker.db"), limits).await;
    let mut slow = connect(&running.url).await;
    slow.write_all(b"GET /topics HTTP/1.1\r\nhost: ").await.expect("half a head");
    let mut answer = Vec::new();
    let ended = time::timeout(PATIENCE, slow.read_to_end(&mut answer)).await;
    ended.expect("the connection ends").expect("without a reset");
    running.stop().await.expect("it ends well");
}

#[tokio::test]
async fn a_body_that_never_comes_is_given_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { body_timeout: SOON, ..Limits::default() };
    let running = Running::with(&folder.path().join("broker.db"), limits).await;
    let mut slow = connect(&running.url).await;
    let head = request("POST", "/publish", "").replace("length: 0", "length: 50");
    slow.write_all(head.as_bytes()).await.expect("a head");
    let mut answer = String::new();
    let ended = time::timeout(PATIENCE, slow.read_to_string(&mut answer)).await;
    ended.expect("the connection ends").expect("without a reset");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    running.stop().await.expect("it ends well");
}

#[tokio::test]
async fn a_connection_too_many_is_told_so_and_room_is_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { connections: 2, ..Limits::default() };
    let running = Running::with(&folder.path().join("broker.db"), limits).await;
    let held = [connect(&running.url).await, connect(&running.url).await];
    let refused = get(&running.url, "/topics").await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    let (_, body) = refused.split_once("\r\n\r\n").expect("head and body");
    assert!(refused.contains(&format!("content-length: {}", body.len())), "the length is right: {refused}");
    drop(held);
    let room = async { while !get(&running.url, "/topics").await.starts_with("HTTP/1.1 200") {} };
    time::timeout(PATIENCE, room).await.expect("a closed connection makes room");
    running.stop().await.expect("it ends well");
}

#[tokio::test]
async fn more_than_fits_in_memory_is_unavailable_and_not_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { queued_bytes: 64 << 10, ..Limits::default() };
    let running = Running::with(&folder.path().join("broker.db"), limits).await;
    running.client.ensure(topic("gate", 1)).await.expect("a topic");
    let from = Producer::new("one", 1);
    let large = vec![out("gate", "a", 1, &"x".repeat(100_000))];
    let refused = running.client.publish(from, large).await;
    assert!(matches!(refused, Err(BrokerError::Unavailable(_))), "{refused:?}");
    running.client.publish(from, vec![out("gate", "a", 1, "small")]).await.expect("a small one fits");
    assert_eq!(running.client.bounds("gate").await.expect("bounds").partitions[0].2, 1);
    running.stop().await.expect("it ends well");
}

#[tokio::test]
async fn a_batch_larger_than_a_request_is_cut_and_stays_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(&folder.path().join("broker.db")).await;
    running.client.ensure(topic("gate", 1)).await.expect("a topic");
    let text = "x".repeat(900_000);
    let batch: Vec<_> = (1..=25).map(|n| out("gate", "a", n, &text)).collect();
    let from = Producer::new("one", 1);
    running.client.publish(from, batch).await.expect("25 MB are taken");
    let mut read = 0;
    while read < 25 {
        let want = vec![(crate::bench::partition("gate", 0), read)];
        let batch = running.client.fetch(want, u32::MAX, Duration::ZERO).await.expect("a batch");
        for message in &batch.messages[0].1 {
            read += 1;
            let id = format!("\"id\":\"{read}\"");
            assert!(String::from_utf8_lossy(&message.cloudevent[..100]).contains(&id), "message {read} is in place");
        }
    }
    running.stop().await.expect("it ends well");
}
