//! `kill -9` of a real broker process under load.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bongsu_broker::{BrokerClient, server};
use bongsu_runtime::ports::broker::{Attributes, Broker as _, In, LogId, Out, Partition, Producer};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    task::JoinSet,
    time,
};

use crate::bench::{PATIENCE, config, out, partition, topic};

const DATA: &str = "BONGSU_TEST_BROKER_DATA";
const LISTEN: &str = "BONGSU_TEST_BROKER_LISTEN";
const ANNOUNCED: &str = "listening on ";

const SERVICES: [&str; 4] = ["north", "south", "east", "west"];
const PARTITIONS: u32 = 3;
const KILLS: u64 = 8;
const ACKNOWLEDGED_BETWEEN_KILLS: u64 = 3_000;

/// The broker process of the test below, which starts this very binary again.
#[tokio::test]
#[ignore = "it is the child process of a test"]
async fn a_broker_process() {
    let data = std::env::var_os(DATA).expect("the test says where the file is");
    let listen = std::env::var_os(LISTEN).and_then(|text| text.to_str()?.parse().ok()).expect("and the address");
    let config = server::Config { listen, ..config(Path::new(&data)) };
    let announce = |address| println!("{ANNOUNCED}{address}");
    server::run(config, announce, std::future::pending()).await.expect("it runs until it is killed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_messages_survive_kill_9_without_gap_or_duplicate() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("broker.db");
    let (mut child, address) = start(&data, "127.0.0.1:0").await;
    let client = BrokerClient::new(&format!("http://{address}")).expect("its URL");
    client.ensure(topic("gate", PARTITIONS)).await.expect("a topic");
    let log = client.bounds("gate").await.expect("bounds").log;

    let acknowledged = Arc::new(SERVICES.map(|_| AtomicU64::new(0)));
    let finish = Arc::new(AtomicBool::new(false));
    let mut producers = JoinSet::new();
    for at in 0..SERVICES.len() {
        producers.spawn(produce(at, client.clone(), Arc::clone(&acknowledged), Arc::clone(&finish)));
    }
    let mut followers = JoinSet::new();
    followers.spawn(follow(client.clone(), log, Arc::clone(&finish)));

    let total = || acknowledged.iter().map(|at| at.load(Ordering::SeqCst)).sum::<u64>();
    for _ in 0..KILLS {
        let goal = total() + ACKNOWLEDGED_BETWEEN_KILLS;
        let reached = async {
            while total() < goal {
                time::sleep(time::Duration::from_millis(1)).await;
            }
        };
        time::timeout(PATIENCE, reached).await.expect("producers get on after each kill");
        child.kill().await.expect("it is killed");
        (child, _) = start(&data, &address).await;
    }
    finish.store(true, Ordering::SeqCst);
    while let Some(ended) = producers.join_next().await {
        ended.expect("a producer ends well");
    }
    let followed = followers.join_next().await.expect("there is one").expect("a follower ends well");

    let kept = read_all(&client, log).await;
    check(&kept, &acknowledged.each_ref().map(|at| at.load(Ordering::SeqCst)));
    for (partition, read) in followed {
        assert_eq!(read, kept[&partition][..read.len()], "what was read once stays, {partition:?}");
    }
    child.kill().await.expect("it is killed");
}

/// Publishes batches of 1 to 40 messages, each again and again until it is acknowledged.
async fn produce(at: usize, client: BrokerClient, acknowledged: Arc<[AtomicU64; 4]>, finish: Arc<AtomicBool>) {
    let service = SERVICES[at];
    let mut next = 1;
    while !finish.load(Ordering::SeqCst) {
        let count = 1 + next * 7 % 40;
        let batch: Vec<Out> =
            (next..next + count).map(|n| out("gate", &format!("{service}-{}", n % 5), n, service)).collect();
        let taken = async {
            while client.publish(Producer::new(service, 1), batch.clone()).await.is_err() {
                time::sleep(time::Duration::from_millis(5)).await;
            }
        };
        time::timeout(PATIENCE, taken).await.expect("a batch is taken at last");
        next += count;
        acknowledged[at].store(next - 1, Ordering::SeqCst);
    }
}

/// Reads on across all kills.
async fn follow(client: BrokerClient, log: LogId, finish: Arc<AtomicBool>) -> BTreeMap<Partition, Vec<In>> {
    let mut read: BTreeMap<Partition, Vec<In>> =
        (0..PARTITIONS).map(|index| (partition("gate", index), Vec::new())).collect();
    while !finish.load(Ordering::SeqCst) {
        let want = read.iter().map(|(partition, read)| (partition.clone(), read.len() as u64)).collect();
        let Ok(batch) = client.fetch(want, 50_000, time::Duration::from_millis(200)).await else {
            time::sleep(time::Duration::from_millis(5)).await;
            continue;
        };
        assert_eq!(batch.log, log, "one history over all kills");
        for (partition, messages) in batch.messages {
            read.get_mut(&partition).expect("only wanted partitions come").extend(messages);
        }
    }
    assert!(read.values().all(|read| !read.is_empty()), "the follower saw something");
    read
}

async fn read_all(client: &BrokerClient, log: LogId) -> BTreeMap<Partition, Vec<In>> {
    let bounds = client.bounds("gate").await.expect("bounds");
    assert_eq!(bounds.log, log);
    let mut kept = BTreeMap::new();
    for (partition, earliest, end) in bounds.partitions {
        assert_eq!(earliest, 0);
        let mut read: Vec<In> = Vec::new();
        while (read.len() as u64) < end {
            let want = vec![(partition.clone(), read.len() as u64)];
            let batch = client.fetch(want, 1 << 20, time::Duration::ZERO).await.expect("a batch");
            read.extend(batch.messages.into_iter().flat_map(|(_, messages)| messages));
        }
        assert!(read.iter().map(|message| message.offset).eq(0..end), "{partition:?} has no gap");
        kept.insert(partition, read);
    }
    kept
}

/// Each service's messages are 1, 2, 3… once each, each key in order, and include all that was acknowledged.
fn check(kept: &BTreeMap<Partition, Vec<In>>, acknowledged: &[u64; 4]) {
    for (service, acknowledged) in SERVICES.iter().zip(acknowledged) {
        let mut positions = Vec::new();
        let mut last_of_key = BTreeMap::new();
        for message in kept.values().flatten().filter(|message| message.partition_key.starts_with(service)) {
            let read = Attributes::read(&message.cloudevent).expect("a CloudEvent");
            let position: u64 = read.id.parse().expect("ids are positions");
            let before = last_of_key.insert(message.partition_key.clone(), position);
            assert!(before < Some(position), "{} is in order", message.partition_key);
            positions.push(position);
        }
        positions.sort_unstable();
        assert!(positions.iter().copied().eq(1..=positions.len() as u64), "{service}: no gap, no duplicate");
        assert!(positions.len() as u64 >= *acknowledged, "{service}: {} of {acknowledged}", positions.len());
        assert!(*acknowledged > KILLS * 100, "{service} was under load");
    }
}

pub(crate) async fn start(data: &Path, listen: &str) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "kill::a_broker_process", "--ignored", "--nocapture"])
        .env(DATA, data)
        .env(LISTEN, listen)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a process starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let announced = async {
        while let Some(line) = lines.next_line().await.expect("text") {
            if let Some((_, address)) = line.split_once(ANNOUNCED) {
                return address.to_owned();
            }
        }
        panic!("the broker process ended early");
    };
    let address = time::timeout(PATIENCE, announced).await.expect("it starts in time");
    (child, address)
}
