//! The rules themselves: each is broken once on purpose, and none passes on nothing.

use std::{collections::BTreeMap, time::Duration};

use bongsu_core::{Metadata, Projection, message};
use bongsu_memory::{MemoryBroker, MemoryStore};
use bongsu_runtime::{
    Service,
    ports::{
        broker::{Broker, Out, Partition, Producer, Topic},
        store::{Commit, CommitId, DocBody, DocKey, DocWrite, Fact, NewEvent, Store, Verdict},
    },
};
use bongsu_sim::{self as sim, Failure, Moment, Plan, Sim, check};
use bytes::Bytes;
use serde_json::json;

const TOPIC: &str = "doors";

fn fact(door: &str, sequence: u64) -> Fact {
    let (id, subject) = (format!("{door}-{sequence}"), format!("door/{door}"));
    let cloudevent = super::cloudevent(TOPIC, &id, &subject, door, sequence);
    Fact { id, topic: TOPIC.into(), partition_key: door.into(), subject, sequence, cloudevent }
}

async fn stored(facts: &[(&str, u64)]) -> MemoryStore {
    let store = MemoryStore::new();
    let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
    for (number, (door, sequence)) in facts.iter().enumerate() {
        let version = versions.entry(door).or_default();
        *version += 1;
        let mut commit = Commit::new(CommitId(number as u128 + 1));
        commit.events.push(NewEvent {
            stream: format!("door/{door}"),
            version: *version,
            name: "door-opened",
            schema: 1,
            data: Bytes::new(),
            meta: Bytes::new(),
            facts: vec![fact(door, *sequence)],
        });
        store.commit(commit).await.expect("a memory store takes it");
    }
    store
}

/// A topic with these facts in one partition, or each in the partition given.
async fn topic(sim: &Sim, facts: &[Fact]) -> MemoryBroker {
    let broker = MemoryBroker::new(sim.env());
    broker
        .ensure(Topic { name: TOPIC.into(), partitions: 8, retention_ms: None, retention_bytes: None })
        .await
        .expect("a topic");
    for (number, fact) in facts.iter().enumerate() {
        let Fact { topic, partition_key, cloudevent, .. } = fact.clone();
        let out = Out { topic, partition_key, position: number as u64 + 1, ordinal: 0, commit: None, cloudevent };
        broker.publish(Producer::new(TOPIC, 1), vec![out]).await.expect("a memory broker takes it");
    }
    broker
}

fn in_sim<F: Future<Output = ()> + Send + 'static>(test: impl FnOnce(Sim) -> F) {
    let outcome = sim::run(1, Plan::calm(), |sim| {
        let test = test(sim);
        async move {
            test.await;
            Ok(())
        }
    });
    outcome.expect("the rules were looked at");
}

#[test]
fn what_is_committed_is_published_and_nothing_else() {
    in_sim(|sim| async move {
        let store = stored(&[("a", 1), ("a", 2), ("b", 1)]).await;
        let all = [fact("a", 1), fact("a", 2), fact("b", 1)];
        let whole = topic(&sim, &all).await;
        assert_eq!(check::atomic_publish(&store, &whole, TOPIC), Ok(3));
        let less = topic(&sim, &all[..2]).await;
        let missing = check::atomic_publish(&store, &less, TOPIC).unwrap_err();
        assert_eq!(missing, "b-1 was committed and never published to doors");
        let more = topic(&sim, &[&all[..], &[fact("c", 1)]].concat()).await;
        assert!(check::atomic_publish(&store, &more, TOPIC).unwrap_err().contains("c-1 is in"));
        let mut other = all;
        other[1].cloudevent = super::cloudevent(TOPIC, "a-2", "door/a", "a", 3);
        let other = topic(&sim, &other).await;
        assert!(check::atomic_publish(&store, &other, TOPIC).unwrap_err().contains("differs"));
    });
}

#[test]
fn first_sights_are_in_order_and_repetitions_are_allowed() {
    in_sim(|sim| async move {
        let store = stored(&[("a", 1), ("a", 4), ("a", 5)]).await;
        let (one, four, five) = (fact("a", 1), fact("a", 4), fact("a", 5));
        let order = |facts: Vec<Fact>| {
            let (sim, store) = (sim.clone(), store.clone());
            async move { check::order_in_partitions(&store, &topic(&sim, &facts).await, TOPIC) }
        };
        let repeated = vec![one.clone(), four.clone(), one.clone(), five.clone(), four.clone()];
        assert_eq!(order(repeated).await, Ok(5));
        let swapped = order(vec![one.clone(), five.clone(), four.clone()]).await.unwrap_err();
        assert!(swapped.contains("where Some(4) was to come first"), "{swapped}");
        assert!(order(vec![four]).await.is_err(), "a gap at the beginning");
        let moved = super::cloudevent(TOPIC, "a-5", "door/a", "z", 5);
        let elsewhere = Fact { partition_key: "z".into(), cloudevent: moved, ..five };
        assert!(order(vec![one, elsewhere]).await.unwrap_err().contains("partitions"));
    });
}

#[test]
fn sequences_in_the_store_rise() {
    in_sim(|_| async move {
        assert_eq!(check::order_in_store(&stored(&[("a", 1), ("b", 7), ("a", 3)]).await), Ok(3));
        assert!(check::order_in_store(&stored(&[("a", 3), ("a", 3)]).await).unwrap_err().contains("follows 3"));
    });
}

#[test]
fn a_cursor_may_not_pass_what_was_not_settled() {
    in_sim(|sim| async move {
        let broker = topic(&sim, &[fact("a", 1), fact("a", 2), fact("a", 3)]).await;
        let home = broker.log(TOPIC).into_iter().find(|(_, messages)| !messages.is_empty()).unwrap().0;
        let settled = |_: &str, _: &Partition, message: &bongsu_runtime::ports::broker::In| message.offset < 2;
        let at = |next| [("reader".to_owned(), home.clone(), next)];
        assert_eq!(check::offsets_are_safe(at(2), &broker, settled), Ok(2));
        let passed = check::offsets_are_safe(at(3), &broker, settled).unwrap_err();
        assert!(passed.contains("reader is at 3 and has not settled"), "{passed}");
    });
}

/// What a reader of doors writes down: marks, and a cursor; each Commit is shown to the rule as it comes.
struct Desk {
    store: MemoryStore,
    lanes: check::Lanes,
    log: String,
    home: Partition,
    commits: u128,
}

impl Desk {
    /// Behind a topic with these facts of one door.
    async fn open(sim: &Sim, sequences: &[u64]) -> Self {
        let facts: Vec<Fact> = sequences.iter().map(|sequence| fact("a", *sequence)).collect();
        let (broker, store) = (topic(sim, &facts).await, MemoryStore::new());
        let home = broker.log(TOPIC).into_iter().find(|(_, messages)| !messages.is_empty()).expect("facts").0;
        let service = Service::new("desk").projection::<Doors>();
        let lanes = check::Lanes::of("desk", store.clone(), broker.clone(), &service);
        Self { store, lanes, log: format!("{:032x}", broker.history().0), home, commits: 0 }
    }

    /// Handles a fact as the runtime does.
    async fn handle(&mut self, sequence: u64, offset: u64) -> Result<u64, String> {
        let (topic, index) = (&self.home.topic, self.home.index);
        let cursor = json!({ "log": self.log, "offset": offset });
        let mark = ("seen", format!("doors@1.1/{TOPIC}/door/a"), json!({ "sequence": sequence }));
        let cursor = ("cursor", format!("doors@1.1/{topic}/{index}"), cursor);
        self.write(vec![mark, cursor]).await
    }

    async fn write(&mut self, docs: Vec<(&'static str, String, serde_json::Value)>) -> Result<u64, String> {
        self.commits += 1;
        let mut commit = Commit::new(CommitId(self.commits));
        commit.docs.extend(docs.into_iter().map(|(table, id, data)| DocWrite {
            key: DocKey::new(table, id),
            put: Some(DocBody { data: data.to_string().into(), index: Vec::new() }),
        }));
        let wrote: Vec<DocKey> = commit.docs.iter().map(|write| write.key.clone()).collect();
        assert_eq!(self.store.commit(commit).await, Ok(Verdict::Done));
        let moment = Moment::Committed { store: "desk", commit: CommitId(self.commits), by: "desk-1", wrote: &wrote };
        self.lanes.stay_safe()(&moment)
    }
}

/// Counts what happened at each door.
struct Doors;

impl Projection for Doors {
    const NAME: &'static str = "doors";
    const VERSION: u32 = 1;
    type Event = Happened;
    type Row = u64;

    fn keys(_: &Happened) -> Vec<String> {
        vec!["all".into()]
    }

    fn fold(_: &str, row: Option<u64>, _: &Happened, _: &Metadata) -> Option<u64> {
        Some(row.unwrap_or_default() + 1)
    }
}

#[message("doors.happened", version = 1)]
struct Happened {}

#[test]
fn a_fact_lost_in_the_middle_is_found_under_a_later_mark() {
    in_sim(|sim| async move {
        let facts = check::facts_to_hear(&stored(&[("a", 1), ("a", 2), ("a", 3)]).await).expect("they are facts");
        let (mut right, mut lossy) = (Desk::open(&sim, &[1, 2, 3]).await, Desk::open(&sim, &[1, 2, 3]).await);
        for (desk, sequences) in [(&mut right, [1, 2, 3].as_slice()), (&mut lossy, &[1, 3])] {
            for sequence in sequences {
                desk.handle(*sequence, *sequence).await.expect("a mark that rises");
            }
        }
        assert_eq!((right.lanes.are_safe(), right.lanes.have_applied(&facts)), (Ok(3), Ok(3)));
        let mark = lossy.store.doc("seen", "doors@1.1/doors/door/a").expect("it is there");
        assert_eq!(&mark.data[..], br#"{"sequence":3}"#, "its mark covers all three");
        let crash = lossy.lanes.stay_safe()(&Moment::Crashed("desk-1"));
        for found in [crash, lossy.lanes.are_safe(), lossy.lanes.have_applied(&facts)] {
            assert!(found.clone().is_err_and(|why| why.contains("never applied 2 of door/a")), "{found:?}");
        }
    });
}

#[test]
fn a_mark_that_goes_back_and_an_effect_without_its_mark_are_found() {
    in_sim(|sim| async move {
        let mut desk = Desk::open(&sim, &[1, 2]).await;
        for sequence in [1, 2, 2] {
            desk.handle(sequence, sequence).await.expect("the same again is as good");
        }
        let back = desk.handle(1, 2).await.unwrap_err();
        assert!(back.contains("was set back from 2 to 1"), "{back}");
        let alone = desk.write(vec![("doors@1.1", "all".into(), json!(1))]).await.unwrap_err();
        assert!(alone.contains("doors@1.1/all was written, and its Commit does not note because of what"), "{alone}");
        let rebuilt = ("rebuild", "doors@1".into(), json!({}));
        assert_eq!(desk.write(vec![("doors@1.2", "all".into(), json!(1)), rebuilt]).await, Ok(0));
    });
}

/// Steps of a process and the to-dos of its timers, as the runtime keeps them, after faults have ended at some moment.
async fn timed_since(
    healed_ms: Option<i64>,
    steps: Vec<serde_json::Value>,
    timer: Option<serde_json::Value>,
) -> Result<u64, String> {
    let store = MemoryStore::new();
    let mut commit = Commit::new(CommitId(1));
    for (step, version) in steps.into_iter().zip(1..) {
        commit.events.push(NewEvent {
            stream: "bell/a".into(),
            version,
            name: "bongsu.process-step",
            schema: 1,
            data: step.to_string().into(),
            meta: json!({ "time": "1970-01-01T00:00:05.000Z" }).to_string().into(),
            facts: Vec::new(),
        });
    }
    commit.docs.extend(timer.map(|timer| DocWrite {
        key: DocKey::new("todo", "timer/bell/a/ring"),
        put: Some(DocBody { data: timer.to_string().into(), index: Vec::new() }),
    }));
    store.commit(commit).await.expect("a memory store takes it");
    let mut rule = check::timers_are_kept("bell", store);
    healed_ms.map_or(Ok(0), |wall_ms| rule(&Moment::Healed { wall_ms }))?;
    rule(&Moment::Crashed("bell-1"))
}

/// The same, where faults have not ended.
async fn timed(steps: Vec<serde_json::Value>, timer: Option<serde_json::Value>) -> Result<u64, String> {
    timed_since(None, steps, timer).await
}

#[test]
fn a_timer_that_is_late_is_found_when_nothing_excuses_it() {
    in_sim(|_| async move {
        let set = json!({ "input": { "heard": {} }, "effects": [{ "wake": { "name": "ring", "at_ms": 3_999 } }] });
        let woke = json!({ "input": { "woke": { "name": "ring" } } });
        let at = |healed_ms| timed_since(healed_ms, vec![set.clone(), woke.clone()], None);
        assert_eq!(at(None).await, Ok(0));
        assert_eq!(at(Some(-26_000)).await, Ok(0), "it was due before it was calm");
        let late = at(Some(-26_001)).await.unwrap_err();
        assert!(late.contains("was woken by ring 1001 ms late"), "{late}");
    });
}

#[test]
fn a_timer_that_is_lost_strange_late_or_early_is_found() {
    in_sim(|_| async move {
        let set = |at_ms: i64| json!({ "input": { "heard": {} }, "effects": [{ "wake": { "name": "ring", "at_ms": at_ms } }] });
        let woke = || json!({ "input": { "woke": { "name": "ring" } } });
        let cancelled = || json!({ "input": { "heard": {} }, "effects": [{ "cancel-wake": "ring" }] });
        let due = |due_ms: i64, attempts: u32| Some(json!({ "due_ms": due_ms, "attempts": attempts }));
        assert_eq!(timed(vec![set(9_000)], due(9_000, 0)).await, Ok(1));
        assert_eq!(timed(vec![set(9_000)], due(9_500, 1)).await, Ok(1), "it was tried and is tried again");
        assert_eq!(timed(vec![set(5_000), woke()], None).await, Ok(0));
        for (steps, timer, found) in [
            (vec![set(9_000)], None, "is set and not written down"),
            (vec![], due(9_000, 0), "no process has set it"),
            (vec![set(9_000), cancelled()], due(9_000, 0), "no process has set it"),
            (vec![set(9_000)], due(8_999, 0), "is set for 9000 and written down for 8999"),
            (vec![set(9_000)], due(9_001, 0), "is set for 9000 and written down for 9001"),
            (vec![set(9_000)], due(8_000, 1), "is set for 9000 and written down for 8000"),
            (vec![set(1_000), set(5_001), woke()], None, "was woken by ring 1 ms before its time"),
            (vec![set(1_000), woke(), woke()], None, "was woken by ring, which is not set"),
            (vec![set(1_000), cancelled(), woke()], None, "was woken by ring, which is not set"),
        ] {
            let rule = timed(steps, timer).await;
            assert!(rule.clone().is_err_and(|why| why.contains(found)), "{found}: {rule:?}");
        }
    });
}

#[test]
fn facts_that_leave_in_another_order_than_the_stores_are_found() {
    in_sim(|_| async move {
        let store = stored(&[("a", 1), ("b", 1), ("a", 4), ("a", 5)]).await;
        let out = |door: &str, sequence, position| {
            let Fact { topic, partition_key, cloudevent, .. } = fact(door, sequence);
            Out { topic, partition_key, position, ordinal: 0, commit: None, cloudevent }
        };
        let (one, four, five) = (out("a", 1, 1), out("a", 4, 3), out("a", 5, 4));
        let published = |batches: &[&[Out]]| {
            let mut rule = check::published_in_order(store.clone(), TOPIC);
            let looked = batches.iter().map(|batch| rule(&Moment::Published { broker: "broker", batch }));
            looked.sum::<Result<u64, String>>()
        };
        let (a, b) = (vec![one.clone(), four.clone()], vec![four.clone(), five.clone()]);
        assert_eq!(published(&[&a, &a, &b]), Ok(6), "repetitions are allowed");
        let gap = published(&[&[one.clone(), five.clone()]]).unwrap_err();
        assert_eq!(gap, "5 of door/a was published where Some(4) was to come first");
        assert!(published(&[&b, &a]).unwrap_err().contains("where Some(1) was to come first"));
        assert_eq!(published(&[&[out("a", 5, 1)]]), Ok(0), "under another place it is not looked at");
    });
}

#[test]
fn every_copy_too_many_or_too_few_is_found() {
    in_sim(|sim| async move {
        let once = topic(&sim, &[fact("a", 1), fact("a", 2)]).await;
        let twice = topic(&sim, &[fact("a", 1), fact("a", 1)]).await;
        assert_eq!((check::published_once(&once, 0..=0), check::published_once(&twice, 1..=1)), (Ok(2), Ok(1)));
        assert_eq!(
            check::published_once(&twice, 0..=0).unwrap_err(),
            "1 copies were published, 0..=0 of them by the simulator"
        );
        assert!(check::published_once(&once, 1..=1).is_err(), "a copy that is not there hides one that is");
    });
}

#[test]
fn once_is_neither_never_nor_twice() {
    assert_eq!(check::exactly_once(["a", "b"], ["b", "a"]), Ok(2));
    assert!(check::exactly_once(["a", "b"], ["b"]).unwrap_err().contains("missing"));
    assert!(check::exactly_once(["a"], ["a", "a"]).unwrap_err().contains("2 times"));
    assert!(check::exactly_once(["a"], ["a", "x"]).unwrap_err().contains("not expected"));
}

#[test]
fn what_is_due_is_done() {
    let todo = |due_ms, parked| check::Todo { id: format!("timer/{due_ms}"), due_ms, parked };
    let (second, all) = (Duration::from_secs(1), [todo(9_000, false), todo(1, true), todo(i64::MAX, false)]);
    assert_eq!(check::nothing_is_overdue(&all, 10_000, second), Ok(3));
    let late = check::nothing_is_overdue(&all, 10_001, second).unwrap_err();
    assert_eq!(late, "timer/9000 has been due for 1001 ms");
}

#[test]
fn views_agree_or_not() {
    let view = |pairs: &[(u8, u8)]| pairs.iter().copied().collect::<BTreeMap<_, _>>();
    assert_eq!(check::converged(&view(&[(1, 1), (2, 2)]), &view(&[(1, 1), (2, 2)])), Ok(2));
    assert!(check::converged(&view(&[(1, 1)]), &view(&[(1, 1), (2, 2)])).is_err());
    assert!(check::converged(&view(&[(1, 1)]), &view(&[(1, 2)])).is_err());
}

#[test]
fn a_rule_that_looked_at_nothing_has_failed() {
    let watched = sim::run(1, Plan::calm(), |sim| async move {
        sim.watch("sees nothing", |_: &Moment<'_>| Ok(0));
        Ok(())
    });
    assert_eq!(watched.result, Err(Failure::Rule("sees nothing: looked at nothing".into())));
    let checked = sim::run(1, Plan::calm(), |sim| async move { sim.check("empty", Ok(0)) });
    assert_eq!(checked.result, Err(Failure::Rule("empty: looked at nothing".into())));
}

#[test]
fn a_watching_rule_ends_the_run_when_it_is_broken() {
    let outcome = sim::run(1, Plan::calm(), |sim| async move {
        sim.watch("nobody dies", |moment: &Moment<'_>| match moment {
            Moment::Crashed(node) => Err(format!("{node} died")),
            _ => Ok(1),
        });
        let node = sim.node("door", |_| async {});
        sim.sleep(Duration::from_secs(1)).await;
        node.crash();
        sim.sleep(Duration::from_secs(3_600)).await;
        Ok(())
    });
    assert_eq!(outcome.result, Err(Failure::Rule("nobody dies: door died".into())));
    assert_eq!(outcome.stats.time, Duration::from_secs(1));
}
