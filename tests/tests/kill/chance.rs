//! Seeded chance: who dies next.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// A source of numbers (SplitMix64).
pub(crate) struct Chance(u64);

/// `SEED` of the environment, else another one every time.
#[expect(clippy::disallowed_methods, reason = "a test is told its seed by who runs it")]
pub(crate) fn seed() -> u64 {
    match std::env::var("SEED") {
        Ok(seed) => seed.parse().unwrap_or_else(|_| panic!("SEED={seed} is no number")),
        Err(_) => RandomState::new().build_hasher().finish() % 1_000_000,
    }
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}
