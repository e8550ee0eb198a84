//! Order and duplicates.

use bongsu_runtime::ports::broker::{Out, partition_of};
use bytes::Bytes;

use super::bench::{Bench, bodies, out, outs, sent};

/// Offsets are dense from 0 and each key is where Kafka's partitioner puts it, in the order given.
pub async fn a_key_stays_in_order_in_its_own_partition(at: &Bench) {
    at.topic("order", 4).await;
    let batch = outs("order", &["a", "b", "c", "d", "e", "f", "g"], 1..=70);
    for part in batch.chunks(9) {
        at.publish("order", 1, part.to_vec()).await.expect("a batch is taken");
    }
    for index in 0..4 {
        let read = at.all("order", index).await;
        let mine: Vec<Out> = batch.iter().filter(|out| partition_of(&out.partition_key, 4) == index).cloned().collect();
        assert_eq!(bodies(&read), sent(&mine), "partition {index}");
        assert!(read.iter().map(|message| message.offset).eq(0..read.len() as u64), "offsets are dense from 0");
    }
}

/// Payloads are opaque: nothing is re-encoded, not even a number no double can hold.
pub async fn bytes_and_key_come_back_as_published(at: &Bench) {
    at.topic("bytes", 1).await;
    let odd = "{ \"specversion\" : \"1.0\",\n \"id\":\"\\u0031\", \"source\":\"bytes\", \"type\":\"bytes.door-opened.v1\", \
               \"subject\":\"door/문\", \"partitionkey\":\"ke\\\"y \\uac00\", \"sequence\":9007199254740993, \
               \"data\": [1e400, -0.0, 12345678901234567890123, \"\\ud83d\\ude00\", {\"a\":1,\"a\":2}, null] }";
    let plain = Out { cloudevent: Bytes::from(odd), ..out("bytes", "ke\"y 가", 1, "") };
    let empty = Out { cloudevent: with_key(""), ..out("bytes", "", 2, "") };
    at.publish("bytes", 1, vec![plain.clone(), empty.clone()]).await.expect("odd but legal");
    let read = at.all("bytes", 0).await;
    assert_eq!(bodies(&read), sent(&[plain, empty]));
    assert_eq!(read[0].partition_key, "ke\"y 가");
    assert_eq!(read[1].partition_key, "");
}

/// The same batch again, and one that overlaps, bring nothing twice and lose nothing.
pub async fn what_is_there_already_is_dropped(at: &Bench) {
    at.topic("twice", 1).await;
    let batch = outs("twice", &["a", "b"], 1..=10);
    at.publish("twice", 1, batch[..6].to_vec()).await.expect("the first time");
    at.publish("twice", 1, batch[..6].to_vec()).await.expect("a duplicate is taken and dropped");
    at.publish("twice", 2, batch[2..].to_vec()).await.expect("an overlap");
    at.publish("twice", 2, batch[..3].to_vec()).await.expect("a late duplicate");
    assert_eq!(bodies(&at.all("twice", 0).await), sent(&batch));
}

/// A refused batch leaves nothing that the corrected one would land behind.
pub async fn a_batch_sent_again_after_an_error_keeps_its_order(at: &Bench) {
    at.topic("again", 1).await;
    let batch = outs("again", &["a"], 1..=5);
    let mut broken = batch.clone();
    broken[3].topic = "again-not-there".to_owned();
    at.publish("again", 1, broken).await.expect_err("one message names no topic");
    at.publish("again", 1, batch.clone()).await.expect("the whole batch again");
    assert_eq!(bodies(&at.all("again", 0).await), sent(&batch));
}

/// Position alone does not make a duplicate.
pub async fn facts_of_one_event_are_told_apart_by_ordinal(at: &Bench) {
    at.topic("ordinal", 1).await;
    let numbered = |position, ordinal| Out { ordinal, ..out("ordinal", "a", position, &format!("{ordinal}")) };
    let batch = vec![numbered(7, 0), numbered(7, 1), numbered(7, 2), numbered(8, 0)];
    at.publish("ordinal", 1, batch[..2].to_vec()).await.expect("half an event");
    at.publish("ordinal", 1, batch.clone()).await.expect("all of it");
    assert_eq!(bodies(&at.all("ordinal", 0).await), sent(&batch));
}

/// Two services count for themselves.
pub async fn duplicates_are_judged_per_service(at: &Bench) {
    at.topic("shared", 1).await;
    let (one, two) = (out("shared", "one", 5, ""), out("shared", "two", 3, ""));
    at.publish("shared-one", 1, vec![one.clone()]).await.expect("position 5 of one");
    at.publish("shared-two", 1, vec![two.clone()]).await.expect("position 3 of the other");
    assert_eq!(bodies(&at.all("shared", 0).await), sent(&[one, two]));
}

/// Whatever is interleaved, each producer's order stays and everything arrives once.
pub async fn producers_at_the_same_time_lose_nothing(at: &Bench) {
    const SERVICES: [&str; 4] = ["crowd-0", "crowd-1", "crowd-2", "crowd-3"];
    at.topic("crowd", 2).await;
    let produce = |service: &'static str| async move {
        for batch in outs("crowd", &[service], 1..=60).chunks(7) {
            at.publish(service, 1, batch.to_vec()).await.expect("a batch is taken");
        }
    };
    futures::future::join_all(SERVICES.map(produce)).await;
    for service in SERVICES {
        let read = at.all("crowd", partition_of(service, 2)).await;
        let mine: Vec<_> = read.into_iter().filter(|message| message.partition_key == service).collect();
        assert_eq!(bodies(&mine), sent(&outs("crowd", &[service], 1..=60)), "{service}");
    }
}

fn with_key(key: &str) -> Bytes {
    let json = format!(
        r#"{{"specversion":"1.0","id":"2","source":"bytes","type":"bytes.door-opened.v1","subject":"door/1","partitionkey":"{key}","sequence":1,"data":null}}"#
    );
    Bytes::from(json)
}
