//! Facts the broker does not have any more: a rebuild begins at the last refill of the whole context that is there
//! from its first mark to its last, as a lane that was cut does (`crate::consume::gap`).
//!
//! Unlike a lane it does not wait for one: what is shown has those facts, and an operator can ask again.

use crate::{
    ports::broker::{BrokerError, FETCH_BYTES, In, Partition},
    projection::rebuild::{
        build::{Build, Halt},
        fill::{FETCH_WAIT, replaced},
    },
    records::republish::{Mark, mark_of},
};

/// The refill a partition is in the midst of behind a message, and whether the message is left out: during a refill
/// everything that is not of it is in it, too, at its place.
pub(crate) fn behind(message: &In, refill: Option<u64>) -> (Option<u64>, bool) {
    let Some(filling) = refill else { return (None, false) };
    match mark_of(message) {
        Some(Mark::Began) => (Some(message.refill), true),
        Some(Mark::Ended) if message.refill == filling => (None, true),
        _ => (refill, message.refill != filling),
    }
}

impl Build {
    /// Moves a partition to the beginning of the last complete refill from this offset on.
    pub(crate) async fn begin_at_refill(&mut self, partition: &Partition, earliest: u64) -> Result<(), Halt> {
        let gone = || {
            let Partition { topic, index } = partition;
            Halt::Hopeless(format!(
                "facts of {topic} are gone: the broker keeps {topic}/{index} from {earliest} on; bongsu republish \
                 {topic}, and start it again when that is done"
            ))
        };
        let (refill, next) = self.last_refill(partition, earliest).await?.ok_or_else(gone)?;
        tracing::info!(read_model = self.table, refill, ?partition, "facts are gone: read from a refill on");
        self.refills.insert(partition.clone(), refill);
        self.skip_to(partition.clone(), next);
        Ok(())
    }

    /// The number of the last complete refill and the offset behind its first mark.
    async fn last_refill(&mut self, partition: &Partition, earliest: u64) -> Result<Option<(u64, u64)>, Halt> {
        let bounds = self.core.broker.bounds(&partition.topic).await.map_err(Halt::Broker)?;
        let end = bounds.partitions.iter().find(|(other, ..)| other == partition).map_or(0, |(.., end)| *end);
        let mut next = earliest;
        let mut began = None;
        let mut complete = None;
        while next < end {
            let want = vec![(partition.clone(), next)];
            let batch = match self.core.broker.fetch(want, FETCH_BYTES, FETCH_WAIT).await {
                Ok(batch) => batch,
                // Cut once more meanwhile.
                Err(BrokerError::Gone { earliest, .. }) if earliest > next => {
                    next = earliest;
                    began = None;
                    complete = None;
                    continue;
                }
                Err(error) => return Err(Halt::Broker(error)),
            };
            if batch.log != bounds.log {
                return Err(replaced());
            }
            let messages = batch.messages.into_iter().flat_map(|(_, messages)| messages);
            for message in messages {
                if message.offset < next {
                    continue;
                }
                next = message.offset + 1;
                match mark_of(&message) {
                    Some(Mark::Began) => began = Some((message.refill, next)),
                    Some(Mark::Ended) => {
                        complete = began.take().filter(|(refill, _)| *refill == message.refill).or(complete);
                    }
                    None => {}
                }
            }
        }
        Ok(complete)
    }
}
