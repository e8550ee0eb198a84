//! How deep a fact stands in the tree of causes: one more than the fact it was decided upon.

use std::collections::HashMap;

use crate::tail::Fact;

/// Facts and private events seen so far.
#[derive(Default)]
pub(crate) struct Causes {
    /// Depth of every shown fact.
    depth: HashMap<String, usize>,
    /// Cause of private events, which stand between a fact and the fact that caused it.
    private: HashMap<String, String>,
    /// Depth of the last fact of each correlation.
    last: HashMap<String, usize>,
}

impl Causes {
    /// Whether the chain from this cause to a shown fact is known.
    pub(crate) fn knows(&self, cause: &str) -> bool {
        self.resolve(cause).is_some()
    }

    /// Learns what caused a private event.
    pub(crate) fn learn(&mut self, id: String, cause: String) {
        self.private.insert(id, cause);
    }

    /// The fact's depth, from now on known. Where no chain leads to a shown fact, a fact that is not the first of
    /// its correlation stands beside the one before.
    pub(crate) fn place(&mut self, fact: &Fact) -> usize {
        let depth = match self.resolve(&fact.causationid) {
            Some(depth) => depth + 1,
            None => self.last.get(&fact.correlationid).copied().unwrap_or(0),
        };
        self.depth.insert(fact.id.clone(), depth);
        if !fact.correlationid.is_empty() {
            self.last.insert(fact.correlationid.clone(), depth);
        }
        depth
    }

    /// The depth of the shown fact this cause leads to.
    fn resolve(&self, cause: &str) -> Option<usize> {
        let mut at = cause;
        // Bounded, because a foreign publisher may claim a circle of causes.
        for _ in 0..100 {
            if let Some(depth) = self.depth.get(at) {
                return Some(*depth);
            }
            at = self.private.get(at)?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(id: &str, cause: &str) -> Fact {
        serde_json::from_value(serde_json::json!({
            "id": id, "source": "s", "type": "s.t.v1", "subject": "x/1", "partitionkey": "1",
            "correlationid": "c", "causationid": cause,
        }))
        .unwrap()
    }

    #[test]
    fn a_fact_stands_under_the_fact_that_caused_it_also_through_private_events() {
        let mut causes = Causes::default();
        assert_eq!(causes.place(&fact("asked", "command")), 0);
        assert_eq!(causes.place(&fact("answered", "asked")), 1);
        assert!(!causes.knows("private-2"));
        causes.learn("private-2".into(), "private-1".into());
        causes.learn("private-1".into(), "answered".into());
        assert!(causes.knows("private-2"));
        assert_eq!(causes.place(&fact("rated", "private-2")), 2);
        assert_eq!(causes.place(&fact("heard", "asked")), 1);
        assert_eq!(causes.place(&fact("also heard", "unknown")), 1, "beside the one before");
    }

    #[test]
    fn a_circle_of_causes_ends() {
        let mut causes = Causes::default();
        causes.learn("a".into(), "b".into());
        causes.learn("b".into(), "a".into());
        assert!(!causes.knows("a"));
    }
}
