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
        if weight > self.most {
            self.pop(&key);
            return;
        }
        let before = self.entries.put(key, (value, weight)).map_or(0, |(_, weight)| weight);
        self.weighs(before, weight);
    }

    /// What is kept under a key, to be changed in place and weighed anew.
    pub(crate) fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.entries.get_mut(key).map(|(value, _)| value)
    }

    /// Weighs anew what was changed in place.
    pub(crate) fn weigh<Q: Hash + Eq + ?Sized>(&mut self, key: &Q, weight: usize)
    where
        K: Borrow<Q>,
    {
        let weight = weight.saturating_add(ENTRY);
        if weight > self.most {
            self.pop(key);
        } else if let Some((_, known)) = self.entries.get_mut(key) {
            let before = std::mem::replace(known, weight);
            self.weighs(before, weight);
        }
    }

    /// What was used longest ago goes until everything fits.
    fn weighs(&mut self, before: usize, weight: usize) {
        self.bytes = self.bytes - before + weight;
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
        *kept.get_mut("a").unwrap() = "changed";
        kept.weigh("a", 20);
        assert_eq!((kept.get("a").copied(), kept.bytes()), (Some("changed"), 20 + ENTRY));
        kept.put("b", "b", 1_000);
        kept.weigh("b", 3_000);
        assert_eq!((kept.get("b").copied(), kept.bytes()), (None, 20 + ENTRY), "a giant in place");
        kept.put("a", "smaller", 10);
        assert_eq!((kept.pop("a"), kept.pop("a"), kept.bytes()), (Some("smaller"), None, 0));
    }
}
