//! Projections, folded over every interleaving.

use std::{collections::BTreeMap, fmt::Debug};

use bongsu_core::{Metadata, Projection, Wire};

use super::each_interleaving;

/// Rows by key.
type Rows<P> = BTreeMap<String, <P as Projection>::Row>;

/// Folds every interleaving of what several contexts say, and gives the rows, which must not differ.
///
/// Rows go through JSON after every fold, as in a store.
///
/// # Panics
/// When two interleavings end in different rows; the message names both.
///
/// ```
/// use bongsu_core::{Metadata, Projection, message};
/// use bongsu_given::rows;
///
/// #[message("door.passed", version = 1, key = door)]
/// struct Passed { door: String, people: u32 }
/// struct Visitors;
/// impl Projection for Visitors {
///     const NAME: &'static str = "visitors";
///     const VERSION: u32 = 1;
///     type Event = Passed;
///     type Row = u32;
///     fn keys(event: &Passed) -> Vec<String> { vec![event.door.clone()] }
///     fn fold(_: &str, row: Option<u32>, event: &Passed, _: &Metadata) -> Option<u32> { Some(row.unwrap_or(0) + event.people) }
/// }
/// let passed = |people| Passed { door: "front".into(), people };
/// assert_eq!(rows::<Visitors>(&[vec![passed(1), passed(2)], vec![passed(3)]])["front"], 6);
/// ```
#[track_caller]
pub fn rows<P: Projection>(sequences: &[Vec<P::Event>]) -> BTreeMap<String, P::Row>
where
    P::Row: Debug + PartialEq,
{
    let mut first: Option<(Vec<&'static str>, Rows<P>)> = None;
    each_interleaving(sequences, |run| {
        let names: Vec<_> = run.iter().map(|event| event.name().0).collect();
        let rows = fold::<P>(run);
        match &first {
            None => first = Some((names, rows)),
            Some((other, expected)) => assert_eq!(&rows, expected, "{names:?} ends otherwise than {other:?}"),
        }
    });
    first.expect("there is at least one interleaving").1
}

fn fold<P: Projection>(run: &[&P::Event]) -> Rows<P> {
    let mut rows = BTreeMap::new();
    for (sequence, event) in (1..).zip(run) {
        let metadata = Metadata { sequence, ..Metadata::default() };
        for key in P::keys(event) {
            let row = rows.remove(&key);
            if let Some(row) = P::fold(&key, row, event, &metadata) {
                let stored = serde_json::to_vec(&row).expect("a row is stored as JSON");
                rows.insert(key, serde_json::from_slice(&stored).expect("a row is read back from JSON"));
            }
        }
    }
    rows
}
