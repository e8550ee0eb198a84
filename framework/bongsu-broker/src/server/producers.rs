//! What the writer knows of services that publish; equals the file between transactions.

use std::collections::{BTreeMap, BTreeSet};

use bongsu_runtime::ports::{
    broker::{History, HistoryId, Parting, Place, Producer, Standing},
    store::CommitId,
};
use rusqlite::{Connection, params};

use super::log::Failed;

#[derive(Default)]
pub(crate) struct Producers {
    known: BTreeMap<String, Standing>,
    /// Those that changed since this was last asked.
    changed: BTreeSet<String>,
}

impl Producers {
    pub(crate) fn load(db: &Connection) -> rusqlite::Result<Self> {
        let mut known: BTreeMap<String, Standing> = BTreeMap::new();
        let mut rows = db.prepare("SELECT service, epoch, position, ordinal, wrote FROM producers")?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            let (service, refill) = parse(&name);
            let standing = known.entry(service.to_owned()).or_default();
            standing.epoch = standing.epoch.max(row.get::<_, i64>(1)?.cast_unsigned());
            let place = row.get::<_, Option<i64>>(2)?.zip(row.get::<_, Option<u32>>(3)?);
            if let Some((position, ordinal)) = place {
                let commit = row.get::<_, Option<[u8; 16]>>(4)?.map(|id| CommitId(u128::from_be_bytes(id)));
                standing.last.insert(refill, Place { position: position.cast_unsigned(), ordinal, commit });
            }
        }
        let mut rows = db.prepare("SELECT service, epoch, history, partings FROM histories")?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let standing = known.entry(row.get(0)?).or_default();
            standing.epoch = standing.epoch.max(row.get::<_, i64>(1)?.cast_unsigned());
            standing.history = Some(HistoryId(u128::from_be_bytes(row.get(2)?)));
            let partings: Vec<Parting> = serde_json::from_slice(row.get_ref(3)?.as_blob()?).map_err(unreadable)?;
            standing.partings = partings;
        }
        let changed = known.keys().cloned().collect();
        Ok(Self { known, changed })
    }

    /// What is known of a producer, if its batch may be appended.
    pub(crate) fn admit(
        &self,
        from: &Producer<'_>,
        batch: impl ExactSizeIterator<Item = Place>,
    ) -> Result<Standing, Failed> {
        let standing = self.known.get(from.service).cloned().unwrap_or_default();
        standing.admit(from, batch).map_err(Failed::Refused)?;
        Ok(standing)
    }

    /// Keeps how far a producer is. A new epoch is kept even when it brought nothing new: it shuts the old owner out.
    pub(crate) fn note(&mut self, db: &Connection, from: &Producer<'_>, last: Option<Place>) -> rusqlite::Result<()> {
        let standing = self.known.entry(from.service.to_owned()).or_default();
        if standing.epoch == from.epoch && standing.last_of(from.refill) == last {
            return Ok(());
        }
        standing.epoch = from.epoch;
        standing.last.extend(last.map(|last| (from.refill, last)));
        self.changed.insert(from.service.to_owned());
        keep(db, &name_of(from.service, from.refill), from.epoch, last)
    }

    /// Makes a history the one a service publishes.
    pub(crate) fn take_up(
        &mut self,
        db: &Connection,
        service: &str,
        epoch: u64,
        history: &History,
    ) -> Result<(), Failed> {
        let before = self.known.get(service).cloned().unwrap_or_default();
        let mut after = before.clone();
        after.take_up(service, epoch, history).map_err(Failed::Refused)?;
        if before == after {
            return Ok(());
        }
        if before.last != after.last {
            for refill in before.last.keys() {
                db.prepare_cached("DELETE FROM producers WHERE service = ?1")?.execute([name_of(service, *refill)])?;
            }
            for (refill, place) in &after.last {
                keep(db, &name_of(service, *refill), epoch, Some(*place))?;
            }
        }
        let id = after.history.map(|id| id.0.to_be_bytes());
        let partings = serde_json::to_vec(&after.partings).expect("partings have string keys and encode as JSON");
        db.prepare_cached(
            "INSERT OR REPLACE INTO histories (service, epoch, history, partings) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![service, after.epoch.cast_signed(), id, partings])?;
        self.known.insert(service.to_owned(), after);
        self.changed.insert(service.to_owned());
        Ok(())
    }

    /// Those that changed since this was last asked.
    pub(crate) fn take_changed(&mut self) -> impl Iterator<Item = (String, Standing)> + '_ {
        let known = &self.known;
        std::mem::take(&mut self.changed).into_iter().filter_map(|name| {
            let standing = known.get(&name)?.clone();
            Some((name, standing))
        })
    }
}

/// What a producer is kept under: a refill has a row of its own. No service has a `#` in its name that also is a
/// topic's.
fn name_of(service: &str, refill: u64) -> String {
    if refill == 0 { service.to_owned() } else { format!("{service}#{refill}") }
}

fn parse(name: &str) -> (&str, u64) {
    let refill = name.rsplit_once('#').and_then(|(service, refill)| Some((service, refill.parse().ok()?)));
    refill.unwrap_or((name, 0))
}

fn keep(db: &Connection, name: &str, epoch: u64, last: Option<Place>) -> rusqlite::Result<()> {
    let (position, ordinal) = last.map(|last| (last.position.cast_signed(), last.ordinal)).unzip();
    let commit = last.and_then(|last| last.commit).map(|id| id.0.to_be_bytes());
    db.prepare_cached(
        "INSERT OR REPLACE INTO producers (service, epoch, position, ordinal, wrote) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![name, epoch.cast_signed(), position, ordinal, commit])?;
    Ok(())
}

fn unreadable(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Blob, Box::new(error))
}
