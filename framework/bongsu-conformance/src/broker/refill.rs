//! History that is published again, brokers that lost it, and bounds on what is kept.

use bongsu_runtime::ports::broker::{BrokerError, Place, Producer, Topic};

use super::bench::{Bench, PLENTY, SHORT, bodies, out, outs, partition, sent};

/// What a broker has from what happened is taken once more under a refill, and readers are told which one.
pub async fn a_refill_is_taken_again_and_told_apart(at: &Bench) {
    at.topic("told-again", 1).await;
    let batch = outs("told-again", &["a", "b"], 1..=4);
    at.publish("told-again", 1, batch.clone()).await.expect("as it happens");
    let refill = |refill| Producer { refill, ..Producer::new("told-again", 1) };
    for number in [7, 7, 9] {
        at.broker.publish(refill(number), batch.clone()).await.expect("a refill, the second time a repetition");
    }
    let read = at.all("told-again", 0).await;
    let refills: Vec<u64> = read.iter().map(|message| message.refill).collect();
    assert_eq!(refills, [0, 0, 0, 0, 7, 7, 7, 7, 9, 9, 9, 9]);
    assert!(bodies(&read).chunks(4).all(|part| part == sent(&batch)), "the bytes are the same each time");
    at.publish("told-again", 1, batch).await.expect("what happened is still known");
    assert_eq!(at.all("told-again", 0).await.len(), 12);
}

/// An epoch that was seen in whatever a service published shuts out older ones from all of it: an owner that stood still
/// while another one published a refill must not put later facts into its midst.
pub async fn an_epoch_seen_in_a_refill_fences_everywhere(at: &Bench) {
    const NAME: &str = "told-again-fenced";
    at.topic(NAME, 1).await;
    let of = |epoch, refill| Producer { refill, ..Producer::new(NAME, epoch) };
    at.broker.publish(of(5, 0), vec![out(NAME, "a", 1, "")]).await.expect("the first owner");
    at.broker.publish(of(6, 3), vec![out(NAME, "a", 1, "")]).await.expect("a take-over, seen in a refill alone");
    for refill in [0, 3, 4] {
        let refused = at.broker.publish(of(5, refill), vec![out(NAME, "a", 2, "")]).await;
        assert!(matches!(refused, Err(BrokerError::Fenced { given: 5, newest: 6, .. })), "{refill}: {refused:?}");
    }
    at.broker.publish(of(7, 0), Vec::new()).await.expect("a take-over, seen in what happens alone");
    let refused = at.broker.publish(of(6, 3), vec![out(NAME, "a", 2, "")]).await;
    assert!(matches!(refused, Err(BrokerError::Fenced { given: 6, newest: 7, .. })), "{refused:?}");
    assert_eq!(at.all(NAME, 0).await.len(), 2);
}

/// A producer says what it knows to be there; a broker that has less took part in no such history.
pub async fn a_broker_that_lost_history_takes_nothing_on_top(at: &Bench) {
    at.topic("behind", 1).await;
    let from = |refill, position| {
        let after = Place { position, ..Place::default() };
        Producer { refill, after, ..Producer::new("behind", 1) }
    };
    at.broker.publish(from(0, 0), outs("behind", &["a"], 1..=3)).await.expect("nothing is expected");
    at.broker.publish(from(0, 3), outs("behind", &["a"], 4..=5)).await.expect("it has 3");
    let refused = at.broker.publish(from(0, 8), outs("behind", &["a"], 9..=9)).await;
    let behind = BrokerError::Behind { service: "behind".into(), has: 5, expected: 8 };
    assert_eq!(refused, Err(behind));
    let refused = at.broker.publish(from(4, 5), outs("behind", &["a"], 6..=6)).await;
    assert!(matches!(refused, Err(BrokerError::Behind { has: 0, .. })), "a refill counts for itself: {refused:?}");
    at.broker.publish(from(4, 0), outs("behind", &["a"], 1..=8)).await.expect("a refill from its first");
    at.broker.publish(from(0, 8), outs("behind", &["a"], 9..=9)).await.expect("a refill made up for it");
    assert_eq!(at.all("behind", 0).await.len(), 5 + 8 + 1);
}

/// A bound on bytes forgets the oldest of each partition, and can be set later.
pub async fn a_bound_on_bytes_forgets_the_oldest(at: &Bench) {
    at.topic("trimmed", 1).await;
    let batch = outs("trimmed", &["a"], 1..=9);
    at.publish("trimmed", 1, batch.clone()).await.expect("a batch is taken");
    let three = batch[6..].iter().map(|out| out.cloudevent.len() as u64).sum();
    let topic = |retention_bytes| Topic { name: "trimmed".into(), partitions: 1, retention_ms: None, retention_bytes };
    at.broker.ensure(topic(Some(three))).await.expect("a bound");
    at.broker.ensure(topic(None)).await.expect("who asks for nothing changes nothing");
    let forgotten = async {
        while at.broker.bounds("trimmed").await.expect("bounds").partitions != [(partition("trimmed", 0), 6, 9)] {
            (at.sleep)(SHORT / 10).await;
        }
    };
    at.in_time("retention", forgotten).await;
    let gone = at.broker.fetch(vec![(partition("trimmed", 0), 5)], PLENTY, SHORT).await;
    assert!(matches!(gone, Err(BrokerError::Gone { asked: 5, earliest: 6, end: 9, .. })), "{gone:?}");
    let kept = at.broker.fetch(vec![(partition("trimmed", 0), 6)], PLENTY, SHORT).await.expect("the rest is there");
    assert_eq!(bodies(&kept.messages[0].1), sent(&batch[6..]));
}

/// A bound of nothing is a mistake.
pub async fn a_retention_of_nothing_is_refused(at: &Bench) {
    for (retention_ms, retention_bytes) in [(Some(0), None), (None, Some(0))] {
        let topic = Topic { name: "nothing".into(), partitions: 1, retention_ms, retention_bytes };
        let refused = at.broker.ensure(topic).await;
        assert!(matches!(&refused, Err(BrokerError::Invalid(why)) if why.contains("retention of 0")), "{refused:?}");
    }
}
