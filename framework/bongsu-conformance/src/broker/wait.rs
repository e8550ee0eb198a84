//! Waiting.

use std::pin::pin;

use futures::future::{self, Either};

use super::bench::{Bench, PATIENCE, PLENTY, SHORT, out, partition};

/// Neither at once nor for ever.
pub async fn a_fetch_with_nothing_to_bring_waits_and_comes_back_empty(at: &Bench) {
    at.topic("quiet", 2).await;
    let fetch = pin!(at.broker.fetch(vec![(partition("quiet", 0), 0), (partition("quiet", 1), 0)], PLENTY, SHORT));
    match future::select(fetch, (at.sleep)(SHORT / 3)).await {
        Either::Left((early, _)) => panic!("came back too early with {early:?}"),
        Either::Right((_, fetch)) => {
            let batch = at.in_time("an empty fetch", fetch).await.expect("a fetch is answered");
            assert_eq!(batch.messages, []);
        }
    }
}

/// One append in one of many partitions is enough, and it is brought in the same answer.
pub async fn an_append_wakes_a_waiting_fetch_at_once(at: &Bench) {
    at.topic("bell", 4).await;
    for position in 1..=5 {
        let bounds = at.broker.bounds("bell").await.expect("bounds");
        let want = bounds.partitions.into_iter().map(|(partition, _, end)| (partition, end)).collect();
        let fetch = at.broker.fetch(want, PLENTY, PATIENCE * 10);
        let append = async {
            (at.sleep)(SHORT / 5).await;
            let message = out("bell", &format!("key-{position}"), position, "");
            at.publish("bell", 1, vec![message]).await.expect("a batch is taken");
        };
        let (batch, ()) = at.in_time("a wake-up", future::join(fetch, append)).await;
        let messages = batch.expect("a fetch is answered").messages;
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].1[0].partition_key, format!("key-{position}"));
    }
}

/// Who waits for one topic is not answered because of another.
pub async fn an_append_elsewhere_does_not_end_the_wait(at: &Bench) {
    at.topic("deaf", 1).await;
    at.topic("loud", 1).await;
    let fetch = pin!(at.broker.fetch(vec![(partition("deaf", 0), 0)], PLENTY, PATIENCE * 10));
    let noise = pin!(async {
        for position in 1..=5 {
            at.publish("loud", 1, vec![out("loud", "a", position, "")]).await.expect("a batch is taken");
            (at.sleep)(SHORT / 10).await;
        }
    });
    let Either::Right((_, fetch)) = future::select(fetch, noise).await else { panic!("the fetch ended by noise") };
    at.publish("deaf", 1, vec![out("deaf", "a", 1, "")]).await.expect("a batch is taken");
    let batch = at.in_time("the awaited message", fetch).await.expect("a fetch is answered");
    assert_eq!(batch.messages.len(), 1);
}

/// A reader that goes away while it waits costs nobody anything.
pub async fn an_abandoned_fetch_leaves_the_broker_well(at: &Bench) {
    at.topic("left", 1).await;
    for _ in 0..20 {
        let fetch = pin!(at.broker.fetch(vec![(partition("left", 0), 0)], PLENTY, PATIENCE * 10));
        let gone = future::select(fetch, (at.sleep)(SHORT / 30)).await;
        assert!(matches!(gone, Either::Right(_)), "there is nothing to bring");
    }
    at.publish("left", 1, vec![out("left", "a", 1, "")]).await.expect("a batch is taken");
    assert_eq!(at.all("left", 0).await.len(), 1);
}
