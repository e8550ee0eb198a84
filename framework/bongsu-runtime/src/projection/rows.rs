//! Reading: states, rows, pages, and waiting for one's own writes.

use std::{sync::Arc, time::Duration};

use bongsu_core::Projection;

use crate::{
    commit::{
        core::Core,
        fail::{CommandError, failed},
    },
    ports::{
        broker::is_orphaned,
        store::{CommitId, Doc, DocKey, Read},
    },
    query::read::{Page, Range, decode, page},
    records::{
        generation::{root_of, shown_key, table},
        seen::{SEEN, Seen},
        token::Token,
    },
};

/// How long a read waits for a write at most: a read model is behind by milliseconds, and a person would ask again by then.
const PATIENCE: Duration = Duration::from_secs(2);
/// A row that is followed is looked at this often even when nobody said that it changed: a ring may be lost with its instance.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// A token so many facts of one stream beyond what a read model has seen is not shown within that time: one stream writes
/// some hundred events a second, so it is an error or an attempt to hold a reader.
const FAR: u64 = 1_000;

/// A row of the generation that is shown.
pub(crate) async fn row<P: Projection>(core: &Core, key: &str) -> Result<Option<P::Row>, CommandError> {
    let found = shown(core, &root_of::<P>(), |table| DocKey::new(table, key)).await?;
    found.map(|doc| decode(&doc.key, &doc.data)).transpose()
}

/// Rows by their keys, in the order asked, all read at one moment.
pub(crate) async fn rows_of<P: Projection>(core: &Core, keys: &[String]) -> Result<Vec<Option<P::Row>>, CommandError> {
    let root = root_of::<P>();
    core.health.is_shown(&root)?;
    loop {
        let believed = core.generations.believed(&root);
        let table = table(&root, believed);
        let mut wanted = vec![shown_key(&root)];
        wanted.extend(keys.iter().map(|key| DocKey::new(&table, key)));
        let mut found = core.store.docs(wanted).await.map_err(failed)?.into_iter();
        let mark = found.next().flatten();
        if core.generations.confirm(&root, believed, mark.as_ref()).map_err(failed)? {
            return found.map(|doc| doc.map(|doc| decode(&doc.key, &doc.data)).transpose()).collect();
        }
    }
}

/// Rows of the generation that is shown. The mark is read after the rows: as it never goes back, the generation
/// it still names was shown all the while.
pub(crate) async fn rows<P: Projection>(core: &Core, range: Range) -> Result<Page<P::Row>, CommandError> {
    let root = root_of::<P>();
    core.health.is_shown(&root)?;
    loop {
        let believed = core.generations.believed(&root);
        let rows = page(core, &table(&root, believed), range.clone()).await;
        let mark = core.store.docs(vec![shown_key(&root)]).await.map_err(failed)?.pop().flatten();
        if core.generations.confirm(&root, believed, mark.as_ref()).map_err(failed)? {
            return rows;
        }
    }
}

/// A document of the generation that is shown, read in one snapshot with the mark that says so.
async fn shown(core: &Core, root: &str, key: impl Fn(String) -> DocKey) -> Result<Option<Doc>, CommandError> {
    core.health.is_shown(root)?;
    loop {
        let believed = core.generations.believed(root);
        let keys = vec![shown_key(root), key(table(root, believed))];
        let mut found = core.store.docs(keys).await.map_err(failed)?.into_iter();
        let (mark, doc) = (found.next().flatten(), found.next().flatten());
        if core.generations.confirm(root, believed, mark.as_ref()).map_err(failed)? {
            return Ok(doc);
        }
    }
}

/// A row of the generation that is shown, with the Commit that wrote it last.
pub(crate) async fn revised_row<P: Projection>(
    core: &Core,
    key: &str,
) -> Result<Option<(P::Row, CommitId)>, CommandError> {
    let found = shown(core, &root_of::<P>(), |table| DocKey::new(table, key)).await?;
    found.map(|doc| Ok((decode(&doc.key, &doc.data)?, doc.revision))).transpose()
}

/// A row once it is another than the one of that Commit; `None` once there is none. Waits as long as it takes.
pub(crate) async fn changed_row<P: Projection>(
    core: &Arc<Core>,
    key: &str,
    known: Option<CommitId>,
) -> Result<Option<(P::Row, CommitId)>, CommandError> {
    let root = root_of::<P>();
    let mut waiter = None;
    loop {
        core.health.is_shown(&root)?;
        let believed = core.generations.believed(&root);
        let keys = vec![shown_key(&root), DocKey::new(table(&root, believed), key)];
        let mut found = core.store.docs(keys.clone()).await.map_err(failed)?.into_iter();
        let (mark, row) = (found.next().flatten(), found.next().flatten());
        if !core.generations.confirm(&root, believed, mark.as_ref()).map_err(failed)? {
            continue;
        }
        if row.as_ref().map(|row| row.revision) != known {
            return row.map(|row| Ok((decode(&row.key, &row.data)?, row.revision))).transpose();
        }
        let revisions = [&mark, &row].map(|doc| doc.as_ref().map(|doc| doc.revision));
        let rests_on: Vec<_> = keys.into_iter().zip(revisions).collect();
        let Some(waiter) = &waiter else {
            let busy = || CommandError::Unavailable("too many reads wait for what changes".into());
            let place = waiter.insert(core.waiters.join().ok_or_else(busy)?);
            // Looked at once more: what was written since is not told any more.
            place.saw(rests_on);
            continue;
        };
        waiter.saw(rests_on);
        waiter.news(core.env.as_ref(), LOOK_AGAIN).await;
    }
}

/// Whether a projection can ever show a token: its context is heard, and if it is this one, gave the token.
pub(crate) async fn can_show<P: Projection>(core: &Core, token: &Token) -> Result<bool, CommandError> {
    let root = root_of::<P>();
    let hears =
        |(fact, consumer): &(String, &str)| *consumer == root && fact.split('.').next() == Some(token.context.as_str());
    if token.sequence > token.version || !core.map.hears().iter().any(hears) {
        return Ok(false);
    }
    if token.context != core.map.name || token.version == 0 {
        return Ok(true);
    }
    let what = Read::Stream { stream: token.stream.clone(), after: token.version - 1 };
    Ok(!core.store.read(what, 1).await.map_err(failed)?.is_empty())
}

/// Waits until a projection shows what a token names: at most two seconds, and not at all while it is parked, while too
/// many wait, or when it is so far beyond what was seen that nobody would live to see it.
pub(crate) async fn await_token<P: Projection>(core: &Arc<Core>, token: &Token) -> Result<(), CommandError> {
    if token.sequence == 0 {
        return Ok(());
    }
    let root = root_of::<P>();
    let subject = format!("{}/{}", token.context, token.stream);
    let start = core.env.mono();
    let mut waiter = None;
    loop {
        let mark = mark_of(core, &root, &subject).await?;
        // What an orphan left says nothing of what came in its place.
        let partings = core.partings.of(&token.context);
        let orphaned = |seen: &&Seen| is_orphaned(partings.as_deref().unwrap_or_default(), seen.era, seen.position);
        let sequence = match mark.seen.as_ref().filter(|seen| !orphaned(seen)) {
            Some(seen) if seen.queued => {
                return Err(CommandError::Unavailable(format!("facts of {} wait for an operator", token.stream)));
            }
            Some(seen) if seen.sequence >= token.sequence => return Ok(()),
            seen => seen.map_or(0, |seen| seen.sequence),
        };
        let left = PATIENCE.saturating_sub(core.env.mono().saturating_sub(start));
        if left.is_zero() || token.sequence - sequence > FAR {
            return Err(CommandError::Unavailable(format!("{token} is not shown yet")));
        }
        let Some(waiter) = &waiter else {
            let busy = || CommandError::Unavailable("too many reads wait for what they wrote".into());
            let place = waiter.insert(core.waiters.join().ok_or_else(busy)?);
            // Looked at once more: what was written since is not told any more.
            place.saw(mark.rests_on);
            continue;
        };
        waiter.saw(mark.rests_on);
        waiter.news(core.env.as_ref(), left).await;
    }
}

/// What a read model has seen of a subject, and the documents that say so with their revisions.
struct Mark {
    seen: Option<Seen>,
    rests_on: Vec<(DocKey, Option<CommitId>)>,
}

async fn mark_of(core: &Core, root: &str, subject: &str) -> Result<Mark, CommandError> {
    loop {
        let believed = core.generations.believed(root);
        let keys = vec![shown_key(root), DocKey::of(SEEN, format!("{}/{subject}", table(root, believed)))];
        let mut found = core.store.docs(keys.clone()).await.map_err(failed)?.into_iter();
        let (shown, seen) = (found.next().flatten(), found.next().flatten());
        if core.generations.confirm(root, believed, shown.as_ref()).map_err(failed)? {
            let revisions = [&shown, &seen].map(|doc| doc.as_ref().map(|doc| doc.revision));
            let rests_on = keys.into_iter().zip(revisions).collect();
            let seen = seen.and_then(|doc| serde_json::from_slice::<Seen>(&doc.data).ok());
            return Ok(Mark { seen, rests_on });
        }
    }
}
