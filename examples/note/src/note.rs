//! One note: written once. Pure: it names the kernel and serde.

use bongsu_core::{Aggregate, Ctx, Decider, Messages, id, message};
use serde::{Deserialize, Serialize};

/// Which note.
#[id]
pub struct NoteId(String);

/// Write it.
#[message("note.write", version = 1, key = id)]
pub struct Write {
    pub id: NoteId,
    pub text: String,
}

/// What may be asked.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum NoteCommand {
    Write(Write),
}

/// It was written.
#[message("note.written", version = 1)]
pub struct Written {
    pub text: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum NoteEvent {
    Written(Written),
}

/// Why it did not.
#[message("note.rejection", version = 1)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum NoteRejection {
    /// There is one of this id.
    AlreadyWritten,
}

/// Decides over notes.
pub struct Notes;

/// What is known of one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// What it says, once it is written.
    pub text: Option<String>,
}

impl Aggregate for Notes {
    const NAME: &'static str = "note";
    type Event = NoteEvent;
    type State = Note;

    fn evolve(note: &mut Note, event: &NoteEvent) {
        let NoteEvent::Written(e) = event;
        note.text = Some(e.text.clone());
    }
}

impl Decider for Notes {
    type Command = NoteCommand;
    type Rejection = NoteRejection;

    fn decide(&self, note: &Note, command: NoteCommand, ctx: &Ctx) -> Result<Vec<NoteEvent>, NoteRejection> {
        match command {
            NoteCommand::Write(_) if note.text.is_some() => Err(NoteRejection::AlreadyWritten),
            NoteCommand::Write(c) => Ok(vec![Written { text: c.text, at_ms: ctx.now_ms }.into()]),
        }
    }
}
