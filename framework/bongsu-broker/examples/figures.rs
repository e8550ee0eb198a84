//! Messages per second in batches of 500, and the time from publish to receive, on this machine.
//!
//! `cargo run --release -p bongsu-broker --example figures [folder]`; the folder decides which disk's fsync is
//! measured.

use std::{path::PathBuf, time::Duration};

use bongsu_broker::{
    BrokerClient,
    server::{Config, Server},
};
use bongsu_runtime::ports::broker::{Broker as _, Out, Partition, Producer, Topic};
use bytes::Bytes;
use tokio::time::Instant;

const MESSAGES: u64 = 300_000;
const BATCH: u64 = 500;
const PRODUCERS: [&str; 4] = ["north", "south", "east", "west"];
const PINGS: u64 = 500;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let folder = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let data = folder.join(format!("figures-{}.db", std::process::id()));
    let server = Server::open(Config::new(([127, 0, 0, 1], 0).into(), &data)).await.expect("a broker starts");
    let client = BrokerClient::new(&format!("http://{}", server.address())).expect("its URL");
    tokio::select! {
        biased;
        ended = server.run(std::future::pending()) => panic!("the broker ended: {ended:?}"),
        () = measure(&client) => {}
    }
    for ending in ["", "-wal", "-shm", ".lock"] {
        // A file that is not there needs no cleaning up.
        let _ = std::fs::remove_file(format!("{}{ending}", data.display()));
    }
}

async fn measure(client: &BrokerClient) {
    for (name, partitions) in [("one", 8), ("many", 8), ("ping", 1)] {
        client
            .ensure(Topic { name: name.into(), partitions, retention_ms: None, retention_bytes: None })
            .await
            .expect("a topic");
    }
    let began = Instant::now();
    produce(client, "one", "alone", MESSAGES / 4).await;
    println!("1 producer,  batches of {BATCH}: {:>7.0} messages/s", rate(MESSAGES / 4, began));
    let began = Instant::now();
    let all = PRODUCERS.map(|service| produce(client, "many", service, MESSAGES / 4));
    let [a, b, c, d] = all;
    tokio::join!(a, b, c, d);
    println!("4 producers, batches of {BATCH}: {:>7.0} messages/s", rate(MESSAGES, began));
    let began = Instant::now();
    let read = consume(client, "many").await;
    println!("1 consumer of 8 partitions:  {:>7.0} messages/s", rate(read, began));
    let mut times = ping(client).await;
    times.sort_unstable();
    let at = |share: usize| times[times.len() * share / 100].as_micros();
    println!("publish to receive, one at a time: p50 {} µs, p99 {} µs", at(50), at(99));
}

async fn produce(client: &BrokerClient, topic: &str, service: &str, count: u64) {
    for first in (1..=count).step_by(BATCH as usize) {
        let batch = (first..first + BATCH).map(|position| out(topic, service, position)).collect();
        client.publish(Producer::new(service, 1), batch).await.expect("a batch is taken");
    }
}

async fn consume(client: &BrokerClient, topic: &str) -> u64 {
    let end = client.bounds(topic).await.expect("bounds");
    let total: u64 = end.partitions.iter().map(|(_, _, end)| end).sum();
    let mut want: Vec<(Partition, u64)> = end.partitions.into_iter().map(|(partition, ..)| (partition, 0)).collect();
    let mut read = 0;
    while read < total {
        let batch = client.fetch(want.clone(), 1 << 20, Duration::ZERO).await.expect("a batch");
        for (partition, messages) in batch.messages {
            read += messages.len() as u64;
            if let Some(place) = want.iter_mut().find(|(wanted, _)| *wanted == partition) {
                place.1 += messages.len() as u64;
            }
        }
    }
    read
}

async fn ping(client: &BrokerClient) -> Vec<Duration> {
    let mut times = Vec::new();
    for position in 1..=PINGS {
        let want = vec![(Partition { topic: "ping".into(), index: 0 }, position - 1)];
        let fetch = client.fetch(want, 10_000, Duration::from_secs(5));
        let publish = async {
            // Lets the fetch arrive first, as it does where facts are rarer than fetches.
            tokio::time::sleep(Duration::from_millis(2)).await;
            let began = Instant::now();
            let batch = vec![out("ping", "ping", position)];
            client.publish(Producer::new("ping", 1), batch).await.expect("a message is taken");
            began
        };
        let fetched = async { (fetch.await.expect("a batch"), Instant::now()) };
        let ((batch, received), began) = tokio::join!(fetched, publish);
        assert_eq!(batch.messages.len(), 1, "the fetch was woken by the message");
        times.push(received.saturating_duration_since(began));
    }
    times
}

/// About the size of a real fact.
fn out(topic: &str, service: &str, position: u64) -> Out {
    let key = format!("{service}-{}", position % 1_000);
    let cloudevent = format!(
        r#"{{"specversion":"1.0","id":"{service}-{position}","source":"{topic}","type":"{topic}.counter-raised.v1","subject":"counter/{key}","time":"2026-01-01T00:00:00.000Z","datacontenttype":"application/json","dataschema":"/contracts/counter-raised.v1.json","sequence":{position},"partitionkey":"{key}","correlationid":"{service}","causationid":"{service}-0","data":{{"by":1,"why":"a counter is raised by one"}}}}"#
    );
    Out {
        topic: topic.into(),
        partition_key: key,
        position,
        ordinal: 0,
        commit: None,
        cloudevent: Bytes::from(cloudevent),
    }
}

fn rate(messages: u64, since: Instant) -> f64 {
    messages as f64 / since.elapsed().as_secs_f64()
}
