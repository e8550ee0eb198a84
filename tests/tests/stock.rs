//! The stock of one sku that a million events made: what a reading and a command after a refusal take, beside one of ten.

use std::{path::Path, sync::Arc, time::Duration};

use bongsu_core::{CommandId, Ctx};
use bongsu_host::{HyperClient, TokioEnv};
use bongsu_memory::{MemoryBroker, long};
use bongsu_runtime::{Adapters, Call, Handle, Once, Outcome, Reply, Runtime, Settings, ports::env::Env};
use bongsu_sqlite::{Options, SqliteStore};
use product_domain::{
    events::{StockEvent, StockReceived},
    receive_stock::ReceiveStock,
    stock::Stock,
};
use system_tests::harness::wait;

const MILLION: u64 = 1_000_000;
const TIMES: u64 = 300;

fn env() -> Arc<dyn Env> {
    Arc::new(TokioEnv::new(None).expect("no crash point"))
}

fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder.join("product.db"), Options::default()).expect("a file can be opened")
}

fn start(folder: &Path, env: &Arc<dyn Env>, broker: &MemoryBroker) -> Runtime {
    let (broker, http) = (Arc::new(broker.clone()), Arc::new(HyperClient::new()));
    let adapters = Adapters { store: Arc::new(open(folder)), broker, env: env.clone(), http };
    Runtime::start(product::service(&Default::default()), adapters, Settings::default())
}

fn received() -> StockEvent {
    StockReceived { quantity: 1 }.into()
}

async fn grow(store: &SqliteStore, sku: &str, after: u64, by: u64) {
    let grown = long::grow::<Stock>(store, sku, after, (0..by).map(|_| received())).await;
    assert_eq!(grown, Ok(after + by));
}

async fn receive(handle: &Handle, sku: &str, number: u64) {
    let (key, receive) = (format!("{sku} {number}"), ReceiveStock { sku: sku.into(), quantity: 1 });
    let ctx = Ctx::new(handle.env().wall_ms(), CommandId::from_parts(&[&key]), "ann");
    let call = Call { ctx, once: Some(Once { key, body: "same".into() }) };
    let answer = handle.execute_any(&receive, &call, &reply).await.expect("it is answered");
    assert_eq!(answer.reply.status, 200);
}

fn reply(outcome: &Outcome<'_>) -> Reply {
    let status = if matches!(outcome, Outcome::Accepted { .. }) { 200 } else { 409 };
    Reply { status, headers: Vec::new(), body: bytes::Bytes::new() }
}

fn median_us(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}

/// Readings, and commands each of which is refused once because another instance wrote just before, in turns: the
/// medians of (reading, command).
async fn measure(handle: &Handle, other: &SqliteStore, versions: [(&str, u64); 2]) -> [(f64, f64); 2] {
    let mut times: [(Vec<Duration>, Vec<Duration>); 2] = Default::default();
    for number in 0..TIMES {
        for ((sku, version), (reads, commands)) in versions.iter().zip(&mut times) {
            let begun = wait::now();
            let (_, now) = handle.load::<Stock>(sku).await.expect("it loads");
            reads.push(begun.elapsed());
            assert_eq!(now, version + 2 * number);
            grow(other, sku, now, 1).await;
            let begun = wait::now();
            receive(handle, sku, number).await;
            commands.push(begun.elapsed());
        }
    }
    times.map(|(reads, commands)| (median_us(reads), median_us(commands)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures: run it alone, with `make bench`"]
async fn the_stock_of_a_million_events_is_read_and_changed_as_fast_as_that_of_ten() {
    let (env, folder) = (env(), tempfile::tempdir().expect("a folder"));
    let broker = MemoryBroker::new(env.clone());
    let other = open(folder.path());
    grow(&other, "few", 0, 10).await;
    grow(&other, "many", 0, MILLION).await;
    let runtime = start(folder.path(), &env, &broker);
    let begun = wait::now();
    assert_eq!(runtime.handle().load::<Stock>("many").await.expect("it loads").1, MILLION);
    println!("stock of {MILLION} events, folded once: {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
    let [few, many] = measure(&runtime.handle(), &other, [("few", 10), ("many", MILLION)]).await;
    println!(
        "stock of 10 events: read {:.0} µs, command after a refusal {:.0} µs; of {MILLION}: {:.0} µs and {:.0} µs (medians of {TIMES}, in turns)",
        few.0, few.1, many.0, many.1
    );
    assert!(many.0 <= 2.0 * few.0, "a reading");
    assert!(many.1 <= 2.0 * few.1, "a command after a refusal");
    // A commit per turn passes a multiple of 500 on the way, so there is a snapshot to begin with.
    tokio::time::timeout(Duration::from_secs(5), runtime.stop()).await.expect("it stops");
    let again = start(folder.path(), &env, &broker);
    let begun = wait::now();
    assert_eq!(again.handle().load::<Stock>("many").await.expect("it loads").1, MILLION + 2 * TIMES);
    println!("the same after a restart: {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    assert!(again.handle().operator().reading("stock/many").await.expect("it reads").folded <= 2 * TIMES);
    tokio::time::timeout(Duration::from_secs(5), again.stop()).await.expect("it stops");
}
