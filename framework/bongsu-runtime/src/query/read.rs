//! Reading: states, documents and pages of them.

use std::ops::Bound;

use bongsu_core::{Aggregate, StreamRef};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::{
    commit::{
        core::Core,
        fail::{CommandError, failed, refused},
    },
    ports::store::{DocKey, Scan},
};

/// Which rows to list.
#[derive(Clone, Debug, Default)]
pub struct Range {
    /// By this index, or by key when `None`.
    pub index: Option<u16>,
    /// Only keys that start so.
    pub prefix: Vec<u8>,
    /// Continue after this cursor.
    pub after: Option<Bytes>,
    /// Last first.
    pub descending: bool,
    /// At most so many.
    pub limit: u32,
}

/// Rows, and where to continue when there are more.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Id and row.
    pub rows: Vec<(String, T)>,
    /// The cursor of the last row, if there is more behind it.
    pub next: Option<Bytes>,
}

pub(crate) async fn load<A: Aggregate>(core: &Core, id: &str) -> Result<(A::State, u64), CommandError>
where
    A::State: Clone + Send + Sync + 'static,
{
    let known = core.committed(&StreamRef::of::<A>(id)).await.map_err(refused)?;
    let state = known.state.downcast_ref::<A::State>();
    let state = state.ok_or_else(|| CommandError::Corrupt("a state of another aggregate".into()))?;
    Ok((state.clone(), known.version))
}

pub(crate) async fn document<T: DeserializeOwned>(
    core: &Core,
    table: &str,
    id: &str,
) -> Result<Option<T>, CommandError> {
    let found = core.store.docs(vec![DocKey::new(table, id)]).await.map_err(failed)?.pop().flatten();
    found.map(|doc| decode(&doc.key, &doc.data)).transpose()
}

pub(crate) async fn page<T: DeserializeOwned>(core: &Core, table: &str, range: Range) -> Result<Page<T>, CommandError> {
    // A cursor from elsewhere must not reach beyond the prefix: other principals' rows are there.
    if range.after.as_ref().is_some_and(|after| !after.starts_with(&range.prefix)) {
        return Ok(Page { rows: Vec::new(), next: None });
    }
    let mut from = Bound::Included(Bytes::from(range.prefix.clone()));
    let mut to = after_prefix(&range.prefix).map_or(Bound::Unbounded, |end| Bound::Excluded(end.into()));
    if let Some(after) = range.after {
        if range.descending {
            to = Bound::Excluded(after);
        } else {
            from = Bound::Excluded(after);
        }
    }
    // One more than asked for tells whether there is a next page.
    let limit = range.limit.saturating_add(1);
    let scan = Scan { table: table.to_owned(), index: range.index, from, to, descending: range.descending, limit };
    let mut found = core.store.scan(scan).await.map_err(failed)?;
    let more = found.len() > range.limit as usize;
    found.truncate(range.limit as usize);
    let next = found.last().filter(|_| more).map(|(cursor, _)| cursor.clone());
    let rows = found.into_iter().map(|(_, doc)| Ok((doc.key.id.to_string(), decode(&doc.key, &doc.data)?)));
    Ok(Page { rows: rows.collect::<Result<_, CommandError>>()?, next })
}

pub(crate) fn decode<T: DeserializeOwned>(key: &DocKey, data: &[u8]) -> Result<T, CommandError> {
    serde_json::from_slice(data).map_err(|error| CommandError::Corrupt(format!("{key}: {error}")))
}

/// The first key in byte order that does not start with the prefix.
pub(crate) fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let end = prefix.iter().rposition(|byte| *byte < u8::MAX)?;
    let mut after = prefix[..=end].to_vec();
    after[end] += 1;
    Some(after)
}
