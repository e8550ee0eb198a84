//! `kill -9` at any moment: what was acknowledged is there, and every Commit is there whole or not at all.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::Child,
    sync::mpsc::{self, Receiver},
    thread,
};

use bongsu_runtime::ports::store::{Guard, Position, Store, Verdict};
use bongsu_sqlite::SqliteStore;
use futures::{executor::block_on, future::join_all};

use crate::bench::{Home, PATIENCE, argument, event, feed, get, open_at, put, stream, this_binary};

const LANES: usize = 8;

/// A process that writes, and what it says was acknowledged.
struct Writer {
    process: Child,
    says: Receiver<(String, u64)>,
}

impl Writer {
    fn start(home: &Home) -> Self {
        let mut process = this_binary("kill::write_for_ever", &home.file()).spawn().unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        let (say, says) = mpsc::channel();
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let Some((stream, version)) = line.strip_prefix("acknowledged ").and_then(|line| line.split_once('@'))
                else {
                    continue;
                };
                if say.send((stream.to_owned(), version.parse().unwrap())).is_err() {
                    return;
                }
            }
        });
        Self { process, says }
    }

    fn acknowledged(&self, heard: &mut BTreeMap<String, u64>) {
        let (stream, version) = self.says.recv_timeout(PATIENCE).expect("the writer goes on");
        let highest = heard.entry(stream).or_default();
        *highest = version.max(*highest);
    }

    fn kill(mut self, heard: &mut BTreeMap<String, u64>) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        // What it said before it died counts as well.
        while let Ok((stream, version)) = self.says.recv() {
            let highest = heard.entry(stream).or_default();
            *highest = version.max(*highest);
        }
    }
}

fn check(store: &SqliteStore, heard: &BTreeMap<String, u64>) {
    for (name, acknowledged) in heard {
        let versions: Vec<u64> = stream(store, name).iter().map(|event| event.version).collect();
        let head = versions.len() as u64;
        assert!(head >= *acknowledged, "{name}: {acknowledged} was acknowledged, {head} are there");
        assert_eq!(versions, (1..=head).collect::<Vec<_>>());
        let doc = get(store, name).unwrap().unwrap();
        assert_eq!(doc.data, head.to_string(), "{name}: event and document are one Commit");
    }
    let all = feed(store);
    assert!(all.iter().map(|event| event.position).eq((1..=all.len() as u64).map(|at| Some(Position(at)))));
}

#[test]
fn whatever_was_acknowledged_survives_kill_9() {
    let home = Home::new();
    let mut heard = BTreeMap::new();
    for round in 1..=6 {
        let writer = Writer::start(&home);
        for _ in 0..200 * round {
            writer.acknowledged(&mut heard);
        }
        writer.kill(&mut heard);
        let store = home.open();
        check(&store, &heard);
        store.close();
    }
    assert_eq!(heard.len(), LANES);
}

#[test]
fn an_instance_goes_on_when_another_is_killed() {
    let home = Home::new();
    let mut heard = BTreeMap::new();
    let survivor = Writer::start(&home);
    for _ in 0..5 {
        let victim = Writer::start(&home);
        for _ in 0..100 {
            victim.acknowledged(&mut heard);
        }
        victim.kill(&mut heard);
        for _ in 0..300 {
            survivor.acknowledged(&mut heard);
        }
    }
    survivor.kill(&mut heard);
    check(&home.open(), &heard);
}

#[test]
#[ignore = "the process the tests above start and kill"]
fn write_for_ever() {
    let store = open_at(&argument());
    // Streams are shared with whoever else writes: a guard decides, the loser reads again.
    block_on(join_all((0..LANES).map(|lane| {
        let store = &store;
        async move {
            let name = format!("counter/{lane}");
            let mut version = stream_version(store, &name).await;
            loop {
                let mut commit = put(u128::from(version) + 1, &name, (version + 1).to_string());
                commit.guards.push(Guard::Head(name.clone(), version));
                commit.events.push(event(&name, version + 1));
                match store.commit(commit).await.unwrap() {
                    Verdict::Done => {
                        version += 1;
                        println!("acknowledged {name}@{version}");
                    }
                    Verdict::Refused(_) => version = stream_version(store, &name).await,
                }
            }
        }
    })));
}

async fn stream_version(store: &SqliteStore, name: &str) -> u64 {
    let read = bongsu_runtime::ports::store::Read::Stream { stream: name.to_owned(), after: 0 };
    store.read(read, u32::MAX).await.unwrap().len() as u64
}
