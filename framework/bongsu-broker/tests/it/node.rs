//! The clients in Node.js against a real broker process; whatever is killed, every fact counts once.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use bongsu_broker::BrokerClient;
use bongsu_keys::{BROKER, Keys, Roots};
use bongsu_runtime::ports::broker::{Broker as _, Out, Producer, Topic};
use serde_json::Value;
use tokio::{
    process::{Child, Command},
    time,
};

use crate::{
    bench::{PATIENCE, Running, topic},
    kill,
};

/// Facts of one run, three subjects in turn.
const FACTS: u64 = 1_500;
/// How far things go between two kills.
const KILLS: u64 = 4;

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/node").join(name)
}

fn node(name: &str, args: &[&str]) -> Child {
    let mut command = Command::new("node");
    command.arg(script(name)).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().expect("Node.js 18 or later is installed")
}

/// What a client says in the end.
async fn ended(child: Child) -> (String, String) {
    let output = time::timeout(PATIENCE * 3, child.wait_with_output()).await.expect("it ends").expect("it ran");
    let text = |bytes| String::from_utf8(bytes).expect("it speaks UTF-8");
    let (said, complaint) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{said}\n{complaint}");
    (said, complaint)
}

async fn messages(client: &BrokerClient) -> u64 {
    let bounds = client.bounds("gate").await;
    bounds.map_or(0, |bounds| bounds.partitions.iter().map(|(_, _, end)| end).sum())
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let reached = async {
        while !done().await {
            time::sleep(time::Duration::from_millis(2)).await;
        }
    };
    time::timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("in vain: {what}"));
}

/// Every subject was counted to its end, without a gap or a repetition.
fn check(counted: &str, facts: u64) {
    let counted: Value = serde_json::from_str(counted).expect("the consumer prints its data");
    for subject in 0..3 {
        let one = &counted[format!("counter/{subject}")];
        let expected = (facts - subject).div_ceil(3);
        assert_eq!((one["count"].as_u64(), one["last"].as_u64()), (Some(expected), Some(expected)), "{counted}");
        assert_eq!(one["gaps"], 0, "{counted}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_producer_and_a_killed_broker_repeat_nothing_and_lose_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("broker.db");
    let (mut broker, address) = kill::start(&data, "127.0.0.1:0").await;
    let url = format!("http://{address}");
    let client = BrokerClient::new(&url).expect("its URL");
    let outbox = folder.path().join("outbox.jsonl").display().to_string();
    let facts = FACTS.to_string();
    let args = [url.as_str(), "gate", &outbox, &facts];
    for round in 1..=KILLS {
        let mut producer = node("producer.mjs", &args);
        until("the producer gets on", async || messages(&client).await >= round * FACTS / (KILLS + 2)).await;
        producer.kill().await.expect("it is killed");
        broker.kill().await.expect("it is killed");
        (broker, _) = kill::start(&data, &address).await;
    }
    let (said, _) = ended(node("producer.mjs", &args)).await;
    assert_eq!((said.trim(), messages(&client).await), (facts.as_str(), FACTS), "each once");
    let counted = folder.path().join("counted.json").display().to_string();
    check(&ended(node("consumer.mjs", &[&url, "gate", &counted, &facts])).await.0, FACTS);
    broker.kill().await.expect("it is killed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_consumer_counts_every_fact_once_whatever_is_repeated() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("broker.db");
    let (mut broker, address) = kill::start(&data, "127.0.0.1:0").await;
    let url = format!("http://{address}");
    let client = BrokerClient::new(&url).expect("its URL");
    client.ensure(topic("gate", 4)).await.expect("a topic");
    let counted = folder.path().join("counted.json");
    let args = [url.as_str(), "gate", counted.to_str().expect("a path"), &FACTS.to_string()];
    let seen = || {
        std::fs::read_to_string(&counted).map_or(0, |text| {
            let state: Value = serde_json::from_str(&text).expect("the file is whole at every moment");
            state["data"].as_object().map_or(0, |data| data.values().filter_map(|one| one["count"].as_u64()).sum())
        })
    };
    let step = FACTS / (KILLS + 1);
    for round in 1..=KILLS {
        let mut consumer = node("consumer.mjs", &args);
        let positions = (round - 1) * step + 1..=round * step;
        client.publish(from(0), positions.map(fact).collect()).await.expect("facts");
        // Everything so far at new offsets.
        client.publish(from(round), (1..=round * step).map(fact).collect()).await.expect("repetitions");
        until("the consumer gets on", async || seen() >= round * step / 2).await;
        consumer.kill().await.expect("it is killed");
        broker.kill().await.expect("it is killed");
        (broker, _) = kill::start(&data, &address).await;
    }
    client.publish(from(0), (KILLS * step + 1..=FACTS).map(fact).collect()).await.expect("the rest");
    check(&ended(node("consumer.mjs", &args)).await.0, FACTS);
    broker.kill().await.expect("it is killed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_whose_history_was_cut_says_so_and_goes_on_with_the_refill() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut broker, address) = kill::start(&folder.path().join("broker.db"), "127.0.0.1:0").await;
    let url = format!("http://{address}");
    let client = BrokerClient::new(&url).expect("its URL");
    client.ensure(Topic { retention_bytes: Some(1), ..topic("gate", 1) }).await.expect("a topic that keeps one fact");
    client.publish(from(0), (1..=300).map(fact).collect()).await.expect("facts");
    let cut = async || client.bounds("gate").await.is_ok_and(|bounds| bounds.partitions[0].1 == 299);
    until("retention cuts", cut).await;
    let counted = folder.path().join("counted.json").display().to_string();
    let consumer = node("consumer.mjs", &[&url, "gate", &counted, "330"]);
    client.ensure(Topic { retention_bytes: Some(1 << 30), ..topic("gate", 1) }).await.expect("keep all from now");
    // Live ones that must wait for the older ones, the refill as an owner publishes it, and live ones after it.
    client.publish(from(0), (301..=310).map(fact).collect()).await.expect("facts");
    let marked = |kind: &str, position| {
        let mut out = fact(position);
        let event = format!(
            r#"{{"specversion":"1.0","id":"mark-{position}","source":"gate","type":"bongsu.refill-{kind}.v1","subject":"refill/7","partitionkey":"k","sequence":1,"data":{{}}}}"#
        );
        (out.partition_key, out.cloudevent) = ("k".into(), event.into());
        out
    };
    let facts = (1..=310).map(|position| Out { position: position + 1, ..fact(position) });
    let refill = std::iter::once(marked("began", 1)).chain(facts).chain([marked("ended", 312)]);
    client.publish(from(7), refill.collect()).await.expect("a refill");
    client.publish(from(0), (311..=330).map(fact).collect()).await.expect("facts");
    let (said, complaint) = ended(consumer).await;
    check(&said, 330);
    let expected = "facts of gate are missing in the broker; have them published again: bongsu republish gate\n";
    assert_eq!(complaint, expected, "one line");
    broker.kill().await.expect("it is killed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clients_say_who_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let roots = Roots::open_or_make(folder.path()).expect("a secret");
    let keys = |name: &str| {
        let file = folder.path().join(format!("{name}.json"));
        roots.write_keys(&file, name).expect("it can be written");
        file
    };
    let broker = Keys::open(&keys(BROKER)).expect("keys");
    let running = Running::with_keys(&folder.path().join("broker.db"), broker).await;
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (outbox, counted) = (file("outbox.jsonl"), file("counted.json"));
    let with = |name: &str, args: &[&str], environment: (&str, String)| {
        let mut command = Command::new("node");
        command.arg(script(name)).args(args).env(environment.0, environment.1);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().expect("Node.js is installed")
    };
    let publish = [running.url.as_str(), "gate", &outbox, "30"];
    let forger = with("producer.mjs", &publish, ("BONGSU_KEYS", keys("door").display().to_string()));
    let output = time::timeout(PATIENCE, forger.wait_with_output()).await.expect("it ends").expect("it ran");
    assert!(String::from_utf8_lossy(&output.stderr).contains("this is door"), "{output:?}");
    let owner = with("producer.mjs", &publish, ("BONGSU_KEYS", keys("gate").display().to_string()));
    assert_eq!(ended(owner).await.0.trim(), "30");
    let read = [running.url.as_str(), "gate", &counted, "30"];
    let reader = with("consumer.mjs", &read, ("BONGSU_BROKER_KEY", roots.key("door", BROKER).bearer()));
    check(&ended(reader).await.0, 30);
    running.stop().await.expect("it ends well");
}

fn from(refill: u64) -> Producer<'static> {
    Producer { refill, ..Producer::new("gate", 1) }
}

/// The fact at a position: counters 0, 1 and 2 in turn.
fn fact(position: u64) -> Out {
    let (subject, sequence) = ((position - 1) % 3, (position - 1) / 3 + 1);
    let event = format!(
        r#"{{"specversion":"1.0","id":"{position}","source":"gate","type":"gate.counter-raised.v1","subject":"counter/{subject}","partitionkey":"{subject}","sequence":{sequence},"data":{{"by":1}}}}"#
    );
    Out {
        topic: "gate".into(),
        partition_key: subject.to_string(),
        position,
        ordinal: 0,
        commit: None,
        cloudevent: event.into(),
    }
}
