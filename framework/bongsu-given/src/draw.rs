//! Whatever comes, in whatever order: a rule tried with drawn inputs, each from a number that tells them again.

/// Draws from a seed. See [`whatever`].
pub struct Draw {
    seed: u64,
    state: u64,
}

/// Tries a rule with the inputs drawn from each of so many seeds; of one that fails, the seed is printed.
///
/// Enough for a rule over some small commands. What wants a failing case made smaller takes a library for it, at the
/// price of fifteen crates.
///
/// ```
/// bongsu_given::whatever(100, |draw| {
///     let (a, b) = (draw.below(10), draw.below(10));
///     assert_eq!(a + b, b + a);
///     assert!(a < 10 && ['x', 'y'].contains(draw.one_of(&['x', 'y'])));
/// });
/// ```
///
/// # Panics
/// When the rule does.
pub fn whatever(seeds: u64, rule: impl Fn(&mut Draw)) {
    for seed in 0..seeds {
        rule(&mut Draw { seed, state: seed });
    }
}

impl Draw {
    /// 64 bits (SplitMix64, Steele and others 2014).
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let first = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let second = (first ^ (first >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        second ^ (second >> 31)
    }

    /// A number in `0..n`; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        // Multiply-shift (Lemire 2019): the bias is below n / 2^64, and there is no division.
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// One of them.
    ///
    /// # Panics
    /// When there is none.
    pub fn one_of<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    /// So many below a bound, drawn, of what is made of further draws.
    pub fn list<T>(&mut self, below: u64, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(below)).map(|_| item(self)).collect()
    }
}

impl Drop for Draw {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("so it was with seed {}", self.seed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_seed_draws_the_same_again_and_every_seed_its_own() {
        let of = |seed| Draw { seed, state: seed }.bits();
        assert_eq!(of(7), of(7));
        assert_eq!((0..1000).map(of).collect::<BTreeSet<_>>().len(), 1000);
    }

    #[test]
    fn every_number_below_the_bound_is_drawn() {
        let mut draw = Draw { seed: 0, state: 0 };
        let drawn: BTreeSet<u64> = (0..100).map(|_| draw.below(6)).collect();
        assert_eq!(drawn, (0..6).collect());
        assert_eq!(draw.below(0), 0);
    }

    #[test]
    #[should_panic(expected = "seed 3 breaks it")]
    fn a_rule_that_some_seed_breaks_fails() {
        whatever(10, |draw| assert!(draw.seed != 3, "seed {} breaks it", draw.seed));
    }
}
