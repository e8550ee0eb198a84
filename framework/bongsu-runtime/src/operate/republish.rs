//! Asking for facts to be published again; the relay does it.

use std::sync::Arc;

use crate::{
    command::execute::is_heard,
    commit::{
        core::Core,
        fail::{CommandError, failed, refused},
        unit::Unit,
    },
    operate::{act::until_done, note::Deed},
    ports::{broker::Place, store::Read},
    records::{
        deed::{AboutRefill, REPUBLICATION_ASKED},
        republish::{Refill, Refills, decode_refills, refills_body, refills_key},
    },
    relay::republish,
};

/// Refills that wait at a time: they are one document, and each takes as long as a topic is; who asks for more is told.
pub(crate) const MOST: usize = 16;

/// Asks for a republication; its number, or `None` when there is no such stream.
/// Refused while the store's history has parted from the broker's: nothing of it would be published, and asking writes.
pub(crate) async fn ask_again(
    core: &Arc<Core>,
    subject: Option<&str>,
    deed: &Deed,
) -> Result<Option<u64>, CommandError> {
    is_heard(core).await?;
    if let Some(stream) = subject {
        let first = Read::Stream { stream: stream.to_owned(), after: 0 };
        if core.store.read(first, 1).await.map_err(failed)?.is_empty() {
            return Ok(None);
        }
    }
    until_done(core, &refills_key(), |unit| note_refill(unit, subject, deed)).await
}

/// Notes one more refill for the relay; its number.
async fn note_refill(mut unit: Unit, subject: Option<&str>, deed: &Deed) -> Result<Option<(Unit, u64)>, CommandError> {
    let mut refills = match unit.doc(&refills_key()).await.map_err(refused)? {
        Some(data) => decode_refills(&data).map_err(|why| failed(why.into()))?,
        None => Refills::default(),
    };
    if refills.waiting.len() >= MOST {
        return Err(CommandError::Unavailable(format!("{MOST} republications wait already")));
    }
    // Of milliseconds.
    let second = u64::try_from(unit.now_ms / 1_000).unwrap_or(0);
    let number = second.max(refills.last + 1);
    refills.last = number;
    let subject = subject.map(str::to_owned);
    let about = AboutRefill { refill: number, subject: subject.clone() };
    refills.waiting.push(Refill { number, subject, until: 0, done: 0, last: Place::default() });
    unit.put(refills_key(), Some(refills_body(&refills)));
    unit.note_deed(deed, REPUBLICATION_ASKED, "republish", about).await.map_err(refused)?;
    Ok(Some((unit, number)))
}

/// What waits or is under way.
pub(crate) async fn list_waiting(core: &Core) -> Result<Vec<Refill>, CommandError> {
    let (refills, _) = republish::read(core).await.map_err(failed)?;
    Ok(refills.waiting)
}
