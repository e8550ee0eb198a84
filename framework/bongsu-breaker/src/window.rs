//! What became of the calls of the last seconds, in slices of time: the oldest is forgotten whole.

use std::time::Duration;

/// Into so many slices a window is cut: what is forgotten at once is a tenth of it.
const SLICES: u32 = 10;

/// Calls, those that failed and those that were slow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) calls: u32,
    pub(crate) failed: u32,
    pub(crate) slow: u32,
}

#[derive(Debug)]
pub(crate) struct Window {
    began: Duration,
    slice: Duration,
    slices: [Slice; SLICES as usize],
}

#[derive(Clone, Copy, Debug, Default)]
struct Slice {
    /// The how-manieth since the beginning.
    number: u128,
    figures: Figures,
}

impl Window {
    /// Of that length, from now on.
    pub(crate) fn new(length: Duration, now: Duration) -> Self {
        let slice = (length / SLICES).max(Duration::from_millis(1));
        Self { began: now, slice, slices: Default::default() }
    }

    /// Counts.
    pub(crate) fn add(&mut self, more: Figures, now: Duration) {
        let number = self.number(now);
        let slice = &mut self.slices[(number % u128::from(SLICES)) as usize];
        if slice.number != number {
            *slice = Slice { number, figures: Figures::default() };
        }
        slice.figures = slice.figures.and(more);
    }

    /// All that is not too long ago.
    pub(crate) fn sum(&self, now: Duration) -> Figures {
        let number = self.number(now);
        let known = self.slices.iter().filter(|slice| slice.number + u128::from(SLICES) > number);
        known.fold(Figures::default(), |sum, slice| sum.and(slice.figures))
    }

    fn number(&self, now: Duration) -> u128 {
        now.saturating_sub(self.began).as_nanos() / self.slice.as_nanos()
    }
}

impl Figures {
    /// A call that was answered well and in time.
    pub(crate) const CALL: Self = Self { calls: 1, failed: 0, slow: 0 };

    fn and(self, more: Self) -> Self {
        Self { calls: self.calls + more.calls, failed: self.failed + more.failed, slow: self.slow + more.slow }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_window_does_not_count() {
        let began = Duration::from_secs(7);
        let at = |ms: u64| began + Duration::from_millis(ms);
        let mut window = Window::new(Duration::from_secs(1), began);
        for ms in (0..1_000).step_by(100) {
            window.add(Figures::CALL, at(ms));
        }
        assert_eq!(window.sum(at(999)).calls, 10);
        assert_eq!(window.sum(at(1_000)).calls, 9);
        assert_eq!(window.sum(at(1_850)).calls, 1);
        assert_eq!(window.sum(at(1_900)).calls, 0);
        window.add(Figures { failed: 1, ..Figures::CALL }, at(1_000_000));
        assert_eq!(window.sum(at(1_000_000)), Figures { calls: 1, failed: 1, slow: 0 });
    }
}
