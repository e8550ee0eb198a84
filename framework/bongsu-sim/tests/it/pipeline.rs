//! A small relay of two services under all faults at once: a bank opens accounts, a register lists them.
//!
//! It is written by hand on the bare ports, and the rules must hold for it under every seed; with a planted bug
//! some seed must find it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bongsu_memory::{MemoryBroker, MemoryStore};
use bongsu_runtime::ports::{
    broker::{Attributes, Broker, In, Out, Partition, Producer, Topic},
    env::Env,
    store::{
        Commit, CommitId, Doc, DocBody, DocKey, DocWrite, Fact, Guard, Mismatch, NewEvent, Position, Store, StoreError,
        Verdict,
    },
};
use bongsu_sim::{self as sim, Failure, Moment, Node, Outcome, Plan, Sim, SimEnv, Stats, check};
use bytes::Bytes;

const BANK: &str = "bank";
const PARTITIONS: u32 = 2;
const ACCOUNTS: u64 = 25;

struct Bank {
    env: Arc<SimEnv>,
    store: Arc<dyn Store>,
    broker: Arc<dyn Broker>,
}

struct Register {
    env: Arc<SimEnv>,
    store: Arc<dyn Store>,
    broker: Arc<dyn Broker>,
}

fn fact(account: u64) -> Fact {
    let subject = format!("account/{account}");
    let id = format!("opened-{account}");
    let cloudevent = super::cloudevent(BANK, &id, &subject, &subject, 1);
    Fact { id, topic: BANK.into(), partition_key: subject.clone(), subject, sequence: 1, cloudevent }
}

fn out(fact: Fact, position: u64) -> Out {
    let Fact { topic, partition_key, cloudevent, .. } = fact;
    Out { topic, partition_key, position, ordinal: 0, commit: None, cloudevent }
}

fn topic() -> Topic {
    Topic { name: BANK.into(), partitions: PARTITIONS, retention_ms: None, retention_bytes: None }
}

impl Bank {
    /// Opens an account once, however often it is asked and whatever the store answers.
    async fn open(self: Arc<Self>, account: u64) {
        let fact = fact(account);
        if self.env.bug("tells-first") {
            let early = Producer::new("early", 0);
            let _any = self.broker.publish(early, vec![out(fact.clone(), account + 1)]).await;
        }
        let stream = fact.subject.clone();
        let event = NewEvent {
            stream,
            version: 1,
            name: "account-opened",
            schema: 1,
            data: Bytes::new(),
            meta: Bytes::new(),
            facts: vec![fact],
        };
        let mut commit = Commit::new(CommitId(u128::from(account) + 1));
        commit.events.push(event);
        while let Err(StoreError::Unavailable(_) | StoreError::Unknown(_)) = self.store.commit(commit.clone()).await {
            self.env.sleep(Duration::from_millis(50)).await;
        }
    }

    /// Publishes what is committed, in commit order, from the first fact on in every life.
    async fn relay(self: Arc<Self>) {
        while self.broker.ensure(topic()).await.is_err() {
            self.env.sleep(Duration::from_millis(50)).await;
        }
        let from = Producer::new(BANK, u64::from(self.env.incarnation()));
        let mut after = Position(0);
        loop {
            let Ok(told) = self.store.facts(after, 7).await else {
                self.env.sleep(Duration::from_millis(50)).await;
                continue;
            };
            let Some(last) = told.last().map(|told| told.position) else {
                self.store.changed(after).await;
                continue;
            };
            let batch =
                told.into_iter().flat_map(|told| told.facts.into_iter().map(move |fact| out(fact, told.position.0)));
            if self.broker.publish(from, batch.collect()).await.is_ok() {
                after = last;
            } else {
                self.env.sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

impl Register {
    async fn read(self: Arc<Self>, index: u32) {
        let partition = Partition { topic: BANK.into(), index };
        let cursor = DocKey::new("cursors", index.to_string());
        loop {
            let Ok(found) = self.store.docs(vec![cursor.clone()]).await else {
                self.env.sleep(Duration::from_millis(50)).await;
                continue;
            };
            let at = found.into_iter().next().flatten();
            let want = vec![(partition.clone(), offset(at.as_ref()))];
            let Ok(batch) = self.broker.fetch(want, 1 << 16, Duration::from_secs(1)).await else {
                self.env.sleep(Duration::from_millis(50)).await;
                continue;
            };
            let mut revision = at.map(|doc| doc.revision);
            for message in batch.messages.into_iter().flat_map(|(_, messages)| messages) {
                match self.enter(&cursor, revision, &message).await {
                    Some(written) => revision = Some(written),
                    None => break,
                }
            }
        }
    }

    /// Lists one account and moves the cursor past it, together; `None`: look again where things stand.
    async fn enter(&self, cursor: &DocKey, revision: Option<CommitId>, message: &In) -> Option<CommitId> {
        let told: serde_json::Value = serde_json::from_slice(&message.cloudevent).ok()?;
        let account = DocKey::new("accounts", told["id"].as_str()?);
        let known = self.store.docs(vec![account.clone()]).await.ok()?.remove(0);
        let moved = DocWrite { key: cursor.clone(), put: Some(body(message.offset + 1)) };
        let partition = cursor.id.parse::<u128>().ok()?;
        let mut commit = Commit::new(CommitId((partition + 1) << 64 | u128::from(message.offset + 1)));
        commit.guards.push(Guard::Doc(cursor.clone(), revision));
        commit.docs.push(moved);
        let times = known.as_ref().map_or(0, |doc| offset(Some(doc)));
        let repeats = self.env.bug("no-inbox") && known.is_some();
        let entered = DocWrite { key: account.clone(), put: Some(body(times + 1)) };
        if self.env.bug("moves-first") {
            let written = self.commit(commit.clone()).await?;
            if known.is_none() {
                let effect = Commit { id: CommitId(commit.id.0 | 1 << 120), docs: vec![entered], ..commit.clone() };
                self.commit(Commit { guards: Vec::new(), ..effect }).await?;
            }
            return Some(written);
        }
        if known.is_none() || repeats {
            commit.guards.push(Guard::Doc(account, known.map(|doc| doc.revision)));
            commit.docs.push(entered);
        }
        self.commit(commit).await
    }

    async fn commit(&self, commit: Commit) -> Option<CommitId> {
        let id = commit.id;
        match self.store.commit(commit).await {
            Ok(Verdict::Done) => Some(id),
            // An earlier attempt of the same Commit got through.
            Ok(Verdict::Refused(found)) if found.iter().any(|found| wrote(found, id)) => Some(id),
            _ => None,
        }
    }
}

fn wrote(found: &Mismatch, id: CommitId) -> bool {
    matches!(found, Mismatch::Doc(_, Some(doc)) if doc.revision == id)
}

fn body(number: u64) -> DocBody {
    DocBody { data: number.to_string().into(), index: Vec::new() }
}

fn offset(doc: Option<&Doc>) -> u64 {
    let text = doc.and_then(|doc| std::str::from_utf8(&doc.data).ok());
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// What outlives every crash.
struct World {
    bank: MemoryStore,
    register: MemoryStore,
    broker: MemoryBroker,
}

fn boot(sim: &Sim) -> (Node<Bank>, World) {
    let world = World {
        bank: MemoryStore::with_env(sim.env()),
        register: MemoryStore::with_env(sim.env()),
        broker: MemoryBroker::new(sim.env()),
    };
    let (store, broker) = (sim.store(BANK, world.bank.clone()), sim.broker("broker", world.broker.clone()));
    let bus = broker.clone();
    let bank = sim.node(BANK, move |env: Arc<SimEnv>| {
        let bank = |env: &Arc<SimEnv>| Bank { env: env.clone(), store: store.client(env), broker: bus.client(env) };
        env.run("relay", Arc::new(bank(&env)).relay());
        let serves = bank(&env);
        async move { serves }
    });
    let store = sim.store("register", world.register.clone());
    sim.node("register", move |env: Arc<SimEnv>| {
        let register = Register { env: env.clone(), store: store.client(&env), broker: broker.client(&env) };
        let register = Arc::new(register);
        (0..PARTITIONS).for_each(|index| env.run("lane", register.clone().read(index)));
        async {}
    });
    (bank, world)
}

/// Clients open accounts and repeat themselves until they are answered; then all faults end, and the rules are
/// looked at.
async fn scenario(sim: Sim) -> Result<(), Failure> {
    let (bank, World { bank: accounts, register, broker }) = boot(&sim);
    sim.watch("I2 published is committed", check::published_is_committed(accounts.clone(), BANK));
    let (list, log) = (register.clone(), broker.clone());
    sim.watch("I5 offsets are safe at every Commit", move |moment| match moment {
        Moment::Committed { store: "register", .. } => offsets_are_safe(&list, &log),
        _ => Ok(0),
    });
    for account in 0..ACCOUNTS {
        let (bank, client, mut dice) = (bank.clone(), sim.clone(), sim.dice(&account.to_string()));
        sim.spawn("client", async move {
            client.sleep(Duration::from_millis(dice.below(20_000))).await;
            let open = || bank.ask("open", move |bank| Bank::open(bank, account));
            while !matches!(client.timeout(Duration::from_secs(2), open()).await, Some(Ok(()))) {
                client.sleep(Duration::from_millis(200)).await;
            }
        });
    }
    sim.sleep(Duration::from_secs(30)).await;
    sim.heal();
    let listed = register.clone();
    let missing = || {
        let listed = listed.docs_of("accounts").len() as u64;
        (listed < ACCOUNTS).then(|| format!("{listed} of {ACCOUNTS} accounts are listed")).into_iter().collect()
    };
    sim.quiesce(Duration::from_secs(60), missing).await?;
    // What is still on its way (a late duplicate) arrives, and must change nothing.
    sim.sleep(Duration::from_secs(5)).await;

    sim.check("I2 atomic publish", check::atomic_publish(&accounts, &broker, BANK))?;
    sim.check("I3 order in the store", check::order_in_store(&accounts))?;
    sim.check("I3 order in the topic", check::order_in_partitions(&accounts, &broker, BANK))?;
    let effects = register.docs_of("accounts").into_iter();
    let effects = effects.flat_map(|doc| vec![doc.key.id.to_string(); offset(Some(&doc)) as usize]);
    sim.check("I4 listed once", check::exactly_once((0..ACCOUNTS).map(|account| fact(account).id), effects))?;
    sim.check("I5 offsets are safe", offsets_are_safe(&register, &broker))
}

fn offsets_are_safe(register: &MemoryStore, broker: &MemoryBroker) -> check::Checked {
    let cursors = register.docs_of("cursors").into_iter().map(|doc| {
        let index = doc.key.id.parse().expect("cursors are named by their partition");
        ("register".to_owned(), Partition { topic: BANK.into(), index }, offset(Some(&doc)))
    });
    let listed: BTreeSet<String> = register.docs_of("accounts").into_iter().map(|doc| doc.key.id.into()).collect();
    let settled = |_: &str, _: &Partition, message: &In| {
        Attributes::read(&message.cloudevent).is_ok_and(|told| listed.contains(&*told.id))
    };
    check::offsets_are_safe(cursors, broker, settled)
}

/// Which faults happened, whatever the place.
fn kinds(stats: &Stats) -> BTreeSet<&'static str> {
    stats.fired.keys().map(|(kind, _)| *kind).collect()
}

#[test]
fn the_rules_hold_under_every_seed_and_each_kind_of_fault_happens() {
    let stats = sim::search(0..150, Plan::swarm, scenario).unwrap_or_else(|failed| panic!("{failed}"));
    let all =
        ["ack lost", "clock", "crash", "duplicate", "lag", "late", "lost", "outage", "partial", "pause", "refused"];
    assert_eq!(kinds(&stats), BTreeSet::from(all));
    assert_eq!((stats.runs, stats.looked.len()), (150, 7), "{stats}");
}

#[test]
fn the_rules_hold_in_a_storm() {
    let stats = sim::search(0..30, |_| Plan::storm(), scenario).unwrap_or_else(|failed| panic!("{failed}"));
    assert_eq!(kinds(&stats).len(), 11, "{stats}");
}

#[test]
fn a_whole_system_repeats_itself_under_its_seed() {
    let hash = |seed| {
        let outcome = sim::run(seed, Plan::storm(), scenario);
        (outcome.hash, outcome.stats.polls, outcome.stats.time, outcome.stats.fired, outcome.trace)
    };
    let first = hash(1);
    assert!(first.1 > 1_000);
    assert_eq!(hash(1), first);
    assert_ne!(hash(2).0, first.0);
    let traced = sim::run(1, Plan { trace: 50, trace_all: true, ..Plan::storm() }, scenario);
    assert_eq!(traced.hash, first.0, "what is kept of the trace does not change it");
}

#[test]
fn killing_any_node_at_any_step_loses_nothing() {
    let stats = sim::sweep(1, &Plan::calm(), scenario).unwrap_or_else(|failed| panic!("{failed}"));
    let kills = stats.fired[&("crash", "node")];
    // The last time a node passes a step is often after the healing, and then it lives.
    assert!(kills > 40 && kills < stats.runs, "{stats}");
}

/// The run in which some seed finds a planted bug.
fn found(bug: &str) -> Outcome<()> {
    let plan = |seed| Plan::swarm(seed).bug(bug);
    *sim::search(0..200, plan, scenario).err().unwrap_or_else(|| panic!("no seed found {bug}"))
}

#[test]
fn a_fact_published_before_its_commit_is_found() {
    let failed = found("tells-first").to_string();
    assert!(failed.contains("rule broken: I2 published is committed"), "{failed}");
}

#[test]
fn a_cursor_moved_before_the_effect_is_found() {
    let failed = found("moves-first").to_string();
    assert!(failed.contains("rule broken: I5 offsets are safe at every Commit"), "{failed}");
}

#[test]
fn a_duplicate_that_counts_twice_is_found_and_its_plan_simplified() {
    let failed = found("no-inbox");
    assert!(failed.to_string().contains("rule broken: I4 listed once"), "{failed}");
    let (seed, before) = (failed.seed, failed.plan.to_string());
    let simple = sim::simplify(failed, scenario);
    assert!(simple.result.is_err() && simple.seed == seed, "{simple}");
    let after = simple.plan.to_string();
    // Duplicates alone are enough, be they the broker's or those of a relay that repeats itself.
    assert!(after.len() < before.len() && !after.contains("pause"), "{before}\n{after}");
}
