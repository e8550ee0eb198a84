//! A lane whose next fact the broker does not have any more: it stops, looks for a refill of the whole context, and
//! goes on there.
//!
//! Going on with what is left instead would put later facts of a subject before the earlier ones, and what then came
//! again would be taken for old. So nothing is handled before the mark at which a refill began; from there to its end
//! only what the refill brings, which is in the order of the first time; and everything after that.

use std::sync::Arc;

use crate::{
    commit::{attempt::Tried, core::Core, unit::Unit},
    consume::lane::{Lane, Stop},
    ports::broker::{In, LogId},
    records::{
        cursor::Cursor,
        republish::{Mark, mark_of},
    },
};

impl Lane {
    /// Looks for a refill from this offset on; true when the lane has stopped with this.
    pub(crate) fn look_for_refill(&mut self, from: u64) -> bool {
        let newly = self.looking.is_none();
        self.looking = Some(from);
        newly
    }

    /// Whether it has stopped and looks for a refill.
    pub(crate) fn is_cut(&self) -> bool {
        self.looking.is_some()
    }

    /// Whether it has everything up to its offset.
    pub(crate) fn is_whole(&self) -> bool {
        self.looking.is_none() && self.cursor.as_ref().is_none_or(|cursor| cursor.refill.is_none())
    }

    /// Looks through messages for the beginning of a refill. When there, the lane stands behind it, durably; what
    /// follows it is returned.
    pub(crate) async fn find_refill<'m>(
        &mut self,
        core: &Arc<Core>,
        log: LogId,
        messages: &'m [In],
    ) -> Result<&'m [In], Stop> {
        let began = messages.iter().position(|message| mark_of(message) == Some(Mark::Began));
        let Some(at) = began else {
            self.looking = messages.last().map(|message| message.offset + 1).or(self.looking);
            return Ok(&[]);
        };
        let message = &messages[at];
        self.cursor = Some(Cursor { log, offset: message.offset + 1, refill: Some(message.refill) });
        let mut unit = Unit::new(core);
        self.advance(core, &mut unit)?;
        let id = unit.id;
        match core.attempt(unit.plan()).await? {
            Tried::Done => self.revision = Some(id),
            // The cursor has moved, or may have: the lane is opened anew.
            Tried::Overtaken(_) | Tried::Unknown(_) => return Err(Stop::Refused),
        }
        self.looking = None;
        Ok(&messages[at + 1..])
    }

    /// Where the cursor goes without handling a message: during a refill everything that is not of it is in it, too,
    /// at its place.
    pub(crate) fn pass_over(&self, message: &In) -> Option<Cursor> {
        let cursor = self.cursor.as_ref()?;
        let filling = cursor.refill?;
        let next = Cursor { offset: message.offset + 1, ..*cursor };
        match mark_of(message) {
            // An earlier one was broken off by the loss of its broker.
            Some(Mark::Began) => Some(Cursor { refill: Some(message.refill), ..next }),
            Some(Mark::Ended) if message.refill == filling => Some(Cursor { refill: None, ..next }),
            None if message.refill == filling => None,
            _ => Some(next),
        }
    }
}
