//! How much the store adds to bare SQLite: acknowledged events per second through group commit with 256 callers,
//! beside the same rows inserted by a plain loop in batches of the same size.
//!
//! `cargo run --release -p bongsu-sqlite --example throughput [seconds]`
#![forbid(unsafe_code)]

use std::{
    error::Error,
    time::{Duration, Instant},
};

use bongsu_runtime::ports::store::{
    Commit, CommitId, DocBody, DocKey, DocWrite, Fact, Guard, NewEvent, Store, Verdict,
};
use bongsu_sqlite::{Options, SqliteStore};
use bytes::Bytes;
use futures::{executor::block_on, future::join_all};
use rusqlite::params;

/// Streams written in turn.
const STREAMS: u64 = 10_000;

/// What one round measured.
struct Figure {
    events: u64,
    took: Duration,
    groups: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let seconds: u64 = std::env::args().nth(1).map_or(Ok(3), |given| given.parse())?;
    let span = Duration::from_secs(seconds);
    println!("one event of 400 bytes per commit, {seconds} s each");
    for callers in [1, 32, 256] {
        let store = grouped(callers, span, event_only)?;
        let batch = (store.events / store.groups.max(1)).max(1);
        let bare = bare(batch, span)?;
        println!(
            "{callers:>4} callers: {:>7.0} events/s in groups of {batch}; bare batches of {batch}: {:>7.0}; ratio {:.2}",
            store.rate(),
            bare.rate(),
            store.rate() / bare.rate()
        );
        print_row(callers, &store, &bare, batch);
    }
    println!("a whole command per commit: event, fact, stored reply, two guards");
    for callers in [1, 32, 256] {
        let store = grouped(callers, span, whole_command)?;
        println!("{callers:>4} callers: {:>7.0} commands/s", store.rate());
    }
    Ok(())
}

/// What is promised of one caller and of many, as a row of the table that `make bench` makes.
fn print_row(callers: u64, store: &Figure, bare: &Figure, batch: u64) {
    let gate = match callers {
        1 => "≥ 0.8 × bare SQLite",
        256 => "≥ 0.9 × bare SQLite",
        _ => return,
    };
    let who = if callers == 1 { "one caller".to_owned() } else { format!("{callers} callers") };
    let [ours, theirs] = [store, bare].map(Figure::rate);
    let beside = format!("bare SQLite, batches of {batch}: {theirs:.0}/s: {:.2} ×", ours / theirs);
    println!("| store alone, one event per Commit, {who} | {gate} | {ours:.0}/s | {beside} |");
}

/// Callers that each wait for their answer before the next Commit.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn grouped(callers: u64, span: Duration, commit: fn(u64, u64) -> Commit) -> Result<Figure, Box<dyn Error>> {
    let folder = tempfile::tempdir_in(".")?;
    let store = SqliteStore::open(folder.path().join("store.db"), Options::default())?;
    let since = Instant::now();
    let lanes = (0..callers).map(|caller| {
        let store = &store;
        async move {
            let mut written = 0;
            while since.elapsed() < span {
                // Each caller walks its own streams, so that no guard ever fails.
                let number = caller + callers * (written % (STREAMS / callers));
                let version = written / (STREAMS / callers) + 1;
                assert_eq!(store.commit(commit(number, version)).await, Ok(Verdict::Done));
                written += 1;
            }
            written
        }
    });
    let events = block_on(join_all(lanes)).iter().sum();
    let took = since.elapsed();
    let groups = store.counters().groups;
    store.close();
    Ok(Figure { events, took, groups })
}

/// The same rows in the same tables, by one loop that does nothing else.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn bare(batch: u64, span: Duration) -> Result<Figure, Box<dyn Error>> {
    let folder = tempfile::tempdir_in(".")?;
    let file = folder.path().join("store.db");
    SqliteStore::open(&file, Options::default())?.close();
    let db = rusqlite::Connection::open(&file)?;
    db.pragma_update(None, "synchronous", "FULL")?;
    let mut events = 0;
    let mut groups = 0;
    let since = Instant::now();
    while since.elapsed() < span {
        db.execute_batch("BEGIN IMMEDIATE")?;
        for _ in 0..batch {
            let event = event(events % STREAMS, events / STREAMS + 1);
            let insert = "INSERT INTO event (stream, version, commit_id, name, schema, data, meta)
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let id = u128::from(events).to_be_bytes();
            let values =
                params![event.stream, event.version as i64, id, event.name, 1, &event.data[..], &event.meta[..]];
            db.prepare_cached(insert)?.execute(values)?;
            events += 1;
        }
        db.execute_batch("COMMIT")?;
        groups += 1;
    }
    Ok(Figure { events, took: since.elapsed(), groups })
}

fn event(number: u64, version: u64) -> NewEvent {
    NewEvent {
        stream: format!("counter/{number:032}"),
        version,
        name: "counter.counted",
        schema: 1,
        data: Bytes::from(vec![b'x'; 300]),
        meta: Bytes::from(vec![b'm'; 100]),
        facts: Vec::new(),
    }
}

fn event_only(number: u64, version: u64) -> Commit {
    let mut commit = Commit::new(CommitId(u128::from(number) << 64 | u128::from(version)));
    commit.events.push(event(number, version));
    commit
}

fn whole_command(number: u64, version: u64) -> Commit {
    let mut commit = event_only(number, version);
    let key = DocKey::new("once", format!("{number:032}{version:032}"));
    commit.guards.push(Guard::Doc(key.clone(), None));
    commit.guards.push(Guard::Doc(DocKey::new("leases", "commands"), None));
    let reply = DocBody { data: Bytes::from(vec![b'r'; 200]), index: Vec::new() };
    commit.docs.push(DocWrite { key, put: Some(reply) });
    let stream = commit.events[0].stream.clone();
    commit.events[0].facts.push(Fact {
        id: format!("{stream}@{version}"),
        topic: "counting".to_owned(),
        subject: stream.clone(),
        partition_key: stream,
        sequence: version,
        cloudevent: Bytes::from(vec![b'c'; 500]),
    });
    commit
}

impl Figure {
    fn rate(&self) -> f64 {
        self.events as f64 / self.took.as_secs_f64()
    }
}
