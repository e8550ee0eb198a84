//! What an operator asks for is planned until it is durable.

use std::sync::Arc;

use crate::{
    commit::{
        attempt::Tried,
        core::Core,
        fail::{CommandError, failed},
        unit::Unit,
    },
    ports::store::DocKey,
};

/// Plans before an operator is told that others were faster: each time one of them has won, and an operator may say it
/// again.
const ATTEMPTS: u32 = 32;

/// Plans and commits until it is durable; `None`: the plan found nothing to do, and nothing is written.
/// `about` is a document that others write behind the cache's back. When nobody knows whether it is durable the operator
/// is told so, and looks: planned again, what was done would look like nothing to do.
pub(crate) async fn until_done<T, F>(
    core: &Arc<Core>,
    about: &DocKey,
    plan: impl Fn(Unit) -> F,
) -> Result<Option<T>, CommandError>
where
    F: Future<Output = Result<Option<(Unit, T)>, CommandError>>,
{
    for _ in 0..ATTEMPTS {
        core.cache().forget_doc(about);
        let Some((unit, answer)) = plan(Unit::new(core)).await? else { return Ok(None) };
        match core.attempt(unit.plan()).await.map_err(failed)? {
            Tried::Done => return Ok(Some(answer)),
            Tried::Overtaken(_) => {}
            Tried::Unknown(why) => return Err(CommandError::Unavailable(why)),
        }
    }
    Err(CommandError::Conflict)
}
