//! A new VERSION of a read model rolled out beside the old one, as processes on one SQLite file, while guests come: killed
//! while it fills, killed when it is ready, stopped, and at last left alone with the work.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use bongsu::{
    EmbeddedBroker,
    host::TokioEnv,
    open_broker,
    ports::{
        env::Env,
        store::{Position, Read, Scan, Store as _},
    },
};
use bongsu_sqlite::{Options, SqliteStore};
use futures::executor::block_on;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::process::{Address, Door, Got, PATIENCE, example};

/// Guests who come one after the other in each thread.
const GUESTS: u64 = 4;
const THREADS: u64 = 3;
/// Visits of each before the new version is first started.
const HISTORY: u64 = 100;

/// What a guest was told: how many visits, and the position of the last.
type Acknowledged = BTreeMap<String, (u64, String)>;

/// A file, a broker that outlives every process, and what guests know.
struct Fixture {
    folder: TempDir,
    broker: EmbeddedBroker,
    tokio: tokio::runtime::Runtime,
    told: Mutex<Acknowledged>,
    keys: AtomicU64,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let tokio = tokio::runtime::Runtime::new().unwrap();
        let env: Arc<dyn Env> = Arc::new(tokio.block_on(async { TokioEnv::new(None) }).unwrap());
        let url = format!("embedded:{}", folder.path().join("broker.db").display());
        let (_, broker) = tokio.block_on(open_broker(&url, &env, None)).unwrap();
        Self { folder, broker: broker.unwrap(), tokio, told: Mutex::default(), keys: AtomicU64::new(0) }
    }

    /// Starts a build and waits until it listens.
    fn start(&self, version: u32) -> Door {
        let mut visits = example("visits", self.folder.path());
        let broker = format!("http://{}", self.broker.addr());
        let (slot, version) = (format!("slot=visits-{version}"), format!("service.version={version}"));
        visits.args(["--broker", &broker, "--set", &slot, "--set", &version]);
        Door::listening(visits)
    }

    fn told(&self) -> MutexGuard<'_, Acknowledged> {
        self.told.lock().unwrap()
    }

    /// One visit, asked under one key until it is answered.
    fn visit(&self, at: Address, guest: &str) {
        let key = self.keys.fetch_add(1, Relaxed).to_string();
        let got = answered("a visit", || at.post(&format!("/guests/{guest}"), &key), 202);
        let position = got["position"].as_str().unwrap().to_owned();
        self.told().insert(guest.to_owned(), (got["visits"].as_u64().unwrap(), position));
    }

    /// Every guest's row, in a process that is ready: all that guests were told before it was asked, nothing twice.
    fn shows_all(&self, at: Address, row: fn(u64) -> Value) {
        for (guest, (told, position)) in self.told().clone() {
            let shown = answered("a row", || at.get(&format!("/guests/{guest}?after={position}")), 200);
            let count = shown[0].as_u64().unwrap_or_default();
            assert!(count >= told, "{guest} was told of {told} visits and is shown {shown}");
            assert_eq!(shown, row(count), "{guest}");
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("data/visits.db")
    }

    /// Waits until guests have come so often more, and were shown it.
    fn until_more(&self, visits: u64) {
        let count = || self.told().values().map(|(told, _)| told).sum::<u64>();
        let wanted = count() + visits;
        until("guests go on", || (count() >= wanted).then_some(()));
    }
}

/// The row of the first version after so many visits.
fn old_row(visits: u64) -> Value {
    json!([visits])
}

/// The row of the second: with the sum of 1, 2, 3…
fn new_row(visits: u64) -> Value {
    json!([visits, visits * (visits + 1) / 2])
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let rounds = PATIENCE.as_millis() / 5;
    for _ in 0..rounds {
        if let Some(found) = look() {
            return found;
        }
        thread::park_timeout(Duration::from_millis(5));
    }
    panic!("never happened: {what}");
}

/// Asks until the answer is the one wanted; in between only "not now" is one.
fn answered(what: &str, ask: impl Fn() -> Option<Got>, wanted: u16) -> Value {
    until(what, || {
        let got = ask()?;
        assert!([wanted, 503].contains(&got.status), "{what}: {} {}", got.status, got.body);
        (got.status == wanted).then(|| serde_json::from_str(&got.body).unwrap())
    })
}

fn is_ready(at: Address) -> bool {
    at.get("/health/ready").is_some_and(|got| got.status == 200)
}

fn guest(thread: u64, number: u64) -> String {
    format!("guest-{thread}-{}", number % GUESTS)
}

#[test]
fn a_new_version_comes_dies_comes_back_goes_and_takes_over_and_nobody_is_shown_less() {
    let fixture = Fixture::new();
    let mut old = fixture.start(1);
    old.until_ready();
    let at = old.address();
    let everybody = |visits: &(dyn Fn(u64) + Sync)| {
        thread::scope(|scope| (0..THREADS).for_each(|thread| drop(scope.spawn(move || visits(thread)))));
    };
    everybody(&|thread| (0..GUESTS * HISTORY).for_each(|number| fixture.visit(at, &guest(thread, number))));
    fixture.shows_all(old.address(), old_row);

    let end = AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = Ends(&end);
        for thread in 0..THREADS {
            let (fixture, old, end) = (&fixture, old.address(), &end);
            scope.spawn(move || live(fixture, old, thread, end));
        }
        killed_while_it_fills(&fixture);
        killed_and_back(&fixture);
        stopped(&fixture);
    });

    // The roll-out ends: the new one alone. Then all the way back.
    let mut new = fixture.start(2);
    new.until_ready();
    let at = new.address();
    old.signal(Signal::SIGTERM);
    assert_eq!(old.ended().code(), Some(0));
    everybody(&|thread| (0..GUESTS * 5).for_each(|number| fixture.visit(at, &guest(thread, number))));
    fixture.shows_all(new.address(), new_row);
    let mut old = fixture.start(1);
    old.until_ready();
    fixture.shows_all(old.address(), old_row);
    new.signal(Signal::SIGKILL);
    new.ended();
    let at = old.address();
    everybody(&|thread| (0..GUESTS).for_each(|number| fixture.visit(at, &guest(thread, number))));
    fixture.shows_all(old.address(), old_row);
    let mut new = fixture.start(2);
    new.until_ready();
    fixture.shows_all(new.address(), new_row);
    compare_with_a_fold(&fixture, vec![old, new]);
    fixture.tokio.block_on(fixture.broker.stop());
}

/// Ends the guests when what happens meanwhile is over, also when that is a failed assertion.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Guests who come to the old process and look at once what it shows: exactly all their visits.
fn live(fixture: &Fixture, old: Address, thread: u64, end: &AtomicBool) {
    for number in 0.. {
        if end.load(Relaxed) {
            return;
        }
        let guest = guest(thread, number);
        fixture.visit(old, &guest);
        let (visits, position) = fixture.told()[&guest].clone();
        let shown = answered("the old row", || old.get(&format!("/guests/{guest}?after={position}")), 200);
        assert_eq!(shown, old_row(visits), "{guest}");
        thread::park_timeout(Duration::from_millis(10));
    }
}

/// What the new one answers before it is ready is whole or "not now"; it dies with part of its rows written.
fn killed_while_it_fills(fixture: &Fixture) {
    let new = fixture.start(2);
    let (name, (told, position)) = fixture.told().first_key_value().map(|(k, v)| (k.clone(), v.clone())).unwrap();
    until("it has begun to fill", || {
        if is_ready(new.address()) {
            return Some(());
        }
        let got = new.get(&format!("/guests/{name}?after={position}"))?;
        if got.status == 200 {
            let shown: Value = serde_json::from_str(&got.body).unwrap();
            let count = shown[0].as_u64().unwrap();
            assert!(count >= told && shown == new_row(count), "{name} was told of {told}, is shown {shown}");
        }
        let some = new.get(&format!("/guests/{name}"))?;
        (some.status == 200 && some.body != "null").then_some(())
    });
    new.signal(Signal::SIGKILL);
    new.ended();
    fixture.until_more(30);
}

fn killed_and_back(fixture: &Fixture) {
    let mut new = fixture.start(2);
    new.until_ready();
    for _ in 0..10 {
        fixture.shows_all(new.address(), new_row);
    }
    new.signal(Signal::SIGKILL);
    new.ended();
    fixture.until_more(50);
}

fn stopped(fixture: &Fixture) {
    let mut new = fixture.start(2);
    new.until_ready();
    for _ in 0..10 {
        fixture.shows_all(new.address(), new_row);
    }
    new.signal(Signal::SIGTERM);
    assert_eq!(new.ended().code(), Some(0));
    fixture.until_more(50);
}

/// In the file: every guest was thanked once per visit, and both tables are what a fold of all events gives.
fn compare_with_a_fold(fixture: &Fixture, running: Vec<Door>) {
    let store = SqliteStore::open(fixture.file(), Options::default()).unwrap();
    let (mut visits, mut thanks) = (BTreeMap::new(), BTreeMap::new());
    until("every visit is thanked for", || {
        (visits, thanks) = count(&store);
        (visits == thanks).then_some(())
    });
    for process in running {
        process.signal(Signal::SIGTERM);
        assert_eq!(process.ended().code(), Some(0));
    }
    assert_eq!(count(&store), (visits.clone(), thanks), "nobody is thanked once more");
    let told: BTreeMap<String, u64> = fixture.told().iter().map(|(name, (told, _))| (name.clone(), *told)).collect();
    assert_eq!(visits, told, "what guests were told is what happened");
    for (table, row) in [("visits@1.1", old_row as fn(u64) -> Value), ("visits@2.1", new_row)] {
        let rows = block_on(store.scan(Scan::table(table, 1_000))).unwrap().into_iter();
        let rows = rows.map(|(_, doc)| (doc.key.id.to_string(), serde_json::from_slice(&doc.data).unwrap()));
        let folded = visits.iter().map(|(name, visits)| (name.clone(), row(*visits)));
        assert_eq!(rows.collect::<BTreeMap<String, Value>>(), folded.collect(), "{table}");
    }
    store.close();
}

/// Visits and thanks by guest, from all events.
fn count(store: &SqliteStore) -> (BTreeMap<String, u64>, BTreeMap<String, u64>) {
    let (mut visits, mut thanks, mut after) = (BTreeMap::new(), BTreeMap::new(), Position(0));
    loop {
        let page = block_on(store.read(Read::Feed { after }, 1_000)).unwrap();
        for event in &page {
            match event.stream.split_once('/') {
                Some(("guest", guest)) => *visits.entry(guest.to_owned()).or_default() += 1,
                Some(("host", guest)) => *thanks.entry(guest.to_owned()).or_default() += 1,
                _ => {}
            }
        }
        let Some(last) = page.last() else { return (visits, thanks) };
        after = last.position.unwrap();
    }
}
