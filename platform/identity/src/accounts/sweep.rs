//! Deletes what has expired, and finishes what forgetting left undone.

use std::time::Duration;

use bongsu_runtime::{CommandError, Range};

use super::forget;
use crate::{
    desk::Desk,
    private::tables::{Code, Document, EXPIRY, Failures, Family, Revoked, Session, Unscrubbed, moment},
};

/// Between two rounds.
const PAUSE: Duration = Duration::from_secs(60);
/// Deleted at once.
const BATCH: u32 = 200;

/// Sweeps for ever.
pub(crate) async fn sweep(desk: Desk) {
    loop {
        desk.handle.env().sleep(PAUSE).await;
        if let Err(why) = round(&desk).await {
            tracing::warn!(reason = %why, "what has expired is deleted later");
        }
    }
}

/// One round.
pub(crate) async fn round(desk: &Desk) -> Result<(), CommandError> {
    expired::<Session>(desk).await?;
    expired::<Code>(desk).await?;
    expired::<Family>(desk).await?;
    expired::<Revoked>(desk).await?;
    expired::<Failures>(desk).await?;
    let range = Range { limit: BATCH, ..Range::default() };
    for (person, Unscrubbed {}) in desk.handle.documents::<Unscrubbed>(Unscrubbed::TABLE, range).await?.rows {
        forget::clean_up(&desk.private, &person).await?;
    }
    Ok(())
}

/// The oldest first, as long as they have expired.
async fn expired<D: Document>(desk: &Desk) -> Result<(), CommandError> {
    let now = moment(desk.now_ms());
    loop {
        let oldest = desk.private.by_index::<D>(EXPIRY, Vec::new(), BATCH).await?;
        let dead: Vec<&String> = oldest
            .iter()
            .filter(|(_, document)| document.expires_ms().is_some_and(|at| moment(at) <= now))
            .map(|(id, _)| id)
            .collect();
        let deleted = desk.private.transact(Vec::new(), |script| {
            dead.iter().for_each(|id| script.delete(D::TABLE, id));
            if dead.is_empty() { Err(()) } else { Ok(()) }
        });
        deleted.await.map(drop)?;
        if dead.len() < BATCH as usize {
            return Ok(());
        }
    }
}
