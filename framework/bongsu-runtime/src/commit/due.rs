//! When something of the lists of to-dos is due, as far as this instance knows it without asking the store.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::records::todo::List;

/// The earliest due time that is known, by list.
pub(crate) type DueTimes = BTreeMap<List, i64>;

/// Earlier than any moment a clock shows: what is due then is due at once, whatever the time is.
pub(crate) const AT_ONCE: i64 = i64::MIN;

/// What the drainer has to be told: it asks the store for a list only when something in it is due.
#[derive(Default)]
pub(crate) struct Due {
    news: Mutex<News>,
    /// Rung when there is news.
    pub(crate) rung: Notify,
}

/// What came since the drainer last asked.
#[derive(Default)]
pub(crate) struct News {
    /// What is known of all lists may be wrong.
    pub(crate) doubt: bool,
    pub(crate) times: DueTimes,
}

impl Due {
    /// To-dos that are durable now are due then.
    pub(crate) fn learn(&self, times: DueTimes) {
        if times.is_empty() {
            return;
        }
        let mut news = self.news();
        times.into_iter().for_each(|(list, at_ms)| earlier(&mut news.times, list, at_ms));
        drop(news);
        self.rung.notify_one();
    }

    /// A list is to be looked at at once.
    pub(crate) fn look_at(&self, list: List) {
        self.learn(BTreeMap::from([(list, AT_ONCE)]));
    }

    /// All of them are.
    pub(crate) fn look_at_all(&self) {
        self.news().doubt = true;
        self.rung.notify_one();
    }

    pub(crate) fn take(&self) -> News {
        std::mem::take(&mut *self.news())
    }

    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes a due time, unless one that is earlier is known.
pub(crate) fn earlier(times: &mut DueTimes, list: List, at_ms: i64) {
    times.entry(list).and_modify(|known| *known = at_ms.min(*known)).or_insert(at_ms);
}

/// How long until something is due: no time at all for what has become due since it was looked at. What is due and waits for
/// its turn waits for no time, but for the end of something in work.
pub(crate) fn until_next(times: &DueTimes, now_ms: i64) -> Option<Duration> {
    let waiting = times.values().filter(|at_ms| **at_ms != AT_ONCE);
    let left = |at_ms: &i64| u64::try_from(at_ms.saturating_sub(now_ms)).unwrap_or(0);
    waiting.map(left).min().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: List = List { shard: 3, index: 0 };

    #[test]
    fn of_two_times_the_earlier_counts_and_what_was_taken_is_no_news() {
        let due = Due::default();
        due.learn(BTreeMap::from([(LIST, 20)]));
        due.learn(BTreeMap::from([(LIST, 10), (List { index: 2, ..LIST }, 40)]));
        due.learn(BTreeMap::from([(LIST, 30)]));
        assert_eq!(due.take().times.into_values().collect::<Vec<_>>(), [10, 40]);
        due.look_at_all();
        due.look_at(LIST);
        let News { doubt, times } = due.take();
        assert_eq!((doubt, times), (true, BTreeMap::from([(LIST, AT_ONCE)])));
        assert!(!due.take().doubt);
    }
    #[test]
    fn what_has_become_due_while_other_lists_were_read_is_not_waited_for() {
        let times = |all: &[i64]| (0..).zip(all).map(|(shard, at_ms)| (List { shard, ..LIST }, *at_ms)).collect();
        let nap = |all: &[i64]| until_next(&times(all), 100).map(|left| left.as_millis());
        assert_eq!(nap(&[103, 250]), Some(3));
        assert_eq!(nap(&[98, 250]), Some(0), "it passed while others were read");
        assert_eq!(nap(&[AT_ONCE, 250]), Some(150), "what waits for its turn is rung for");
        assert_eq!(nap(&[AT_ONCE]), None);
    }
}
