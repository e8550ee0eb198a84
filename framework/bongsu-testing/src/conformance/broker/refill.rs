//! History that is published again, brokers that lost it, and bounds on what is kept.

use bongsu_runtime::ports::broker::{BrokerError, Producer, Topic};

use super::{Bench, PLENTY, SHORT, bodies, out, outs, partition, sent};

/// What a broker has from what happened is taken once more under a refill, and readers are told which one.
pub async fn a_refill_is_taken_again_and_told_apart(at: &Bench) {
    at.topic("told-again", 1).await;
    let batch = outs("told-again", &["a", "b"], 1..=4);
    at.publish("told-again", 1, batch.clone()).await.expect("as it happens");
    let refill = |refill| Producer { service: "told-again", epoch: 1, refill, after: 0 };
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

/// An owner that was fenced in a refill publishes nothing more of it.
pub async fn a_refill_has_epochs_of_its_own(at: &Bench) {
    at.topic("told-again-fenced", 1).await;
    let of = |epoch| Producer { service: "told-again-fenced", epoch, refill: 3, after: 0 };
    at.broker.publish(of(5), vec![out("told-again-fenced", "a", 1, "")]).await.expect("the first owner");
    at.broker.publish(of(6), Vec::new()).await.expect("a take-over");
    let refused = at.broker.publish(of(5), vec![out("told-again-fenced", "a", 2, "")]).await;
    assert!(matches!(refused, Err(BrokerError::Fenced { given: 5, newest: 6, .. })), "{refused:?}");
    assert_eq!(at.all("told-again-fenced", 0).await.len(), 1);
}

/// A producer says what it knows to be there; a broker that has less took part in no such history.
pub async fn a_broker_that_lost_history_takes_nothing_on_top(at: &Bench) {
    at.topic("behind", 1).await;
    let from = |refill, after| Producer { service: "behind", epoch: 1, refill, after };
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
