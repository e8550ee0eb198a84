//! When something of the lists of to-dos is due, as far as this instance knows it without asking the store.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::records::todo::List;

/// The earliest due time that is news, by list.
pub(crate) type DueTimes = BTreeMap<List, i64>;

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
        self.learn(BTreeMap::from([(list, i64::MIN)]));
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
        assert_eq!((doubt, times), (true, BTreeMap::from([(LIST, i64::MIN)])));
        assert!(!due.take().doubt);
    }
}
