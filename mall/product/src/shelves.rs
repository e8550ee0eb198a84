//! What can be found: every product on sale, in a search index of this instance's own, ranked by how often it was bought lately.
//!
//! The index holds no truth. It is filled from the store when it is first asked, so that nothing has to be kept or repaired
//! after a crash, and caught up with the catalogue before every answer: what was changed is found as soon as it is stored.
//! Rejected: an index on disk, which two instances cannot share and which would have to agree with a store.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use bongsu_host::problem::Problem;
use bongsu_runtime::{Handle, Range};
use bytes::Bytes;
use futures::lock::Mutex;
use product_domain::{about::Said, product::Product};
use search::{Entry, Found, Index, Place, SearchError, Words};

use crate::{
    catalogue::{self, BY_CHANGE, ON_SALE, PRODUCTS, ShownProduct, Stored},
    projections::confirmed::Confirmed,
};

/// How old a ranking may be, in milliseconds: nobody sees the difference, and every product that was bought is read for it.
const RANKED_MS: i64 = 5_000;
/// Documents of one reading.
const PAGE: u32 = 200;

/// The index, and how far it is.
pub struct Shelves {
    handle: Handle,
    /// Held by whoever catches up; nothing before it was filled.
    caught_up: Mutex<Option<CaughtUp>>,
    shelf: RwLock<Option<Shelf>>,
}

/// How far the index is.
struct CaughtUp {
    /// The last change of the catalogue that is in it.
    change: u64,
    /// When it was ranked, milliseconds since the Unix epoch.
    ranked_ms: i64,
    /// The rank of whatever has one.
    ranks: Ranks,
}

/// How often each product was bought lately, of those that were.
type Ranks = BTreeMap<String, u64>;

struct Shelf {
    index: Index,
    /// What is shown of everything in the index.
    shown: BTreeMap<String, ShownProduct>,
}

/// A page of what was found.
pub(crate) struct Seen {
    pub(crate) goods: Vec<ShownProduct>,
    pub(crate) found: Found,
}

impl Shelves {
    /// Filled when it is first asked.
    pub fn new(handle: Handle) -> Self {
        Self { handle, caught_up: Mutex::new(None), shelf: RwLock::new(None) }
    }

    /// What bears the words, as the catalogue is now.
    pub(crate) async fn find(
        &self,
        words: &Words,
        category: Option<&str>,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Seen, Problem> {
        self.catch_up().await?;
        let shelf = self.shelf.read().unwrap_or_else(PoisonError::into_inner);
        let Some(Shelf { index, shown }) = shelf.as_ref() else { return Err(broken(&"it was never filled")) };
        let found = index.find(words, category, after, limit as usize).map_err(|error| broken(&error))?;
        let goods = found.ids.iter().filter_map(|id| shown.get(id).cloned()).collect();
        Ok(Seen { goods, found })
    }

    /// Nothing to do but a look, mostly. Whoever has to wait for another finds it done.
    async fn catch_up(&self) -> Result<(), Problem> {
        let change = catalogue::last_change(&self.handle).await?;
        let mut caught_up = self.caught_up.lock().await;
        let now_ms = self.handle.env().wall_ms();
        let before = caught_up.as_ref();
        let ranked = before.filter(|before| now_ms.saturating_sub(before.ranked_ms) < RANKED_MS);
        if ranked.is_some_and(|before| before.change >= change) {
            return Ok(());
        }
        let mut fresh = if before.is_none() { self.uncounted().await? } else { Vec::new() };
        let from = before.map_or(0, |before| before.change);
        fresh.extend(self.changed_since(from).await?);
        let change = fresh.iter().map(|stored| stored.change).fold(from, u64::max);
        let (ranks, ranked_ms) = match ranked {
            Some(before) => (before.ranks.clone(), before.ranked_ms),
            None => (self.ranking(now_ms).await?, now_ms),
        };
        let none = Ranks::new();
        for sku in moved(before.map_or(&none, |before| &before.ranks), &ranks) {
            fresh.extend(self.handle.document::<Stored>(PRODUCTS, sku).await?);
        }
        let taken = self.take_in(&fresh, &ranks);
        // An index that takes nothing in is made anew by whoever asks next.
        *caught_up = taken.is_ok().then_some(CaughtUp { change, ranked_ms, ranks });
        taken.map_err(|error| {
            *self.shelf.write().unwrap_or_else(PoisonError::into_inner) = None;
            broken(&error)
        })
    }

    fn take_in(&self, fresh: &[Stored], ranks: &Ranks) -> Result<(), SearchError> {
        let mut shelf = self.shelf.write().unwrap_or_else(PoisonError::into_inner);
        let Shelf { index, shown } = match shelf.as_mut() {
            Some(shelf) => shelf,
            None => shelf.insert(Shelf { index: Index::new()?, shown: BTreeMap::new() }),
        };
        if fresh.is_empty() {
            return Ok(());
        }
        for stored in fresh {
            let sku = &*stored.product.sku;
            if stored.product.retired {
                index.remove(sku);
                shown.remove(sku);
            } else {
                index.put(&entry(stored, ranks.get(sku).copied().unwrap_or_default()))?;
                shown.insert(sku.to_owned(), stored.shown());
            }
        }
        index.commit()
    }

    /// What was written before changes were counted.
    async fn uncounted(&self) -> Result<Vec<Stored>, Problem> {
        let all = self.pages(ON_SALE, None).await?;
        Ok(all.into_iter().filter(|stored| stored.change == 0).collect())
    }

    async fn changed_since(&self, change: u64) -> Result<Vec<Stored>, Problem> {
        self.pages(BY_CHANGE, Some(Bytes::copy_from_slice(&change.to_be_bytes()))).await
    }

    async fn pages(&self, index: u16, mut after: Option<Bytes>) -> Result<Vec<Stored>, Problem> {
        let mut all = Vec::new();
        loop {
            let range = Range { index: Some(index), prefix: Vec::new(), after, descending: false, limit: PAGE };
            let page = self.handle.documents::<Stored>(PRODUCTS, range).await?;
            all.extend(page.rows.into_iter().map(|(_, stored)| stored));
            if page.next.is_none() {
                return Ok(all);
            }
            after = page.next;
        }
    }

    async fn ranking(&self, now_ms: i64) -> Result<Ranks, Problem> {
        let mut ranks = Ranks::new();
        let mut after = None;
        loop {
            let range = Range { index: None, prefix: Vec::new(), after, descending: false, limit: PAGE };
            let page = self.handle.rows::<Confirmed>(range).await?;
            let lately = page.rows.into_iter().map(|(sku, row)| (sku, row.rank(now_ms)));
            ranks.extend(lately.filter(|(_, rank)| *rank > 0));
            if page.next.is_none() {
                return Ok(ranks);
            }
            after = page.next;
        }
    }
}

/// What has another rank now, or none any more.
fn moved<'r>(old: &'r Ranks, new: &'r Ranks) -> impl Iterator<Item = &'r String> {
    let other = new.iter().filter(|(sku, rank)| old.get(*sku) != Some(rank)).map(|(sku, _)| sku);
    other.chain(old.keys().filter(|sku| !new.contains_key(*sku)))
}

fn entry(stored: &Stored, rank: u64) -> Entry {
    let Product { sku, name, about, .. } = &stored.product;
    let both = |said: &Said| [said.ko.clone(), said.en.clone()];
    let mut names = vec![name.clone()];
    names.extend(about.names.iter().flat_map(both).filter(|other| other != name));
    let option = about.choice.iter().flat_map(|choice| both(&choice.option));
    let texts = about.description.iter().flat_map(both).chain(option).chain([sku.to_string()]).collect();
    Entry { id: sku.to_string(), names, texts, category: about.category.clone(), rank, since: stored.since }
}

fn broken(error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%error, "goods cannot be looked for");
    Problem::unavailable("Nothing can be looked for at the moment.")
}
