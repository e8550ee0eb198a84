//! Read models: rows folded from events.

use serde::{Serialize, de::DeserializeOwned};

use crate::wire::Wire;

/// Rows folded from facts, applied exactly once.
///
/// A projection over several contexts keeps one part per context in its row and derives what it shows
/// from the parts: facts of different contexts arrive in any order, and every order must end the same.
///
/// ```
/// use bongsu_core::{Projection, version};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// struct Sold { sku: String, quantity: u32 }
/// version!(Sold, "till.sold", 1);
///
/// struct Sales;
/// impl Projection for Sales {
///     const NAME: &'static str = "sales";
///     const VERSION: u32 = 1;
///     type Event = Sold;
///     type Row = u32;
///     fn keys(event: &Sold) -> Vec<String> { vec![event.sku.clone()] }
///     fn fold(_: &str, row: Option<u32>, event: &Sold) -> Option<u32> {
///         Some(row.unwrap_or(0) + event.quantity)
///     }
/// }
/// let sold = Sold { sku: "TV".into(), quantity: 2 };
/// assert_eq!(Sales::fold("TV", Some(3), &sold), Some(5));
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

    /// The rows an event touches.
    fn keys(event: &Self::Event) -> Vec<String>;

    /// Folds one event into one row; `None` deletes the row.
    fn fold(key: &str, row: Option<Self::Row>, event: &Self::Event) -> Option<Self::Row>;

    /// Keys under which the row can be listed: (index number, key that sorts as bytes).
    fn index(_key: &str, _row: &Self::Row) -> Vec<(u16, Vec<u8>)> {
        Vec::new()
    }
}
