//! A map that keeps its most recently used entries within a number of bytes.
//!
//! Bytes, not entries: ten thousand small documents are nothing, ten thousand of a megabyte are a machine. What an
//! entry weighs is said by whoever puts it in.

use std::{borrow::Borrow, hash::Hash};

use lru::LruCache;

/// See the file's head. An entry that alone is heavier than all that fits is not kept.
pub(crate) struct Bounded<K: Hash + Eq, V> {
    entries: LruCache<K, (V, usize)>,
    bytes: usize,
    most: usize,
}

/// What an entry costs beside its content: its key, its place in the map, pointers.
const ENTRY: usize = 256;

impl<K: Hash + Eq, V> Bounded<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Self { entries: LruCache::unbounded(), bytes: 0, most }
    }

    /// What all entries weigh together.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key).map(|(value, _)| value)
    }

    pub(crate) fn put(&mut self, key: K, value: V, weight: usize) {
        let weight = weight.saturating_add(ENTRY);
        let before = self.entries.pop(&key).map_or(0, |(_, weight)| weight);
        self.bytes = self.bytes.saturating_sub(before);
        if weight > self.most {
            return;
        }
        self.entries.put(key, (value, weight));
        self.bytes += weight;
        while self.bytes > self.most
            && let Some((_, (_, weight))) = self.entries.pop_lru()
        {
            self.bytes -= weight;
        }
    }

    pub(crate) fn pop<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (value, weight) = self.entries.pop(key)?;
        self.bytes -= weight;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes_when_the_bytes_are_full_and_what_never_fits_is_not_kept() {
        let mut kept = Bounded::new(3_000);
        for key in ["a", "b"] {
            kept.put(key, key, 1_000);
        }
        assert_eq!((kept.get("a").copied(), kept.bytes()), (Some("a"), 2 * (1_000 + ENTRY)));
        kept.put("c", "c", 1_000);
        assert_eq!(
            (kept.get("a").copied(), kept.get("b").copied(), kept.get("c").copied()),
            (Some("a"), None, Some("c"))
        );
        kept.put("a", "smaller", 10);
        assert_eq!((kept.get("a").copied(), kept.bytes()), (Some("smaller"), 1_010 + 2 * ENTRY), "weighed anew");
        kept.put("c", "a giant", 3_000);
        assert_eq!((kept.get("c").copied(), kept.bytes()), (None, 10 + ENTRY), "and what it replaces is gone");
        assert_eq!((kept.pop("a"), kept.pop("a"), kept.bytes()), (Some("smaller"), None, 0));
    }
}
