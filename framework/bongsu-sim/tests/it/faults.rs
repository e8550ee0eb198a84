//! The ports behind their faults, one at a time.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bongsu_memory::{MemoryBroker, MemoryStore};
use bongsu_runtime::ports::{
    broker::{BrokerError, Out, Partition, Producer, Topic},
    env::{Env, HttpRequest, HttpResponse},
    store::{Commit, CommitId, DocBody, DocKey, DocWrite, Guard, Store, StoreError, Verdict},
};
use bongsu_sim::{self as sim, Chance, Failure, Plan, Sim, SimAnswer, SimEnv, Span};
use futures::future::join_all;

const DOOR: &str = "doors";

fn write(id: u128, guards: Vec<Guard>) -> Commit {
    let put = DocWrite { key: DocKey::new(DOOR, "front"), put: Some(DocBody::default()) };
    Commit { id: CommitId(id), guards, events: Vec::new(), docs: vec![put] }
}

/// The n-th of a chain: guarded on what the one before it writes.
fn chained(n: u128) -> Commit {
    let before = (n > 1).then(|| CommitId(n - 1));
    write(n, vec![Guard::Doc(DocKey::new(DOOR, "front"), before)])
}

fn revision(store: &MemoryStore) -> Option<u128> {
    store.docs_of(DOOR).first().map(|doc| doc.revision.0)
}

/// Runs one store client under a plan.
fn with_store<F>(plan: Plan, seed: u64, scenario: impl FnOnce(Sim, MemoryStore, Arc<dyn Store>) -> F) -> sim::Stats
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let outcome = sim::run(seed, plan, |sim| {
        let memory = MemoryStore::with_env(sim.env());
        let client = sim.store("store", memory.clone()).client(&sim.env());
        scenario(sim, memory, client)
    });
    let stats = outcome.stats.clone();
    outcome.expect("the store keeps its promises");
    stats
}

#[test]
fn commits_are_applied_in_the_order_they_were_called_however_slow_they_are() {
    for seed in 0..50 {
        let mut plan = Plan::calm();
        plan.faults.store.slow = Chance::one_in(3);
        with_store(plan, seed, |_, memory, store| async move {
            let calls: Vec<_> = (1..=20).map(|n| store.commit(chained(n))).collect();
            // Polled backwards: the order of the calls counts, not that of the polls.
            let verdicts = join_all(calls.into_iter().rev()).await;
            assert!(verdicts.iter().all(|verdict| *verdict == Ok(Verdict::Done)), "{verdicts:?}");
            assert_eq!(revision(&memory), Some(20));
            Ok(())
        });
    }
}

#[test]
fn a_commit_counts_when_its_future_is_dropped_or_never_polled() {
    with_store(Plan::calm(), 1, |sim, memory, store| async move {
        drop(store.commit(chained(1)));
        let unpolled = store.commit(chained(2));
        sim.sleep(Duration::from_secs(1)).await;
        assert_eq!(revision(&memory), Some(2));
        assert_eq!(unpolled.await, Ok(Verdict::Done));
        Ok(())
    });
}

#[test]
fn a_lost_acknowledgement_is_unknown_and_applied_once() {
    let mut plan = Plan::calm();
    plan.faults.store.ack_lost = Chance::ALWAYS;
    let stats = with_store(plan, 2, |_, memory, store| async move {
        let verdict = store.commit(chained(1)).await;
        assert!(matches!(verdict, Err(StoreError::Unknown(_))), "{verdict:?}");
        assert_eq!(revision(&memory), Some(1));
        // Sent again it is judged like any other: its own guard refuses it.
        let _unknown = store.commit(chained(1)).await;
        let _unknown = store.commit(chained(2)).await;
        assert_eq!(revision(&memory), Some(2));
        Ok(())
    });
    assert_eq!(stats.fired[&("ack lost", "store")], 3);
}

#[test]
fn a_lost_commit_is_unknown_and_a_refused_one_unavailable_and_neither_is_applied() {
    let mut lost = Plan::calm();
    lost.faults.store.lost = Chance::ALWAYS;
    with_store(lost, 3, |_, memory, store| async move {
        assert!(matches!(store.commit(chained(1)).await, Err(StoreError::Unknown(_))));
        assert_eq!(revision(&memory), None);
        Ok(())
    });
    let mut refused = Plan::calm();
    refused.faults.store.refused = Chance::ALWAYS;
    with_store(refused, 3, |sim, memory, store| async move {
        assert!(matches!(store.commit(chained(1)).await, Err(StoreError::Unavailable(_))));
        assert!(matches!(store.docs(Vec::new()).await, Err(StoreError::Unavailable(_))));
        assert_eq!(revision(&memory), None);
        sim.heal();
        assert_eq!(store.commit(chained(1)).await, Ok(Verdict::Done));
        Ok(())
    });
}

#[test]
fn a_store_that_is_down_refuses_until_it_is_up() {
    let outcome = sim::run(4, Plan::calm(), |sim| async move {
        let world = sim.store("store", MemoryStore::with_env(sim.env()));
        let store = world.client(&sim.env());
        world.take_down(Duration::from_secs(5));
        assert!(matches!(store.commit(chained(1)).await, Err(StoreError::Unavailable(_))));
        sim.sleep(Duration::from_secs(5)).await;
        assert_eq!(store.commit(chained(1)).await, Ok(Verdict::Done));
        Ok(())
    });
    outcome.expect("an outage ends");
}

/// A node that submits a chain of ten commits and dies at `point`; how many were applied.
fn applied_at_death(seed: u64, point: &str, hit: u64) -> u128 {
    let plan = Plan::calm().crash_at(Some("writer"), point, hit);
    let outcome = sim::run(seed, plan, |sim| async move {
        let memory = MemoryStore::with_env(sim.env());
        let world = sim.store("store", memory.clone());
        let done = Arc::new(AtomicU64::new(0));
        let told = done.clone();
        let writer = sim.node("writer", move |env: Arc<SimEnv>| {
            let (store, told) = (world.client(&env), told.clone());
            async move {
                if env.incarnation() > 1 {
                    return;
                }
                let calls: Vec<_> = (1..=10).map(|n| store.commit(chained(n))).collect();
                env.run("waits", async move {
                    for call in calls {
                        assert_eq!(call.await, Ok(Verdict::Done));
                        told.fetch_add(1, Relaxed);
                    }
                });
            }
        });
        sim.sleep(Duration::from_secs(60)).await;
        assert!(writer.is_up(), "it came back");
        let applied = revision(&memory).unwrap_or(0);
        assert!(u128::from(done.load(Relaxed)) <= applied, "nothing was acknowledged that is not there");
        Ok(applied)
    });
    assert_eq!(outcome.fired("crash"), 1);
    outcome.expect("a writer dies")
}

#[test]
fn a_process_that_dies_leaves_a_prefix_of_what_it_had_queued() {
    let applied = |point: &str, hit| (0..40).map(|seed| applied_at_death(seed, point, hit)).collect::<Vec<_>>();
    let before = applied("store.commit.before", 6);
    assert!(before.iter().all(|count| *count <= 5), "the sixth was never sent: {before:?}");
    assert!(before.contains(&0) && before.contains(&3), "any prefix: {before:?}");
    let at = applied("store.commit.applied", 4);
    assert!(at.iter().all(|count| *count >= 4), "the fourth was applied: {at:?}");
    assert!(at.contains(&4) && at.iter().any(|count| *count > 4), "{at:?}");
    let after = applied("store.commit.after", 1);
    assert!(after.iter().all(|count| *count >= 1), "{after:?}");
}

fn out(position: u64) -> Out {
    Out {
        topic: "doors".into(),
        partition_key: "front".into(),
        position,
        ordinal: 0,
        commit: None,
        cloudevent: super::cloudevent("doors", &position.to_string(), "door/front", "front", position),
    }
}

const FROM: Producer<'static> = Producer::new("doors", 1);

/// Publishes 1..=5 in one batch under a plan, again until it is taken, and returns the topic in the end and
/// what the first attempt said.
fn published(plan: Plan, seed: u64) -> (Vec<u64>, Result<(), BrokerError>) {
    let outcome = sim::run(seed, plan, |sim| async move {
        let memory = MemoryBroker::new(sim.env());
        let broker = sim.broker("broker", memory.clone()).client(&sim.env());
        let topic = Topic { name: "doors".into(), partitions: 1, retention_ms: None, retention_bytes: None };
        while broker.ensure(topic.clone()).await.is_err() {}
        let first = broker.publish(FROM, (1..=5).map(out).collect()).await;
        let mut taken = first.is_ok();
        while !taken {
            sim.sleep(Duration::from_millis(100)).await;
            taken = broker.publish(FROM, (1..=5).map(out).collect()).await.is_ok();
        }
        sim.sleep(Duration::from_secs(10)).await;
        let messages = memory.log("doors").remove(0).1;
        let ids = messages.iter().map(|message| {
            let id = serde_json::from_slice::<serde_json::Value>(&message.cloudevent).map(|event| event["id"].clone());
            id.ok().and_then(|id| id.as_str()?.parse().ok()).ok_or("not an id")
        });
        Ok((ids.collect::<Result<Vec<u64>, _>>()?, first))
    });
    outcome.expect("a batch is published in the end")
}

#[test]
fn a_batch_of_which_a_part_arrived_is_completed_by_sending_it_again() {
    let mut plan = Plan::calm();
    plan.faults.broker.partial = Chance::one_in(2);
    plan.faults.broker.ack_lost = Chance::one_in(3);
    plan.faults.broker.late = Chance::one_in(3);
    let all: Vec<_> = (0..40).map(|seed| published(plan.clone(), seed)).collect();
    assert!(all.iter().all(|(ids, _)| *ids == [1, 2, 3, 4, 5]), "{all:?}");
    let unavailable = all.iter().filter(|(_, first)| matches!(first, Err(BrokerError::Unavailable(_)))).count();
    assert!(unavailable > 10, "{unavailable}");
}

#[test]
fn messages_appear_again_later_and_never_before_their_first_sight() {
    let mut plan = Plan::calm();
    plan.faults.duplicate = Chance::one_in(2);
    let all: Vec<_> = (0..20).map(|seed| published(plan.clone(), seed).0).collect();
    assert!(all.iter().all(|ids| ids[..5] == [1, 2, 3, 4, 5]), "{all:?}");
    assert!(all.iter().any(|ids| ids.len() > 6), "{all:?}");
}

#[test]
fn a_fetch_that_waits_when_the_broker_goes_down_is_told() {
    let outcome = sim::run(5, Plan::calm(), |sim| async move {
        let world = sim.broker("broker", MemoryBroker::new(sim.env()));
        let broker = world.client(&sim.env());
        let topic = Topic { name: "doors".into(), partitions: 1, retention_ms: None, retention_bytes: None };
        broker.ensure(topic).await.map_err(|error| error.to_string())?;
        let (fetcher, heard) = (world.client(&sim.env()), Arc::new(Mutex::new(None)));
        let told = heard.clone();
        sim.spawn("fetch", async move {
            let want = vec![(Partition { topic: "doors".into(), index: 0 }, 0)];
            *told.lock().unwrap() = Some(fetcher.fetch(want, 1_000, Duration::from_secs(2)).await);
        });
        sim.sleep(Duration::from_secs(1)).await;
        world.take_down(Duration::from_secs(3));
        assert!(matches!(broker.publish(FROM, vec![out(1)]).await, Err(BrokerError::Unavailable(_))));
        sim.sleep(Duration::from_millis(1_500)).await;
        let heard = heard.lock().unwrap().take();
        assert!(matches!(heard, Some(Err(BrokerError::Unavailable(_)))), "{heard:?}");
        Ok(())
    });
    outcome.expect("the fetch is told");
}

/// What came of a request under a plan: (answered, took effect, after how long).
fn requested(plan: Plan, seed: u64, answer: SimAnswer) -> (bool, u64, Duration) {
    let outcome = sim::run(seed, plan, |sim| async move {
        let taken = Arc::new(AtomicU64::new(0));
        let count = taken.clone();
        let world = sim.http("provider", move |request: &HttpRequest, _now| {
            assert_eq!(request.url, "http://provider/doors");
            count.fetch_add(1, Relaxed);
            answer.clone()
        });
        let request = HttpRequest {
            method: "POST",
            url: "http://provider/doors".into(),
            headers: Vec::new(),
            body: "{}".into(),
            deadline: Duration::from_secs(3),
        };
        let answered = world.client(&sim.env()).send(request).await.is_ok();
        let took = sim.now();
        sim.sleep(Duration::from_secs(10)).await;
        Ok((answered, taken.load(Relaxed), took))
    });
    outcome.expect("a request ends")
}

#[test]
fn a_request_may_be_lost_before_or_after_it_took_effect() {
    let ok = || SimAnswer::Now(HttpResponse { status: 200, body: "{}".into() });
    let (answered, taken, _) = requested(Plan::calm(), 1, ok());
    assert_eq!((answered, taken), (true, 1));

    let with = |set: fn(&mut sim::PortFaults)| {
        let mut plan = Plan::calm();
        set(&mut plan.faults.http);
        requested(plan, 1, ok())
    };
    let (answered, taken, took) = with(|http| http.refused = Chance::ALWAYS);
    assert!(!answered && taken == 0 && took < Duration::from_secs(1));
    let (answered, taken, took) = with(|http| http.lost = Chance::ALWAYS);
    assert!(!answered && taken == 0 && took >= Duration::from_secs(3), "{took:?}");
    let (answered, taken, took) = with(|http| http.ack_lost = Chance::ALWAYS);
    assert!(!answered && taken == 1 && took < Duration::from_secs(1));
    let (answered, taken, took) = with(|http| http.late = Chance::ALWAYS);
    assert!(!answered && taken == 1 && took < Duration::from_secs(1));
}

#[test]
fn who_does_not_answer_in_time_has_not_answered() {
    let response = || HttpResponse { status: 200, body: "{}".into() };
    let (answered, taken, took) = requested(Plan::calm(), 2, SimAnswer::Hang);
    assert_eq!((answered, taken, took.as_secs()), (false, 1, 3));
    let slow = SimAnswer::After(Duration::from_secs(5), response());
    let (answered, taken, took) = requested(Plan::calm(), 2, slow);
    assert_eq!((answered, taken, took.as_secs()), (false, 1, 3));
    let (answered, _, took) = requested(Plan::calm(), 2, SimAnswer::After(Duration::from_secs(2), response()));
    assert_eq!((answered, took.as_secs()), (true, 2));
}

#[test]
fn a_question_to_a_node_may_be_lost_before_or_after_it_took_effect() {
    let mut plan = Plan::calm();
    plan.faults.asks.lost = Chance::one_in(3);
    plan.faults.asks.ack_lost = Chance::one_in(3);
    let outcome = sim::run(6, plan, |sim| async move {
        let node = sim.node("counter", |_| async { AtomicU64::new(0) });
        sim.sleep(Duration::from_millis(1)).await;
        let mut answers = 0;
        for _ in 0..300 {
            let answer = node.ask("count", |count: Arc<AtomicU64>| async move { count.fetch_add(1, Relaxed) }).await;
            answers += u64::from(answer.is_ok());
        }
        let counted = node.get().ok_or("down")?.load(Relaxed);
        assert!(answers > 50 && counted > answers + 30 && counted < 270, "{answers} of {counted}");
        Ok(())
    });
    assert!(outcome.fired("lost") > 0 && outcome.fired("ack lost") > 0);
    outcome.expect("questions get lost");
}

#[test]
fn slow_calls_take_their_time() {
    let mut plan = Plan::calm();
    plan.faults.store.slow = Chance::ALWAYS;
    plan.faults.store.slow_latency = Span::millis(700, 700);
    with_store(plan, 7, |sim, _, store| async move {
        let before = sim.env().mono();
        assert_eq!(store.commit(chained(1)).await, Ok(Verdict::Done));
        assert_eq!(sim.env().mono() - before, Duration::from_millis(1_400));
        Ok(())
    });
}
