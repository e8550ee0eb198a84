//! Epochs: a relay that lost its lease publishes nothing more.

use bongsu_runtime::ports::broker::BrokerError;

use super::bench::{Bench, bodies, out, sent};

/// The refusal names both epochs, and what the old owner sent is not in.
pub async fn an_older_epoch_is_refused_and_leaves_nothing(at: &Bench) {
    at.topic("fenced", 1).await;
    let batch = [out("fenced", "a", 1, "first"), out("fenced", "a", 2, "second"), out("fenced", "a", 3, "third")];
    at.publish("fenced", 3, vec![batch[0].clone()]).await.expect("the first owner");
    at.publish("fenced", 4, vec![batch[1].clone()]).await.expect("a take-over");
    let refused = at.publish("fenced", 3, vec![batch[2].clone()]).await;
    let fenced = BrokerError::Fenced { service: "fenced".to_owned(), given: 3, newest: 4 };
    assert_eq!(refused, Err(fenced));
    at.publish("fenced", 3, vec![batch[0].clone()]).await.expect_err("a duplicate of the old owner is refused too");
    at.publish("fenced", 4, vec![batch[2].clone()]).await.expect("the new owner goes on");
    assert_eq!(bodies(&at.all("fenced", 0).await), sent(&batch));
}

/// A new owner can shut the old one out before it has anything to publish.
pub async fn a_newer_epoch_fences_even_with_nothing_to_say(at: &Bench) {
    at.topic("silent", 1).await;
    at.publish("silent", 1, vec![out("silent", "a", 1, "")]).await.expect("the first owner");
    at.publish("silent", 2, Vec::new()).await.expect("an empty batch");
    let refused = at.publish("silent", 1, vec![out("silent", "a", 2, "")]).await;
    assert!(matches!(refused, Err(BrokerError::Fenced { given: 1, newest: 2, .. })), "{refused:?}");
    assert_eq!(at.all("silent", 0).await.len(), 1);
}

/// A high epoch of one service does not shut out another, even in one topic.
pub async fn a_fence_concerns_one_service_only(at: &Bench) {
    at.topic("fence-shared", 1).await;
    at.publish("fence-high", 9, vec![out("fence-shared", "a", 1, "")]).await.expect("epoch 9");
    at.publish("fence-low", 1, vec![out("fence-shared", "b", 1, "")]).await.expect("epoch 1 of another service");
    assert_eq!(at.all("fence-shared", 0).await.len(), 2);
}
