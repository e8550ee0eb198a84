//! In which order things are found, how many of each category, and where the next page begins: one pass over what matches.

use std::{
    collections::{BTreeMap, BinaryHeap},
    io,
};

use tantivy::{
    DocId, Score, SegmentOrdinal, SegmentReader,
    collector::{Collector, SegmentCollector},
    columnar::{Column, StrColumn},
};

/// The names of the columns.
pub(crate) const ID: &str = "id";
pub(crate) const CATEGORY: &str = "category";
pub(crate) const RANK: &str = "rank";
pub(crate) const SINCE: &str = "since";
/// What a match is worth; they add up. Every word in the names is more than every word anywhere.
pub(crate) const IN_NAMES: Score = 2.0;
pub(crate) const ANYWHERE: Score = 1.0;

/// Where something stands among what is found: first what bears all words in its names, then what ranks higher, is older, has
/// the smaller id. It says nothing of the rest of the index, so that pages fit together while that changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// 0 where the names have all words.
    class: u8,
    /// Higher comes first.
    rank: std::cmp::Reverse<u64>,
    since: u64,
    id: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Ids, the best first, at most as many as were asked for.
    pub ids: Vec<String>,
    /// How many there are in all, of the category that was asked for.
    pub total: u64,
    /// How many of each category, whichever was asked for.
    pub categories: BTreeMap<String, u64>,
    /// Where to go on, if there is more.
    pub next: Option<Place>,
}

impl Place {
    /// As bytes, for a cursor.
    pub fn to_bytes(&self) -> Vec<u8> {
        let numbers = [self.rank.0.to_be_bytes(), self.since.to_be_bytes()].concat();
        [&[self.class], &numbers[..], self.id.as_bytes()].concat()
    }

    /// What [`Place::to_bytes`] wrote; `None` for anything else.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (class, rest) = bytes.split_first()?;
        let (rank, rest) = rest.split_first_chunk()?;
        let (since, id) = rest.split_first_chunk()?;
        let (rank, since) = (u64::from_be_bytes(*rank), u64::from_be_bytes(*since));
        let id = std::str::from_utf8(id).ok()?.to_owned();
        Some(Self { class: *class, rank: std::cmp::Reverse(rank), since, id })
    }
}

/// One page of one category, or of all.
pub(crate) struct Shelf {
    pub(crate) category: Option<String>,
    pub(crate) after: Option<Place>,
    pub(crate) limit: usize,
}

/// What a part of the index has of it.
pub(crate) struct Part {
    id: StrColumn,
    category: Option<StrColumn>,
    rank: Column<u64>,
    since: Column<u64>,
    /// The category that is asked for, as this part numbers it; `Some(None)` where it has none of it.
    wanted: Option<Option<u64>>,
    after: Option<Place>,
    limit: usize,
    counted: BTreeMap<u64, u64>,
    total: u64,
    /// The best so far, the worst of them on top.
    best: BinaryHeap<Place>,
    failed: Option<io::Error>,
}

impl Collector for Shelf {
    type Fruit = io::Result<Found>;
    type Child = Part;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<Part> {
        let columns = segment.fast_fields();
        let category = columns.str(CATEGORY)?;
        let number = |name: &String| match &category {
            Some(column) => column.dictionary().term_ord(name.as_bytes()),
            None => Ok(None),
        };
        let wanted = self.category.as_ref().map(number).transpose()?;
        let id = columns.str(ID)?.ok_or_else(|| tantivy::TantivyError::InternalError("no ids".into()))?;
        Ok(Part {
            id,
            category,
            rank: columns.u64(RANK)?,
            since: columns.u64(SINCE)?,
            wanted,
            after: self.after.clone(),
            limit: self.limit,
            counted: BTreeMap::new(),
            total: 0,
            best: BinaryHeap::new(),
            failed: None,
        })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, parts: Vec<io::Result<Gathered>>) -> tantivy::Result<io::Result<Found>> {
        let parts: io::Result<Vec<Gathered>> = parts.into_iter().collect();
        Ok(parts.map(|parts| self.page(parts)))
    }
}

impl Shelf {
    fn page(&self, parts: Vec<Gathered>) -> Found {
        let mut found = Found::default();
        let mut best = Vec::new();
        for part in parts {
            found.total += part.total;
            for (name, count) in part.categories {
                *found.categories.entry(name).or_default() += count;
            }
            best.extend(part.best);
        }
        best.sort();
        found.next = (best.len() > self.limit).then(|| best[..self.limit].last().cloned()).flatten();
        best.truncate(self.limit);
        found.ids = best.into_iter().map(|place| place.id).collect();
        found
    }
}

/// What one part of the index gave.
pub(crate) struct Gathered {
    total: u64,
    categories: BTreeMap<String, u64>,
    best: Vec<Place>,
}

impl SegmentCollector for Part {
    type Fruit = io::Result<Gathered>;

    fn collect(&mut self, doc: DocId, score: Score) {
        if self.failed.is_none() {
            self.failed = self.take(doc, score).err();
        }
    }

    fn harvest(self) -> io::Result<Gathered> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let mut categories = BTreeMap::new();
        for (number, count) in &self.counted {
            if let Some(column) = &self.category {
                categories.insert(text(column, *number)?, *count);
            }
        }
        Ok(Gathered { total: self.total, categories, best: self.best.into_vec() })
    }
}

impl Part {
    fn take(&mut self, doc: DocId, score: Score) -> io::Result<()> {
        let category = self.category.as_ref().and_then(|column| column.term_ords(doc).next());
        if let Some(category) = category {
            *self.counted.entry(category).or_default() += 1;
        }
        if self.wanted.is_some_and(|wanted| wanted.is_none() || wanted != category) {
            return Ok(());
        }
        self.total += 1;
        let place = self.place(doc, score)?;
        if self.after.as_ref().is_none_or(|after| place > *after) {
            self.best.push(place);
        }
        // One more than asked for tells whether there is a next page.
        if self.best.len() > self.limit + 1 {
            self.best.pop();
        }
        Ok(())
    }

    fn place(&self, doc: DocId, score: Score) -> io::Result<Place> {
        let number = self.id.term_ords(doc).next();
        let id = number.map_or(Ok(String::new()), |number| text(&self.id, number))?;
        Ok(Place {
            class: u8::from(score < IN_NAMES),
            rank: std::cmp::Reverse(self.rank.first(doc).unwrap_or_default()),
            since: self.since.first(doc).unwrap_or_default(),
            id,
        })
    }
}

fn text(column: &StrColumn, number: u64) -> io::Result<String> {
    let mut text = String::new();
    column.ord_to_str(number, &mut text)?;
    Ok(text)
}
