//! note: [`service`] is the map, [`mod@note`] the rule.
#![forbid(unsafe_code)]

pub mod note;
pub mod api;

pub use bongsu::NoSettings as Settings;
use bongsu_core::{Metadata, Projection, Public, message};
use bongsu_runtime::Service;
use serde::{Deserialize, Serialize};

use crate::note::{Note, NoteEvent, NoteId, Notes};

/// The map of the note context: every arrow in or out is one line.
pub fn service(_: &Settings) -> Service {
    Service::new("note").decider(Notes, told).projection::<AllNotes>()
}

/// A note is there. The others hear this, and so does the list below.
#[message("note.note-written", version = 1, key = id)]
pub struct NoteWritten {
    pub id: NoteId,
    pub text: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// What the others hear of an event.
pub fn told(id: &str, event: &NoteEvent, _: &Note) -> Option<Public> {
    let NoteEvent::Written(e) = event.clone();
    Some(Public::of(&NoteWritten { id: id.into(), text: e.text, at_ms: e.at_ms }))
}

/// The list: a row per note.
pub struct AllNotes;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub id: NoteId,
    pub text: String,
}

impl Projection for AllNotes {
    const NAME: &'static str = "all-notes";
    const VERSION: u32 = 1;
    type Event = NoteWritten;
    type Row = Row;

    fn fold(_: &str, _: Option<Row>, event: &NoteWritten, _: &Metadata) -> Option<Row> {
        Some(Row { id: event.id.clone(), text: event.text.clone() })
    }
}
