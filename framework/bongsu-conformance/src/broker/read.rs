//! Reading.

use std::{collections::BTreeMap, time::Duration};

use bongsu_runtime::ports::broker::{Partition, partition_of};

use super::bench::{Bench, PLENTY, bodies, out, outs, partition, sent};

const KEYS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// Two topics, all partitions, one call: everything is there, each partition in offset order.
pub async fn one_fetch_reads_many_partitions(at: &Bench) {
    at.topic("many-one", 4).await;
    at.topic("many-two", 3).await;
    at.publish("many-one", 1, outs("many-one", &KEYS, 1..=40)).await.expect("a batch is taken");
    at.publish("many-two", 1, outs("many-two", &KEYS, 1..=30)).await.expect("a batch is taken");
    let want: Vec<_> =
        (0..4).map(|i| partition("many-one", i)).chain((0..3).map(|i| partition("many-two", i))).collect();
    let asked = want.iter().map(|partition| (partition.clone(), 0)).collect();
    let batch = at.broker.fetch(asked, PLENTY, Duration::ZERO).await.expect("a fetch is answered");
    let count: usize = batch.messages.iter().map(|(_, messages)| messages.len()).sum();
    assert_eq!(count, 70);
    for (partition, messages) in batch.messages {
        assert!(want.contains(&partition) && !messages.is_empty(), "{partition:?} is wanted and has something");
        assert!(messages.iter().map(|m| m.offset).eq(0..messages.len() as u64), "{partition:?} is in order");
        let of = if partition.topic == "many-one" { 4 } else { 3 };
        assert!(messages.iter().all(|m| partition_of(&m.partition_key, of) == partition.index));
    }
}

/// From the middle, from the end, and again from the start.
pub async fn reading_on_from_an_offset_skips_nothing(at: &Bench) {
    at.topic("middle", 1).await;
    let batch = outs("middle", &["a"], 1..=10);
    at.publish("middle", 1, batch.clone()).await.expect("a batch is taken");
    for from in [4, 0, 9, 10] {
        let want = vec![(partition("middle", 0), from)];
        let read = at.broker.fetch(want, PLENTY, Duration::ZERO).await.expect("a fetch is answered");
        let messages = read.messages.into_iter().next().map(|(_, messages)| messages).unwrap_or_default();
        assert_eq!(bodies(&messages), sent(&batch[from as usize..]), "from {from}");
        assert_eq!(messages.first().map(|message| message.offset), (from < 10).then_some(from));
    }
}

/// A consumer that reads in small steps gets everything, also what is larger than its step.
pub async fn max_bytes_is_kept_but_one_message_always_comes(at: &Bench) {
    at.topic("bounded", 2).await;
    let long = "x".repeat(5_000);
    let batch: Vec<_> =
        (1..=40).map(|n| out("bounded", KEYS[n as usize % 8], n, if n % 10 == 0 { &long } else { "short" })).collect();
    at.publish("bounded", 1, batch.clone()).await.expect("a batch is taken");
    let max = 1_000;
    let mut next = BTreeMap::from([(partition("bounded", 0), 0), (partition("bounded", 1), 0)]);
    let mut total = 0;
    while total < batch.len() {
        let want = next.clone().into_iter().collect();
        let read = at.broker.fetch(want, max, Duration::ZERO).await.expect("a fetch is answered");
        let got: Vec<_> = read.messages.iter().flat_map(|(_, messages)| messages).collect();
        let bytes: usize = got.iter().map(|message| message.cloudevent.len()).sum();
        assert!(!got.is_empty(), "one message always comes");
        assert!(bytes <= max as usize || got.len() == 1, "{} messages of {bytes} bytes are over {max}", got.len());
        total += got.len();
        advance(&mut next, &read.messages);
    }
    assert_eq!(next.values().sum::<u64>(), 40);
}

/// Each partition that has something gets its turn while another has a long way to go.
pub async fn a_long_backlog_starves_no_other_partition(at: &Bench) {
    at.topic("fair", 4).await;
    let key_of = |index| (0..).map(|n| format!("k{n}")).find(|key| partition_of(key, 4) == index).expect("a key");
    let long = "x".repeat(700);
    let backlog = (1..=100).map(|n| out("fair", &key_of(0), n, &long));
    let others = (1..4).map(|index| out("fair", &key_of(index), 100 + u64::from(index), &long));
    at.publish("fair", 1, backlog.chain(others).collect()).await.expect("a batch is taken");
    let mut next: BTreeMap<Partition, u64> = (0..4).map(|index| (partition("fair", index), 0)).collect();
    for _ in 0..30 {
        let want = next.clone().into_iter().collect();
        let read = at.broker.fetch(want, 1_000, Duration::ZERO).await.expect("a fetch is answered");
        advance(&mut next, &read.messages);
    }
    assert!(next.iter().skip(1).all(|(_, offset)| *offset == 1), "{next:?}");
}

/// Empty partitions count too; `earliest` is 0 as long as nothing expired.
pub async fn bounds_count_what_is_there(at: &Bench) {
    at.topic("bounds", 3).await;
    let none = at.broker.bounds("bounds").await.expect("bounds of an empty topic");
    assert_eq!(none.partitions, [0, 1, 2].map(|index| (partition("bounds", index), 0, 0)));
    let batch = outs("bounds", &["a"], 1..=5);
    at.publish("bounds", 1, batch.clone()).await.expect("a batch is taken");
    at.publish("bounds", 1, batch).await.expect("duplicates do not count");
    let some = at.broker.bounds("bounds").await.expect("bounds");
    let mine = partition_of("a", 3);
    assert_eq!(some.partitions, [0, 1, 2].map(|i| (partition("bounds", i), 0, if i == mine { 5 } else { 0 })));
}

/// Fetch and bounds name the same history, which is not nothing.
pub async fn one_history_has_one_id(at: &Bench) {
    at.topic("history", 1).await;
    at.publish("history", 1, outs("history", &["a"], 1..=1)).await.expect("a batch is taken");
    let bounds = at.broker.bounds("history").await.expect("bounds");
    let batch = at.broker.fetch(vec![(partition("history", 0), 0)], PLENTY, Duration::ZERO).await.expect("a batch");
    assert_eq!(bounds.log, batch.log);
    assert_ne!(bounds.log.0, 0);
}

fn advance(next: &mut BTreeMap<Partition, u64>, read: &[(Partition, Vec<bongsu_runtime::ports::broker::In>)]) {
    for (partition, messages) in read {
        for message in messages {
            let offset = next.get_mut(partition).expect("only wanted partitions come");
            assert_eq!(message.offset, *offset, "{partition:?} goes on where it ended");
            *offset += 1;
        }
    }
}
