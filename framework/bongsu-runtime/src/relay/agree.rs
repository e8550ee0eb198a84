//! Store and broker compared: what the broker has last of this service must be in this store, written by the same Commit.

use crate::{
    commit::core::Core,
    ports::{
        broker::{History, Place, Standing},
        store::{Position, Read, StoreError},
    },
    relay::history::own,
};

/// What store and broker say of each other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Agreement {
    /// They agree up to this place: what comes after it is to be published.
    Upto(Place),
    /// They agree, but the broker does not know this history by its name yet.
    Unnamed,
    /// The broker has less than it acknowledged.
    Behind,
    /// What the broker has did not happen in this store, for this reason.
    Parted(String),
}

/// Compares what the broker knows with this store. `told` is the last that the broker acknowledged to it.
pub(crate) async fn ask(core: &Core, standing: &Standing, told: Place) -> Result<(History, Agreement), StoreError> {
    let mine = own(core).await?;
    let agreement = compare(core, &mine, standing, told).await?;
    Ok((mine, agreement))
}

async fn compare(core: &Core, mine: &History, standing: &Standing, told: Place) -> Result<Agreement, StoreError> {
    let newest = standing.newest();
    match standing.history {
        Some(known) if known == mine.id => {}
        Some(known) if mine.came_from(known) => return Ok(Agreement::Unnamed),
        Some(known) => {
            let why = format!("the broker has history {:032x} of it, this store is {:032x}", known.0, mine.id.0);
            return Ok(Agreement::Parted(why));
        }
        None if newest.is_none() || !mine.partings.is_empty() => return Ok(Agreement::Unnamed),
        None => {}
    }
    let Some(has) = newest else {
        return Ok(if told.position == 0 { Agreement::Upto(Place::default()) } else { Agreement::Behind });
    };
    if let Some(why) = differs(core, has).await? {
        return Ok(Agreement::Parted(why));
    }
    if standing.history.is_none() {
        if has.commit.is_none() {
            tracing::info!(position = has.position, "the broker noted no commit before: its last position is believed");
        }
        return Ok(Agreement::Unnamed);
    }
    Ok(if has.order() < told.order() { Agreement::Behind } else { Agreement::Upto(has) })
}

/// Why the last that the broker has did not happen here.
async fn differs(core: &Core, has: Place) -> Result<Option<String>, StoreError> {
    let Some(before) = has.position.checked_sub(1) else { return Ok(None) };
    let found = core.store.read(Read::Feed { after: Position(before) }, 1).await?.pop();
    let here = found.filter(|event| event.position == Some(Position(has.position)));
    Ok(match (here, has.commit) {
        (None, _) => {
            let head = core.store.head().await?.0;
            Some(format!("the broker has {} of it last, and this store ends at {head}", has.position))
        }
        (Some(event), Some(commit)) if event.commit != commit => {
            let position = has.position;
            let here = event.commit;
            Some(format!("position {position} is commit {commit:?} in the broker and {here:?} in this store"))
        }
        _ => None,
    })
}
