//! When a key is made, signs and goes. Pure.
//!
//! A key is shown for twice the time that clients may keep what they read before it signs, so that nobody meets a token of a
//! key they have not heard of; and it is shown until the last token it signed is dead. The first key of all signs at once:
//! nobody has read anything yet.

use crate::private::tables::{Ring, SigningKey};

/// Clocks of clients may be so much behind, milliseconds.
const LEEWAY_MS: i64 = 60_000;

/// The rhythm of keys, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// How long clients may keep what they read.
    pub(crate) cache_ms: i64,
    /// How long a key signs.
    pub(crate) life_ms: i64,
    /// How long a token lives.
    pub(crate) token_ms: i64,
}

impl Schedule {
    /// Whether the next key is to be made.
    pub(crate) fn wants_next(&self, ring: &Ring, now_ms: i64) -> bool {
        ring.keys.last().is_none_or(|newest| now_ms >= newest.signs_ms + self.life_ms - 2 * self.cache_ms)
    }

    /// From when on a key signs that is made now.
    pub(crate) fn signs_ms(&self, ring: &Ring, now_ms: i64) -> i64 {
        if ring.keys.is_empty() { now_ms } else { now_ms + 2 * self.cache_ms }
    }

    /// Which key signs.
    pub(crate) fn signing<'r>(&self, ring: &'r Ring, now_ms: i64) -> Option<&'r SigningKey> {
        // A clock that was set back leaves the oldest.
        ring.keys.iter().rev().find(|key| key.signs_ms <= now_ms).or(ring.keys.first())
    }

    /// The keys that are shown, and believed.
    pub(crate) fn shown<'r>(&self, ring: &'r Ring, now_ms: i64) -> impl Iterator<Item = &'r SigningKey> {
        let dead_ms = move |next: &SigningKey| next.signs_ms + self.token_ms + LEEWAY_MS;
        let next = ring.keys.iter().skip(1).map(Some).chain([None]);
        let is_alive = move |next: Option<&SigningKey>| next.is_none_or(|next| now_ms < dead_ms(next));
        ring.keys.iter().zip(next).filter(move |(_, next)| is_alive(*next)).map(|(key, _)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::clients::SigningAlg;

    const RHYTHM: Schedule = Schedule { cache_ms: 300_000, life_ms: 86_400_000, token_ms: 300_000 };

    fn key(kid: &str, made_ms: i64, signs_ms: i64) -> SigningKey {
        SigningKey { kid: kid.into(), alg: SigningAlg::ES256, private: String::new(), made_ms, signs_ms }
    }

    fn shown(ring: &Ring, now_ms: i64) -> Vec<&str> {
        RHYTHM.shown(ring, now_ms).map(|key| key.kid.as_str()).collect()
    }

    #[test]
    fn the_first_key_signs_at_once_and_the_next_after_twice_the_cache() {
        let mut ring = Ring::default();
        assert!(RHYTHM.wants_next(&ring, 0));
        ring.keys.push(key("a", 0, RHYTHM.signs_ms(&ring, 0)));
        assert!(!RHYTHM.wants_next(&ring, 0) && !RHYTHM.wants_next(&ring, 85_799_999));
        assert!(RHYTHM.wants_next(&ring, 85_800_000));
        ring.keys.push(key("b", 85_800_000, RHYTHM.signs_ms(&ring, 85_800_000)));
        assert_eq!(RHYTHM.signing(&ring, 86_399_999).unwrap().kid, "a");
        assert_eq!(RHYTHM.signing(&ring, 86_400_000).unwrap().kid, "b");
    }

    #[test]
    fn a_key_that_comes_late_is_shown_as_long_before_it_signs() {
        let ring = Ring { keys: vec![key("a", 0, 0)] };
        assert_eq!(RHYTHM.signs_ms(&ring, 999_000_000), 999_600_000);
    }

    #[test]
    fn a_key_is_shown_until_its_last_token_is_dead() {
        let ring = Ring { keys: vec![key("a", 0, 0), key("b", 85_800_000, 86_400_000)] };
        assert_eq!(shown(&ring, 85_800_000), ["a", "b"]);
        assert_eq!(shown(&ring, 86_759_999), ["a", "b"]);
        assert_eq!(shown(&ring, 86_760_000), ["b"]);
    }
}
