//! Carts in two instances of ordering on one store, over memory and SQLite, and how long it takes to load one.

use std::{sync::Arc, time::Duration};

use bongsu_core::{CommandId, Ctx, Wire, stream_of};
use bongsu_host::{HyperClient, TokioEnv};
use bongsu_memory::{MemoryBroker, MemoryStore};
use bongsu_runtime::{
    Adapters, Call, CommandError, Handle, Once, Outcome, Reply, Runtime, Settings,
    ports::{
        env::Env,
        store::{Commit, CommitId, NewEvent, Store, Verdict},
    },
};
use bongsu_sim::check;
use bongsu_sqlite::{Options, SqliteStore};
use futures::future::join_all;
use money::Money;
use ordering::{service, settings};
use ordering_domain::{
    add_item::AddItem,
    cart::{CART_SCHEMA, Carts},
    cart_events::{CartCreated, CartEvent, ItemAdded, QuantityChanged},
    check_out::CheckOut,
    events::Method,
    order::Orders,
    place_order::WantedLine,
    price_list::Offer,
};
use system_tests::{evidence::Dump, harness::wait};

const EVERY: u64 = 10;

fn start(store: Arc<dyn Store>, env: &Arc<dyn Env>, broker: &MemoryBroker, slot: &str) -> Runtime {
    let http = Arc::new(HyperClient::new());
    let adapters = Adapters { store, broker: Arc::new(broker.clone()), env: env.clone(), http };
    let map = service(&settings::Settings { snapshot_every: EVERY, ..settings::Settings::default() });
    Runtime::start(map, adapters, Settings { slot: slot.into(), ..Settings::default() })
}

fn env() -> Arc<dyn Env> {
    Arc::new(TokioEnv::new(None).expect("no crash point"))
}

fn offer() -> Offer {
    Offer { name: "pen".into(), price: Money::krw(1_000), past: Vec::new(), retired: false }
}

/// The status it is answered with; 503 when it was overtaken too often.
async fn ask<C: Wire>(handle: &Handle, key: &str, command: C) -> u16 {
    let ctx = Ctx::new(handle.env().wall_ms(), CommandId::from_parts(&[key]), "ann");
    let call = Call { ctx, once: Some(Once { key: key.into(), body: "same".into() }) };
    match handle.execute_any(&command, &call, &reply).await {
        Ok(answer) => answer.reply.status,
        Err(CommandError::Conflict) => 503,
        Err(error) => panic!("{key}: {error}"),
    }
}

fn reply(outcome: &Outcome<'_>) -> Reply {
    let status = if matches!(outcome, Outcome::Accepted { .. }) { 200 } else { 409 };
    Reply { status, headers: Vec::new(), body: bytes::Bytes::new() }
}

async fn pieces(handle: &Handle) -> u32 {
    handle.load::<Carts>("ann").await.expect("it loads").0.pieces(&"PEN".into()).unwrap_or(0)
}

/// Both fill one cart at once, then both check it out: every accepted pen counts once, and there is one order.
async fn two_decide_at_once(one: Runtime, two: Runtime, store: Arc<dyn Store>) {
    let handles = [one.handle(), two.handle()];
    let asked = (0..60).map(|number| {
        let add = AddItem { customer: "ann".into(), sku: "PEN".into(), quantity: 1, offer: Some(offer()) };
        let handle = &handles[number % 2];
        async move { ask(handle, &format!("add {number}"), add).await }
    });
    let accepted = join_all(asked).await.iter().filter(|status| **status == 200).count() as u32;
    assert!(accepted >= 30, "{accepted}");
    assert_eq!((pieces(&handles[0]).await, pieces(&handles[1]).await), (accepted, accepted));
    let line = WantedLine { sku: "PEN".into(), quantity: accepted, seen_minor: None, offer: Some(offer()) };
    let out = CheckOut {
        customer: "ann".into(),
        lines: vec![line],
        address: "Seoul".into(),
        method: Method::Card,
        seen: None,
    };
    let asked = (0..8).map(|number| {
        let (handle, out) = (&handles[number % 2], out.clone());
        async move { ask(handle, &format!("check out {number}"), out).await }
    });
    assert_eq!(join_all(asked).await.iter().filter(|status| **status == 200).count(), 1);
    let reading = snapshot_behind(&handles[1]).await;
    assert!(reading < 2 * EVERY, "{reading} events are folded");
    let dump = Dump::of(&*store).await.expect("it can be read");
    assert_eq!((dump.states_of::<Orders>().len(), pieces(&handles[0]).await), (1, 0));
    let snapshots: Vec<_> = dump.table("snapshot").cloned().collect();
    assert!(check::snapshots_are_sound::<Carts>(&dump.events, &snapshots, CART_SCHEMA).expect("I11") > 0);
}

/// How many events are folded after the snapshot, which is written in the background: once that is done, or after 5 s.
async fn snapshot_behind(handle: &Handle) -> u64 {
    const LOOKS: u32 = 500;
    let mut folded = u64::MAX;
    for _ in 0..LOOKS {
        folded = handle.operator().reading("cart/ann").await.expect("it can be read").folded;
        if folded < 2 * EVERY {
            break;
        }
        handle.env().sleep(Duration::from_millis(10)).await;
    }
    folded
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_instances_decide_on_one_cart_at_once_in_memory() {
    let (env, store) = (env(), MemoryStore::new());
    let broker = MemoryBroker::new(env.clone());
    let instance = |slot| start(Arc::new(store.clone()), &env, &broker, slot);
    two_decide_at_once(instance("ordering-1"), instance("ordering-2"), Arc::new(store.clone())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_instances_decide_on_one_cart_at_once_on_one_file() {
    let (env, folder) = (env(), tempfile::tempdir().expect("a folder"));
    let broker = MemoryBroker::new(env.clone());
    let open = || -> Arc<dyn Store> { Arc::new(open(folder.path())) };
    two_decide_at_once(start(open(), &env, &broker, "ordering-1"), start(open(), &env, &broker, "ordering-2"), open())
        .await;
}

fn open(folder: &std::path::Path) -> SqliteStore {
    SqliteStore::open(folder.join("ordering.db"), Options::default()).expect("a file can be opened")
}

/// Events of a customer who cannot decide, written as the runtime writes them.
async fn write_a_long_life(store: &dyn Store, customer: &str, events: u64) {
    let stream = stream_of("cart", customer);
    let meta = serde_json::json!({ "id": "e", "time": "2026-01-01T00:00:00.000Z", "actor": customer, "correlation": "c", "causation": "c" });
    let all: Vec<u64> = (1..=events).collect();
    for part in all.chunks(1_000) {
        let mut commit = Commit::new(CommitId(u128::from(part[0]) << 64 | u128::from(events)));
        for version in part {
            let event = happened(*version);
            let (name, schema) = event.name();
            let (data, meta) = (event.encode().into(), meta.to_string().into());
            let (stream, version) = (stream.clone(), *version);
            commit.events.push(NewEvent { stream, version, name, schema, data, meta, facts: vec![] });
        }
        assert_eq!(store.commit(commit).await, Ok(Verdict::Done));
    }
}

fn happened(version: u64) -> CartEvent {
    let (sku, quantity, at_ms) = (format!("SKU-{}", version % 5).into(), (version % 7 + 1) as u32, version as i64);
    match version {
        1 => CartCreated { cart: "crt_1".into(), at_ms, guest: None }.into(),
        2..=6 => ItemAdded { sku, quantity, at_ms }.into(),
        _ => QuantityChanged { sku, quantity, at_ms }.into(),
    }
}

/// The median of many loads of each, in microseconds. They take turns: how fast a thread wakes another changes with
/// time.
async fn load_us(handle: &Handle, customers: [&str; 3]) -> [f64; 3] {
    let mut times: [Vec<f64>; 3] = Default::default();
    for _ in 0..1_000 {
        for (customer, times) in customers.iter().zip(&mut times) {
            let start = wait::now();
            handle.load::<Carts>(customer).await.expect("it loads");
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures: run it alone, with `make bench`"]
async fn loading_a_cart_of_many_events_takes_no_longer_than_twice_a_short_one() {
    const LONG: u64 = 100_000;
    let (env, folder) = (env(), tempfile::tempdir().expect("a folder"));
    let broker = MemoryBroker::new(env.clone());
    let store: Arc<dyn Store> = Arc::new(open(folder.path()));
    write_a_long_life(&*store, "short", 10).await;
    write_a_long_life(&*store, "long", LONG).await;
    let map = service(&settings::Settings { snapshot_every: 0, ..settings::Settings::default() });
    let http = Arc::new(HyperClient::new());
    let adapters = Adapters { store: store.clone(), broker: Arc::new(broker), env, http };
    let runtime = Runtime::start(map, adapters, Settings::default());
    let handle = runtime.handle();
    let begun = wait::now();
    assert_eq!(handle.load::<Carts>("long").await.expect("it loads").1, LONG);
    println!("a cart of {LONG} events without a snapshot: {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
    while !handle.operator().snapshot().await.expect("snapshots are taken").done {}
    assert_eq!(handle.operator().reading("cart/long").await.expect("it reads").folded, 0);
    write_a_long_life(&*store, "new", 10).await;
    let [short, snapped, long] = load_us(&handle, ["new", "short", "long"]).await;
    println!(
        "a cart of 10 events: {short:.0} µs, with a snapshot {snapped:.0} µs; of {LONG} events with a snapshot: {long:.0} µs (medians of 1000, in turns)"
    );
    assert!(long <= 2.0 * short, "{long} > 2 × {short}");
    tokio::time::timeout(Duration::from_secs(5), runtime.stop()).await.expect("it stops");
}
