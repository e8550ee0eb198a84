//! What a broker remembers of a service that publishes, and how it judges what comes next: the same in every adapter.

use std::collections::BTreeMap;

use super::{BrokerError, History, HistoryId, Parting, Place, Producer};
use serde::{Deserialize, Serialize};

/// What is known of one service that publishes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The highest epoch it was ever seen with, in whatever it published.
    pub epoch: u64,
    /// The history it publishes; `None` when it keeps none, or before it named one.
    #[serde(default)]
    pub history: Option<HistoryId>,
    /// Where that history came from, oldest first.
    #[serde(default)]
    pub partings: Vec<Parting>,
    /// The last of each refill, and under 0 of what was published as it happened.
    #[serde(default)]
    pub last: BTreeMap<u64, Place>,
}

impl Standing {
    /// The last of the service that is there at all.
    pub fn newest(&self) -> Option<Place> {
        self.last.values().copied().max_by_key(Place::order)
    }

    /// The last of a refill; under 0 of what happens.
    pub fn last_of(&self, refill: u64) -> Option<Place> {
        self.last.get(&refill).copied()
    }

    /// How often its history has parted.
    pub fn era(&self) -> u32 {
        u32::try_from(self.partings.len()).unwrap_or(u32::MAX)
    }

    /// Whether a batch may be appended. Numbers alone do not tell: a copy of a store may have gone on beside it.
    ///
    /// # Errors
    /// [`BrokerError::Fenced`], [`BrokerError::Behind`] and [`BrokerError::Parted`].
    pub fn admit(
        &self,
        from: &Producer<'_>,
        mut batch: impl ExactSizeIterator<Item = Place>,
    ) -> Result<(), BrokerError> {
        let service = || from.service.to_owned();
        if from.epoch < self.epoch {
            return Err(BrokerError::Fenced { service: service(), given: from.epoch, newest: self.epoch });
        }
        let newest = if from.refill == 0 { self.newest() } else { self.last_of(from.refill) };
        let has = newest.unwrap_or_default();
        if has.order() < from.after.order() {
            let expected = from.after.position;
            return Err(BrokerError::Behind { service: service(), has: has.position, expected });
        }
        let parted = || Err(BrokerError::Parted { service: service(), has: has.position });
        if from.history != self.history {
            return parted();
        }
        if from.history.is_none() || from.refill > 0 || newest.is_none() || batch.len() == 0 {
            return Ok(());
        }
        let follows = has.agrees(&from.after);
        let again = has.order() > from.after.order() && batch.any(|place| has.agrees(&place));
        if follows || again { Ok(()) } else { parted() }
    }

    /// Makes a history the one that is published. One that came from the history there cuts it where they part: what
    /// was published beyond is orphaned, and the new history begins at that place.
    ///
    /// # Errors
    /// [`BrokerError::Fenced`]; [`BrokerError::Parted`] for a history that did not come from the one there.
    pub fn take_up(&mut self, service: &str, epoch: u64, history: &History) -> Result<(), BrokerError> {
        if epoch < self.epoch {
            return Err(BrokerError::Fenced { service: service.to_owned(), given: epoch, newest: self.epoch });
        }
        let newest = self.newest().unwrap_or_default();
        let news = match self.history {
            Some(known) if known == history.id => history.partings.len(),
            Some(known) => {
                let at = history.partings.iter().position(|parting| parting.from == known);
                at.ok_or_else(|| BrokerError::Parted { service: service.to_owned(), has: newest.position })?
            }
            None => 0,
        };
        self.epoch = epoch;
        if self.history == Some(history.id) {
            return Ok(());
        }
        self.history = Some(history.id);
        self.partings = history.partings.clone();
        let first = history.partings[news..].iter().min_by_key(|parting| parting.position);
        if let Some(Parting { position, commit, .. }) = first.filter(|first| first.position < newest.position) {
            let place = Place { position: *position, ordinal: u32::MAX, commit: *commit };
            self.last = BTreeMap::from([(0, place)]);
        }
        Ok(())
    }
}
