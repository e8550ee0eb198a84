//! What is known of each subject, in memory: looked up without building a name that is thrown away.

use std::{collections::HashMap, sync::Arc};

use crate::{
    ports::store::DocBody,
    records::seen::{Seen, Stand, seen_body},
};

/// Where a mark is kept until they are forgotten.
#[derive(Clone, Copy)]
pub(crate) struct Slot(u32);

#[derive(Default)]
pub(crate) struct Marks {
    slots: HashMap<Arc<str>, Slot>,
    marks: Vec<Mark>,
    /// In the sequence in which they changed, so that a run can be replayed.
    changed: Vec<Slot>,
    /// The name looked up last.
    name: String,
}

struct Mark {
    name: Arc<str>,
    /// Highest sequence that is folded or waits to be; `None` before the first.
    heard: Option<u64>,
    /// The last that the next Commit covers.
    folded: Stand,
    queued: bool,
    changed: bool,
}

impl Marks {
    /// The mark of a subject, and whether it has heard this sequence; hears it.
    pub(crate) fn hear(&mut self, source: &str, subject: &str, sequence: u64) -> (Slot, bool) {
        let slot = self.slot(source, subject);
        let heard = &mut self.marks[slot.0 as usize].heard;
        let again = heard.is_some_and(|heard| sequence <= heard);
        if !again {
            *heard = Some(sequence);
        }
        (slot, again)
    }

    /// Notes what became of a fact.
    pub(crate) fn fold(&mut self, slot: Slot, stand: Stand, queued: bool) {
        let mark = &mut self.marks[slot.0 as usize];
        mark.folded = stand;
        mark.queued = queued;
        if !std::mem::replace(&mut mark.changed, true) {
            self.changed.push(slot);
        }
    }

    /// Whether the mark of a subject is in memory.
    pub(crate) fn has(&mut self, source: &str, subject: &str) -> bool {
        self.look_up(source, subject).is_some()
    }

    /// Takes a mark from the store.
    pub(crate) fn learn(&mut self, source: &str, subject: &str, seen: Seen) {
        let slot = self.slot(source, subject);
        let mark = &mut self.marks[slot.0 as usize];
        mark.heard = Some(seen.sequence);
        mark.folded = seen.stand();
        mark.queued = seen.queued;
    }

    /// How many changed since they were last taken.
    pub(crate) fn changed(&self) -> usize {
        self.changed.len()
    }

    /// Those that changed, each as it is kept; they count as unchanged from here on.
    pub(crate) fn take_changed(&mut self) -> impl Iterator<Item = (Arc<str>, DocBody)> + '_ {
        let marks = &mut self.marks;
        std::mem::take(&mut self.changed).into_iter().map(move |slot| {
            let mark = &mut marks[slot.0 as usize];
            mark.changed = false;
            (mark.name.clone(), seen_body(mark.folded, mark.queued))
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.marks.len()
    }

    pub(crate) fn forget(&mut self) {
        self.slots.clear();
        self.marks.clear();
        self.changed.clear();
    }

    fn slot(&mut self, source: &str, subject: &str) -> Slot {
        if let Some(slot) = self.look_up(source, subject) {
            return slot;
        }
        // More than fit in four bytes are forgotten long before.
        let slot = Slot(self.marks.len() as u32);
        let name = Arc::<str>::from(self.name.as_str());
        self.marks.push(Mark {
            name: name.clone(),
            heard: None,
            folded: Stand::default(),
            queued: false,
            changed: false,
        });
        self.slots.insert(name, slot);
        slot
    }

    fn look_up(&mut self, source: &str, subject: &str) -> Option<Slot> {
        self.name.clear();
        self.name.extend([source, "/", subject]);
        self.slots.get(self.name.as_str()).copied()
    }
}
