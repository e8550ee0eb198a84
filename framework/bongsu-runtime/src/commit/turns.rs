//! One at a time per name: who wants what somebody already works on waits for it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Mutex as Line, OwnedMutexGuard};

/// The lines of those who want something, by its name; a line is kept as long as somebody stands in it.
#[derive(Default)]
pub(crate) struct Turns {
    lines: Mutex<BTreeMap<String, Arc<Line<()>>>>,
}

/// A turn: dropped, the next one has it.
pub(crate) struct Turn<'t> {
    turns: &'t Turns,
    name: &'t str,
    held: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits for a turn at this name.
    pub(crate) async fn turn<'t>(&'t self, name: &'t str) -> Turn<'t> {
        let line = self.lines().entry(name.to_owned()).or_default().clone();
        // Made before waiting: whoever gives up waiting leaves the line as well.
        let mut turn = Turn { turns: self, name, held: None };
        turn.held = Some(line.lock_owned().await);
        turn
    }

    fn lines(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Line<()>>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.held = None;
        let mut lines = self.turns.lines();
        if lines.get(self.name).is_some_and(|line| Arc::strong_count(line) == 1) {
            lines.remove(self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn the_second_waits_for_the_first_and_nobody_for_another_name() {
        let turns = Turns::default();
        let first = turns.turn("a").now_or_never();
        assert!(first.is_some());
        assert!(turns.turn("b").now_or_never().is_some());
        assert!(turns.turn("a").now_or_never().is_none(), "gives up waiting");
        drop(first);
        assert!(turns.lines().is_empty(), "nobody waits, nothing is kept");
        assert!(turns.turn("a").now_or_never().is_some());
    }
}
