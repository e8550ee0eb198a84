//! The rules themselves: each is broken once on purpose, and none passes on nothing.

use std::{collections::BTreeMap, time::Duration};

use bongsu_runtime::ports::{
    broker::{Broker, Out, Partition, Producer, Topic},
    store::{Commit, CommitId, Fact, NewEvent, Store},
};
use bongsu_testing::{
    MemoryBroker, MemoryStore,
    sim::{self, Failure, Moment, Plan, Sim, check},
};
use bytes::Bytes;

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
            tags: Vec::new(),
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
        let out = Out { topic, partition_key, position: number as u64 + 1, ordinal: 0, cloudevent };
        broker
            .publish(Producer { service: TOPIC, epoch: 1, refill: 0, after: 0 }, vec![out])
            .await
            .expect("a memory broker takes it");
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
