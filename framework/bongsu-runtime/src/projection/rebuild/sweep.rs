//! Deleting a generation nobody is shown, a little at a time.

use std::ops::Bound;

use bytes::Bytes;

use crate::{
    commit::core::Core,
    ports::store::{Doc, DocWrite, Scan, StoreError},
    projection::rebuild::build::{Build, Halt},
    query::read::after_prefix,
    records::{
        cursor::CURSOR,
        queue::QUEUE,
        seen::SEEN,
        todo::TODO,
        todo_id::{queues_beside, queues_of},
    },
};

/// Documents per page and per Commit: deleting them holds the file for no longer than a few commands do, and nobody waits
/// for it.
const CHUNK: u32 = 100;

/// Documents of a table whose id starts so, page by page.
pub(crate) struct Pages<'a> {
    core: &'a Core,
    scan: Option<Scan>,
}

/// Walks a table by id, behind `after`.
pub(crate) fn pages<'a>(core: &'a Core, table: &str, after: Option<Bytes>, prefix: &str) -> Pages<'a> {
    let first = Bytes::copy_from_slice(prefix.as_bytes());
    let from = after.map_or(Bound::Included(first), Bound::Excluded);
    let to = after_prefix(prefix.as_bytes()).map_or(Bound::Unbounded, |end| Bound::Excluded(end.into()));
    Pages { core, scan: Some(Scan { from, to, ..Scan::table(table, CHUNK) }) }
}

impl Pages<'_> {
    /// The next documents; `None` behind the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Doc>>, StoreError> {
        let Some(scan) = self.scan.take() else { return Ok(None) };
        let found = self.core.store.scan(scan.clone()).await?;
        if found.len() == CHUNK as usize
            && let Some((last, _)) = found.last()
        {
            self.scan = Some(Scan { from: Bound::Excluded(last.clone()), ..scan });
        }
        Ok((!found.is_empty()).then(|| found.into_iter().map(|(_, doc)| doc).collect()))
    }
}

/// Where something of a generation is kept: tables, and what ids start with. Cursors first: none may be without its
/// marks.
pub(crate) fn parts(table: &str) -> [(String, String); 7] {
    let own = format!("{table}/");
    [
        (CURSOR.to_owned(), own.clone()),
        (TODO.to_owned(), queues_of(table)),
        (TODO.to_owned(), queues_beside(table)),
        (QUEUE.to_owned(), queues_of(table)),
        (QUEUE.to_owned(), queues_beside(table)),
        (table.to_owned(), String::new()),
        (SEEN.to_owned(), own),
    ]
}

impl Build {
    /// Deletes everything of the generations that are to go.
    pub(crate) async fn sweep(&mut self) -> Result<(), Halt> {
        while let Some(generation) = self.state.drop.first().copied() {
            let table = crate::records::generation::table(self.model.root(), generation);
            for (table, prefix) in parts(&table) {
                self.delete(&table, &prefix).await?;
            }
            self.state.drop.remove(0);
            let commit = self.commit()?;
            self.send(commit);
            self.settle().await?;
        }
        Ok(())
    }

    async fn delete(&mut self, table: &str, prefix: &str) -> Result<(), Halt> {
        let core = self.core.clone();
        let mut pages = pages(&core, table, None, prefix);
        while let Some(docs) = pages.next().await.map_err(Halt::Store)? {
            let since = core.env.mono();
            let mut commit = self.commit()?;
            commit.docs.extend(docs.into_iter().map(|doc| DocWrite { key: doc.key, put: None }));
            self.send(commit);
            self.settle().await?;
            if self.pace.is_busy().await {
                self.pace.rest(since).await;
            }
        }
        Ok(())
    }
}
