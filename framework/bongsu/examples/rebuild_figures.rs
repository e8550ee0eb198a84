//! How fast a read model is rebuilt from a SQLite file, beside the raw read and decode of the same file.
//!
//! `taskset -c 0 cargo run -p bongsu --example rebuild_figures [EVENTS]` measures on one core.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bongsu_core::{Messages, Metadata, Projection, Wire, digest, message};
use bongsu_host::{HyperClient, TokioEnv};
use bongsu_memory::MemoryBroker;
use bongsu_runtime::{
    Adapters, Ended, Envelope, Purpose, Runtime, Service, Settings,
    ports::{
        env::Env,
        store::{Commit, CommitId, DocBody, DocKey, DocWrite, Fact, NewEvent, Position, Store},
    },
};
use bongsu_sqlite::{Options, SqliteStore};
use serde::{Deserialize, Serialize};

/// Steps of one ticket, the first included.
const STEPS: u64 = 10;
/// Tickets under way at the same time.
const AT_ONCE: u64 = 200;

#[message("desk.opened", version = 1)]
struct Opened {
    ticket: String,
    by: String,
    about: Vec<String>,
    at_ms: i64,
}

#[message("desk.moved", version = 1)]
struct Moved {
    ticket: String,
    to: u64,
}

#[derive(Clone, Debug, PartialEq, Messages)]
enum TicketFact {
    Opened(Opened),
    Moved(Moved),
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Row {
    by: String,
    about: Vec<String>,
    at_ms: i64,
    step: u64,
}

struct Board;

impl Projection for Board {
    const NAME: &'static str = "board";
    const VERSION: u32 = 1;
    type Event = TicketFact;
    type Row = Row;

    fn keys(event: &TicketFact) -> Vec<String> {
        match event {
            TicketFact::Opened(Opened { ticket, .. }) | TicketFact::Moved(Moved { ticket, .. }) => vec![ticket.clone()],
        }
    }

    fn fold(_: &str, row: Option<Row>, event: &TicketFact, _: &Metadata) -> Option<Row> {
        let row = row.unwrap_or_default();
        Some(match event {
            TicketFact::Opened(e) => Row { by: e.by.clone(), about: e.about.clone(), at_ms: e.at_ms, ..row },
            TicketFact::Moved(e) => Row { step: e.to, ..row },
        })
    }

    fn index(key: &str, row: &Row) -> Vec<(u16, Vec<u8>)> {
        vec![(0, [row.by.as_bytes(), &[0], &row.at_ms.to_be_bytes(), key.as_bytes()].concat())]
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let wanted: u64 = std::env::args().nth(1).map_or(Ok(300_000), |events| events.parse())?;
    let folder = tempfile::tempdir()?;
    let store = Arc::new(SqliteStore::open(folder.path().join("desk.db"), Options::default())?);
    let events = write(&store, wanted).await?;
    println!("{events} events, {STEPS} a stream, {AT_ONCE} streams at once");
    let raw = read(&store).await?;
    println!("raw read and decode: {raw}");
    let rebuilt = rebuild(store).await?;
    println!("rebuild: {rebuilt}; {:.2} times the processor time", rebuilt.cpu / raw.cpu);
    Ok(())
}

/// Fills the store as a service does, in large Commits.
async fn write(store: &SqliteStore, wanted: u64) -> anyhow::Result<u64> {
    let mut number = 0;
    let mut commit = Commit::new(CommitId(1));
    for wave in 0..wanted / (AT_ONCE * STEPS) {
        for step in 1..=STEPS {
            for ticket in 0..AT_ONCE {
                number += 1;
                commit.events.push(event(&format!("{:06}", wave * AT_ONCE + ticket), step)?);
                if commit.events.len() == 500 {
                    let next = Commit::new(CommitId(u128::from(number) + 1));
                    store.commit(std::mem::replace(&mut commit, next)).await?;
                }
            }
        }
    }
    // Nothing is left to publish: only the rebuild is measured.
    let data = serde_json::to_vec(&serde_json::json!({ "position": number }))?;
    let put = Some(DocBody { data: data.into(), index: Vec::new() });
    commit.docs.push(DocWrite { key: DocKey::new("cursor", "relay"), put });
    store.commit(commit).await?;
    Ok(number)
}

fn event(ticket: &str, step: u64) -> anyhow::Result<NewEvent> {
    let id = format!("{:032x}", digest(&[ticket, &step.to_string()]));
    let stream = format!("ticket/{ticket}");
    let told = if step == 1 {
        let about = vec!["the door of the east wing".to_owned(), "does not close".to_owned()];
        TicketFact::from(Opened { ticket: ticket.to_owned(), by: format!("tenant {}", &ticket[4..]), about, at_ms: 1 })
    } else {
        TicketFact::from(Moved { ticket: ticket.to_owned(), to: step })
    };
    let (name, schema) = told.name();
    let data = bytes::Bytes::from(told.encode());
    let cloudevent = serde_json::json!({
        "specversion": "1.0", "id": id, "source": "desk", "type": format!("{name}.v{schema}"), "subject": stream,
        "time": "2026-01-01T00:00:00.000Z", "datacontenttype": "application/json",
        "dataschema": "/contracts/opened.v1.json", "sequence": step, "partitionkey": ticket,
        "correlationid": id, "causationid": id, "data": serde_json::from_slice::<serde_json::Value>(&data)?,
    });
    let fact = Fact {
        id: id.clone(),
        topic: "desk".to_owned(),
        subject: stream.clone(),
        partition_key: ticket.to_owned(),
        sequence: step,
        cloudevent: serde_json::to_vec(&cloudevent)?.into(),
    };
    let meta =
        serde_json::json!({ "id": id, "time": "2026-01-01T00:00:00.000Z", "actor": "tenant", "correlation": id });
    let meta = serde_json::to_vec(&meta)?.into();
    let facts = vec![fact];
    Ok(NewEvent { stream, version: step, name, schema, data, meta, facts })
}

/// Events read and their facts decoded per second, and nothing done with them.
async fn read(store: &SqliteStore) -> anyhow::Result<Took> {
    let start = Start::now()?;
    let mut after = Position(0);
    let mut count = 0_u64;
    let mut steps = 0;
    loop {
        let told = store.facts(after, 1_000).await?;
        let Some(last) = told.last() else { break };
        after = last.position;
        for told in &told {
            for fact in &told.facts {
                let envelope = Envelope::parse(&fact.cloudevent)?;
                let Some((name, schema)) = envelope.name() else { continue };
                if let Some(TicketFact::Moved(moved)) =
                    TicketFact::decode(name, schema, envelope.data.get().as_bytes())?
                {
                    steps += moved.to;
                }
            }
            count += 1;
        }
    }
    anyhow::ensure!(steps > 0, "something was decoded");
    Ok(start.took(count))
}

/// Events folded per second, from the request to the swap.
async fn rebuild(store: Arc<SqliteStore>) -> anyhow::Result<Took> {
    let env: Arc<dyn Env> = Arc::new(TokioEnv::new(None)?);
    let broker = Arc::new(MemoryBroker::new(Arc::clone(&env)));
    let adapters = Adapters { store, broker, env: Arc::clone(&env), http: Arc::new(HyperClient::new()) };
    let service = Service::new("desk").projection::<Board>();
    let runtime = Runtime::start(service, adapters, Settings::default());
    let handle = runtime.handle();
    while !handle.status().ready {
        env.sleep(Duration::from_millis(20)).await;
    }
    let start = Start::now()?;
    handle.operator().rebuild("board", Purpose::Rebuild).await?;
    loop {
        env.sleep(Duration::from_millis(50)).await;
        if let Some(Ended::Shown { events, .. }) = handle.operator().read_models().await?.pop().and_then(|one| one.last)
        {
            return Ok(start.took(events));
        }
    }
}

/// When something began, by the clock and by the processor.
struct Start {
    at: Instant,
    cpu: f64,
}

/// How long so many events took, in seconds.
struct Took {
    events: u64,
    wall: f64,
    cpu: f64,
}

impl Start {
    #[expect(clippy::disallowed_methods, reason = "a figure is measured in real time")]
    fn now() -> anyhow::Result<Self> {
        Ok(Self { at: Instant::now(), cpu: cpu()? })
    }

    fn took(&self, events: u64) -> Took {
        let cpu = cpu().map_or(0.0, |cpu| cpu - self.cpu);
        Took { events, wall: self.at.elapsed().as_secs_f64(), cpu }
    }
}

impl std::fmt::Display for Took {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let events = self.events as f64;
        write!(f, "{:.0} events/s, {:.0} per second of processor time", events / self.wall, events / self.cpu)
    }
}

/// Processor time of this process with all its threads, in seconds (`/proc/self/stat`, ticks of 10 ms).
fn cpu() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / 100.0)
}
