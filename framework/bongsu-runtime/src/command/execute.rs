//! Commands: decided, committed and answered exactly once per key.

use std::sync::Arc;

use bongsu_core::{Ctx, DecodeError, Wire};
use bytes::Bytes;

use crate::{
    commit::{
        attempt::Tried,
        core::Core,
        fail::{CommandError, Fail, failed, refused},
        map::Decided,
        unit::Unit,
    },
    ports::{Fut, coverage, store::Mismatch},
    records::{
        message::Message,
        once::{Once, RecordedReply, Reply, done, done_key, keep, once_key},
        token::Token,
    },
};

/// Who asks, and whether the answer is to be kept for a repetition.
#[derive(Clone, Debug)]
pub struct Call {
    /// What the decision may know.
    pub ctx: Ctx,
    /// The once-key of an idempotent request.
    pub once: Option<Once>,
}

/// How a command ended, before it is turned into a reply.
#[derive(Debug)]
pub enum Outcome<'a, R = Rejected> {
    /// Accepted.
    Accepted {
        /// Id of the aggregate.
        id: &'a str,
        /// Its version now.
        version: u64,
        /// For reading one's own writes.
        token: &'a Token,
    },
    /// Refused by a rule.
    Rejected(R),
}

/// A rejection whose type is hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Wire name.
    pub name: String,
    /// Its schema.
    pub schema: u32,
    /// Its body.
    pub data: Bytes,
}

/// A reply, and whether it was given before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What to answer.
    pub reply: Reply,
    /// Whether it is the kept answer of an earlier request.
    pub replayed: bool,
    /// Under which configuration it was decided; of a kept answer that is not known any more.
    pub revision: Option<Arc<str>>,
}

/// How often a command is decided again because something moved under it: with the pauses below for less than a second, in
/// which each time another command won. Then it is the caller who knows whether to go on.
const ATTEMPTS: u32 = 64;
/// So many times at once: each time another command won, so the next place in the queue is near.
const AT_ONCE: u32 = 8;
/// After that the pause grows with every so many attempts: all of them together take less than a second.
const PATIENCE: u32 = 16;

/// Plans what a request changes and how it is answered; called again when something moved under it.
pub(crate) trait Planner: Send + Sync {
    fn plan<'a>(&'a self, unit: &'a mut Unit) -> Fut<'a, Result<Reply, Fail>>;
}

/// Plans one command.
pub(crate) struct Decide<'c> {
    pub(crate) command: Message,
    pub(crate) ctx: &'c Ctx,
    pub(crate) reply: &'c Replying<'c>,
}

/// Turns an outcome into a reply; a rejection that is not what it should be is an error.
pub(crate) type Replying<'c> = dyn Fn(Outcome<'_, Message>) -> Result<Reply, DecodeError> + Send + Sync + 'c;

impl Planner for Decide<'_> {
    fn plan<'a>(&'a self, unit: &'a mut Unit) -> Fut<'a, Result<Reply, Fail>> {
        Box::pin(async move {
            let decided = unit.command(&self.command, self.ctx).await?;
            unit.settle_processes().await?;
            let reply = match decided {
                Decided::Accepted { stream, version } => {
                    let token = unit.token(&stream, version);
                    let id = stream.split_once('/').map_or(stream.as_str(), |(_, id)| id);
                    (self.reply)(Outcome::Accepted { id, version, token: &token })
                }
                Decided::Rejected(why) => (self.reply)(Outcome::Rejected(why)),
            };
            Ok(reply?)
        })
    }
}

/// An outcome with its rejection as the type it is asked for.
pub(crate) fn typed<R: Wire>(outcome: Outcome<'_, Message>) -> Result<Outcome<'_, R>, DecodeError> {
    Ok(match outcome {
        Outcome::Accepted { id, version, token } => Outcome::Accepted { id, version, token },
        Outcome::Rejected(why) => Outcome::Rejected(why.decode_command()?),
    })
}

/// An outcome whose rejection stays hidden.
pub(crate) fn hidden(outcome: Outcome<'_, Message>) -> Outcome<'_> {
    match outcome {
        Outcome::Accepted { id, version, token } => Outcome::Accepted { id, version, token },
        Outcome::Rejected(Message { name, schema, data, .. }) => Outcome::Rejected(Rejected { name, schema, data }),
    }
}

/// Plans and commits until it is done, refused for good, or overtaken too often. The reply is made once and
/// kept under the once-key; a rejection is answered only after what it rests on was confirmed.
pub(crate) async fn run(core: &Arc<Core>, call: &Call, planner: &dyn Planner) -> Result<Answer, CommandError> {
    is_heard(core).await?;
    for attempt in 0..ATTEMPTS {
        let mut unit = Unit::new(core);
        if let Some(answer) = kept(&mut unit, call).await? {
            core.env.sometimes(coverage::ONCE_AGAIN);
            return Ok(answer);
        }
        let reply = planner.plan(&mut unit).await.map_err(refused)?;
        leave_a_trace(&mut unit, call, &reply);
        let revision = unit.rules.revision.clone();
        match core.attempt(unit.plan()).await.map_err(failed)? {
            Tried::Done => return Ok(Answer { reply, replayed: false, revision }),
            Tried::Overtaken(mismatches) => {
                if let Some(answer) = overtaken(&mismatches, call)? {
                    core.env.sometimes(coverage::ONCE_OVERTAKEN);
                    return Ok(answer);
                }
            }
            // Planned again, it finds its own answer under the once-key, or another one's; without a key, nothing.
            Tried::Unknown(_) => {}
        }
        if attempt > AT_ONCE {
            core.env.sleep(core.pause(attempt / PATIENCE)).await;
        }
    }
    Err(CommandError::Conflict)
}

/// Keeps the answer under the once-key; without one, leaves under the Commit's own name that it was applied.
fn leave_a_trace(unit: &mut Unit, call: &Call, reply: &Reply) {
    match &call.once {
        Some(once) => unit.put(once_key(once), Some(keep(once, reply, unit.now_ms))),
        None => unit.put(done_key(unit.id), Some(done(unit.now_ms))),
    }
}

/// Whether anybody will hear of what is decided here.
pub(crate) async fn is_heard(core: &Core) -> Result<(), CommandError> {
    match core.histories.until_known().await {
        None => Ok(()),
        Some(why) => Err(CommandError::HistoryParted { context: core.map.name.to_owned(), why }),
    }
}

/// The kept answer of this once-key; reading it also guards that there is none.
async fn kept(unit: &mut Unit, call: &Call) -> Result<Option<Answer>, CommandError> {
    let Some(once) = &call.once else { return Ok(None) };
    let data = unit.doc(&once_key(once)).await.map_err(refused)?;
    let answer = data.map(|data| replay(&data, once)).transpose();
    if matches!(answer, Err(CommandError::KeyReused)) {
        unit.core.env.sometimes(coverage::ONCE_REUSED);
    }
    answer
}

/// If another request with the same once-key won, its answer.
fn overtaken(mismatches: &[Mismatch], call: &Call) -> Result<Option<Answer>, CommandError> {
    let Some(once) = &call.once else { return Ok(None) };
    let key = once_key(once);
    for mismatch in mismatches {
        if let Mismatch::Doc(found, Some(doc)) = mismatch
            && *found == key
        {
            return replay(&doc.data, once).map(Some);
        }
    }
    Ok(None)
}

fn replay(data: &[u8], once: &Once) -> Result<Answer, CommandError> {
    let kept: RecordedReply = serde_json::from_slice(data).map_err(|error| CommandError::Corrupt(error.to_string()))?;
    if kept.body != once.body {
        return Err(CommandError::KeyReused);
    }
    Ok(Answer { reply: kept.reply, replayed: true, revision: None })
}
