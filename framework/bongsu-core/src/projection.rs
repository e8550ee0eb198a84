//! Read models: rows folded from events.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::wire::{Wire, key_of};

/// What is known of an event besides what it says; the same whenever it is folded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// When it happened, milliseconds since the Unix epoch; `None` of a publisher that does not say.
    pub at_ms: Option<i64>,
    /// Its place among the events of its subject: strictly rising, gaps are normal.
    pub sequence: u64,
    /// Who asked for it: a principal, or the name of the policy or process that reacted; `None` of a publisher that does
    /// not say.
    pub actor: Option<String>,
}

/// Rows folded from facts, applied exactly once.
///
/// A projection over several contexts keeps one part per context in its row and derives what it shows
/// from the parts: facts of different contexts arrive in any order, and every order must end the same.
///
/// ```
/// use bongsu_core::{Metadata, Projection, message};
///
/// #[message("door.passed", version = 1, key = door)]
/// struct Passed { door: String, people: u32 }
///
/// struct Visitors;
/// impl Projection for Visitors {
///     const NAME: &'static str = "visitors";
///     const VERSION: u32 = 1;
///     type Event = Passed;
///     type Row = u32;
///     fn fold(_: &str, row: Option<u32>, event: &Passed, _: &Metadata) -> Option<u32> {
///         Some(row.unwrap_or(0) + event.people)
///     }
/// }
/// let passed = Passed { door: "front".into(), people: 2 };
/// assert_eq!(Visitors::fold("front", Some(3), &passed, &Metadata::default()), Some(5));
/// ```
pub trait Projection {
    /// Name of the table and of the consumer.
    const NAME: &'static str;
    /// Raised when the fold or the row changes; each version fills and serves its own table.
    const VERSION: u32;
    /// What it hears.
    type Event: Wire;
    /// One row.
    type Row: Serialize + DeserializeOwned;

    /// The rows an event touches: that of its key. Written out where it touches others.
    fn keys(event: &Self::Event) -> Vec<String> {
        vec![key_of(event)]
    }

    /// Folds one event into one row; `None` deletes the row.
    fn fold(key: &str, row: Option<Self::Row>, event: &Self::Event, metadata: &Metadata) -> Option<Self::Row>;

    /// Keys under which the row can be listed: (index number, key that sorts as bytes).
    fn index(_key: &str, _row: &Self::Row) -> Vec<(u16, Vec<u8>)> {
        Vec::new()
    }
}
