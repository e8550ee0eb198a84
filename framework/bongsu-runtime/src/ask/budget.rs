//! How many calls may be made again: a share of all, so that what is asked in vain does not multiply.

/// What making one call again costs: hundredths, so that a share in percent is paid in whole numbers.
const COST: u32 = 100;
/// Saved up at most, ten: after quiet hours a storm begins with no more than these.
const MOST: u32 = 10 * COST;
/// In hand at the beginning: the first call may break, too.
const FIRST: u32 = COST;

/// Hundredths of calls.
#[derive(Debug)]
pub(crate) struct Budget(u32);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(FIRST)
    }

    /// A call is made.
    pub(crate) fn deposit(&mut self, percent: u32) {
        self.0 = self.0.saturating_add(percent).min(MOST);
    }

    /// Whether one may be made again.
    pub(crate) fn withdraw(&mut self) -> bool {
        let left = self.0.checked_sub(COST);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_thousand_calls_that_all_break_a_share_is_made_again() {
        for percent in [0, 1, 20, 100] {
            let mut budget = Budget::new();
            let made_again = (0..1_000).filter(|_| {
                budget.deposit(percent);
                budget.withdraw()
            });
            assert_eq!(made_again.count() as u32, 10 * percent + u32::from(percent < 100), "{percent}");
        }
    }

    #[test]
    fn quiet_times_save_up_no_storm() {
        let mut budget = Budget::new();
        (0..1_000_000).for_each(|_| budget.deposit(20));
        assert_eq!((0..1_000).filter(|_| budget.withdraw()).count(), 10);
    }
}
