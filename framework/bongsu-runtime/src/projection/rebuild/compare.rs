//! A check: the rows shown against rows folded from the first fact, key by key, by a hash of their canonical JSON.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use bongsu_core::digest;

use crate::{
    ports::{
        broker::Partition,
        store::{Doc, DocKey},
    },
    projection::rebuild::{
        build::{Build, Halt},
        fill::cursors,
        sweep::{Pages, pages},
    },
    records::{
        cursor::{Cursor, cursor_key},
        generation::table,
        rebuild::Ended,
    },
};

/// Keys named in the outcome: enough to find what they have in common, and they fit a line each.
const NAMED: usize = 10;
/// Keys looked at a second time: a row changes between the two looks only where the lane works just then, which is at far
/// fewer of them.
const SUSPECTS: usize = 200;
/// How often both generations are tried to be caught at the same place: with two milliseconds between, for four seconds,
/// in which a lane that is behind comes nearer or stands still.
const TRIES: u32 = 2_000;

/// Rows in the order of their ids.
struct Walk<'a> {
    pages: Pages<'a>,
    page: std::vec::IntoIter<Doc>,
    head: Option<Doc>,
}

impl Walk<'_> {
    async fn step(&mut self) -> Result<(), Halt> {
        self.head = self.page.next();
        while self.head.is_none() {
            let Some(page) = self.pages.next().await.map_err(Halt::Store)? else { return Ok(()) };
            self.page = page.into_iter();
            self.head = self.page.next();
        }
        Ok(())
    }
}

impl Build {
    /// Compares everything; the outcome.
    pub(crate) async fn compare(&mut self, poison: &mut BTreeSet<String>) -> Result<Ended, Halt> {
        let (generation, _) = self.core.shown(self.model.root()).await.map_err(Halt::Store)?;
        let shown = table(self.model.root(), generation);
        self.meet(&shown, poison).await?;
        let (rows, suspects) = self.walk(&shown).await?;
        let mut different = Vec::new();
        for key in &suspects {
            if self.differs(&shown, key, poison).await? {
                different.push(key.clone());
            }
        }
        // More than were looked at a second time: too many to be rows that changed in between.
        let count = different.len() as u64;
        Ok(Ended::Checked { rows, different: count, first: different.into_iter().take(NAMED).collect() })
    }

    /// Walks both tables side by side: how many keys there are, and those whose rows were not the same. A row may
    /// have changed between the two looks.
    async fn walk(&mut self, shown: &str) -> Result<(u64, Vec<String>), Halt> {
        let core = self.core.clone();
        let walk =
            |table: &str| Walk { pages: pages(&core, table, None, ""), page: Vec::new().into_iter(), head: None };
        let (mut ours, mut theirs) = (walk(&self.table), walk(shown));
        ours.step().await?;
        theirs.step().await?;
        let mut rows = 0;
        let mut suspects = Vec::new();
        loop {
            let side = match (&ours.head, &theirs.head) {
                (None, None) => return Ok((rows, suspects)),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(our), Some(their)) => our.key.id.cmp(&their.key.id),
            };
            let (our, their) = (ours.head.as_ref(), theirs.head.as_ref());
            let same = side == Ordering::Equal && our.map(hash) == their.map(hash);
            rows += 1;
            if !same && suspects.len() < SUSPECTS {
                suspects.extend(if side == Ordering::Greater { their } else { our }.map(|doc| doc.key.id.to_string()));
            }
            if side != Ordering::Greater {
                ours.step().await?;
            }
            if side != Ordering::Less {
                theirs.step().await?;
            }
        }
    }

    /// Whether a key's rows differ in one snapshot in which both generations stand at the same place.
    async fn differs(&mut self, shown: &str, key: &str, poison: &mut BTreeSet<String>) -> Result<bool, Halt> {
        for _ in 0..TRIES {
            self.meet(shown, poison).await?;
            let partitions: Vec<Partition> = self.cursors.keys().cloned().collect();
            let mut keys = vec![DocKey::new(&self.table, key), DocKey::new(shown, key)];
            keys.extend(partitions.iter().map(|partition| cursor_key(shown, partition)));
            let mut docs = self.core.store.docs(keys).await.map_err(Halt::Store)?.into_iter();
            let (our, their) = (docs.next().flatten(), docs.next().flatten());
            let offset = |doc: Option<Doc>| {
                doc.and_then(|doc| serde_json::from_slice::<Cursor>(&doc.data).ok()).map_or(0, |it| it.offset)
            };
            if partitions.iter().zip(docs).all(|(partition, doc)| self.cursors[partition] == offset(doc)) {
                return Ok(our.as_ref().map(hash) != their.as_ref().map(hash));
            }
        }
        Err(Halt::Hopeless("so much happens that both tables were never seen at the same place".into()))
    }

    /// Reads on to where the generation shown is, and lets it come if it is behind.
    async fn meet(&mut self, shown: &str, poison: &mut BTreeSet<String>) -> Result<(), Halt> {
        /// The other lane is about to write: it is met in passing, so look often.
        const NAP: std::time::Duration = std::time::Duration::from_millis(2);
        let partitions: Vec<Partition> = self.cursors.keys().cloned().collect();
        for _ in 0..TRIES {
            let at = cursors(&self.core, shown, &partitions).await?.into_iter();
            let at = at.map(|(cursor, _)| cursor.map_or(0, |cursor| cursor.offset));
            let theirs: BTreeMap<Partition, u64> = partitions.iter().cloned().zip(at).collect();
            if self.cursors == theirs && self.refills.is_empty() {
                return Ok(());
            }
            if !self.follow(Some(&theirs), poison).await? {
                self.core.env.sleep(NAP).await;
            }
            if self.is_dirty() {
                self.flush().await?;
            }
            self.settle().await?;
        }
        Err(Halt::Hopeless("the rows shown never came to a place where they could be compared".into()))
    }
}

/// A hash of the row as canonical JSON: members sorted, no spaces. Bytes that are no JSON are hashed as they are.
fn hash(doc: &Doc) -> u128 {
    let value = serde_json::from_slice::<serde_json::Value>(&doc.data);
    let text = value.map_or_else(|_| format!("{:?}", doc.data), |value| value.to_string());
    digest(&[&text])
}
