//! Chance: every draw comes from a named stream of the run's seed, never from the machine.

use std::{fmt, time::Duration};

use rand::{RngCore, SeedableRng, rngs::StdRng};

use crate::kernel::trace::mix;

/// One stream of random numbers. Streams of different names are independent, so that a draw more in one place
/// does not shift all the others.
#[derive(Clone, Debug)]
pub struct Dice(StdRng);

/// How likely something is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Chance {
    /// In how many of 2^32 cases.
    of_2_32: u64,
}

/// A range of durations to draw from, both ends included.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Shortest.
    pub from: Duration,
    /// Longest.
    pub to: Duration,
}

impl Dice {
    /// The stream `name` of a seed.
    pub fn new(seed: u64, name: &str) -> Self {
        Self(StdRng::seed_from_u64(mix(mix(0, seed), crate::kernel::trace::hash_of(name))))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..n`; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        // Multiply-shift (Lemire 2019): the bias is below n / 2^64, and there is no division.
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// Whether it happens this time. What never happens costs no draw.
    pub fn happens(&mut self, chance: Chance) -> bool {
        chance.of_2_32 > 0 && (self.bits() >> 32) < chance.of_2_32
    }

    /// A coin.
    pub fn coin(&mut self) -> bool {
        self.bits() & 1 == 1
    }

    /// One of them; `None` of nothing.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len() as u64) as usize)
    }

    /// A duration in the span.
    pub fn span(&mut self, span: Span) -> Duration {
        let width = span.to.saturating_sub(span.from).as_nanos() as u64;
        span.from + Duration::from_nanos(self.below(width.saturating_add(1)))
    }

    /// A waiting time whose mean is `mean`: between half and one and a half of it.
    pub fn around(&mut self, mean: Duration) -> Duration {
        self.span(Span { from: mean / 2, to: mean + mean / 2 })
    }
}

impl Chance {
    /// Never.
    pub const NEVER: Self = Self { of_2_32: 0 };
    /// Always.
    pub const ALWAYS: Self = Self { of_2_32: 1 << 32 };

    /// Once in `n` times; never when `n` is 0.
    pub const fn one_in(n: u32) -> Self {
        if n == 0 { Self::NEVER } else { Self { of_2_32: (1 << 32) / n as u64 } }
    }
}

impl Span {
    /// From so many to so many microseconds.
    pub const fn micros(from: u64, to: u64) -> Self {
        Self { from: Duration::from_micros(from), to: Duration::from_micros(to) }
    }

    /// From so many to so many milliseconds.
    pub const fn millis(from: u64, to: u64) -> Self {
        Self { from: Duration::from_millis(from), to: Duration::from_millis(to) }
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of_2_32 {
            0 => f.write_str("never"),
            of => write!(f, "1/{}", (1 << 32) / of),
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}..={:?}", self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chance_is_met_about_as_often_as_it_says() {
        let mut dice = Dice::new(1, "test");
        let met = (0..100_000).filter(|_| dice.happens(Chance::one_in(10))).count();
        assert!((9_500..10_500).contains(&met), "{met}");
        assert!((0..1_000).all(|_| dice.happens(Chance::ALWAYS) && !dice.happens(Chance::NEVER)));
    }

    #[test]
    fn streams_differ_by_name_and_by_seed_and_repeat() {
        let first = |seed, name: &str| Dice::new(seed, name).bits();
        assert_eq!(first(1, "a"), first(1, "a"));
        assert_ne!(first(1, "a"), first(1, "b"));
        assert_ne!(first(1, "a"), first(2, "a"));
    }

    #[test]
    fn a_span_reaches_both_ends_and_nothing_else() {
        let mut dice = Dice::new(3, "test");
        let span = Span { from: Duration::from_nanos(5), to: Duration::from_nanos(7) };
        let drawn: std::collections::BTreeSet<_> = (0..100).map(|_| dice.span(span).as_nanos()).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [5, 6, 7]);
    }
}
