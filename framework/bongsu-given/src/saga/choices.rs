//! One way after another through a tree of choices, each once.

/// The choices of one way, and how many there were at each fork.
#[derive(Default)]
pub(super) struct Choices {
    taken: Vec<(usize, usize)>,
    at: usize,
}

impl Choices {
    /// The choice at the next fork, below `of`. What has one way only is no fork.
    pub(super) fn choose(&mut self, of: usize) -> usize {
        if of <= 1 {
            return 0;
        }
        if self.at == self.taken.len() {
            self.taken.push((0, of));
        }
        let (chosen, was) = self.taken[self.at];
        assert_eq!(was, of, "the same way has other forks: something else than the script decides");
        self.at += 1;
        chosen
    }

    /// Turns to a way not gone yet; false when all are.
    pub(super) fn another(&mut self) -> bool {
        self.at = 0;
        while let Some((chosen, of)) = self.taken.last_mut() {
            *chosen += 1;
            if chosen < of {
                return true;
            }
            self.taken.pop();
        }
        false
    }
}
