//! Work with I/O, run at least once, outside any Commit.

use bongsu_core::Wire;

use crate::{
    commit::map::{Attempt, Job, JobError},
    ports::Fut,
    records::message::Message,
};

/// Asks the outside world for something, triggered by an own private event.
///
/// It runs at least once per event, concurrently over different keys; its outcome is a command, decided in
/// the Commit that closes the job. Replay and rebuild never run it. The outside must recognise the key.
pub trait Activity: Send + Sync {
    /// Names the activity in jobs and logs; never changes.
    const NAME: &'static str;
    /// The private events that trigger it.
    type Event: Wire;
    /// Its outcome.
    type Command: Wire;

    /// Does the work. An implementation is an `async fn`.
    ///
    /// # Errors
    /// [`Unavailable`]: the outcome is unknown or the outside is down; it is run again later.
    fn run(
        &self,
        event: Self::Event,
        attempt: &Attempt<'_>,
    ) -> impl Future<Output = Result<Self::Command, Unavailable>> + Send;
}

/// Try again later, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

pub(crate) struct JobOf<A>(pub(crate) A);

impl<A: Activity> Job for JobOf<A>
where
    A::Event: Send,
    A::Command: Send + Sync,
{
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn wants(&self, event: &str) -> bool {
        A::Event::names().iter().any(|(name, _)| *name == event)
    }

    fn knows(&self, event: &Message) -> bool {
        A::Event::names().iter().any(|(name, newest)| *name == event.name && event.schema <= *newest)
    }

    fn run<'a>(&'a self, event: &'a Message, attempt: Attempt<'a>) -> Fut<'a, Result<Message, JobError>> {
        Box::pin(async move {
            let event = event.decode::<A::Event>().map_err(JobError::Undecodable)?;
            let outcome = self.0.run(A::Event::clone(&event), &attempt).await;
            outcome.map(Message::of).map_err(|later| JobError::Later(later.0))
        })
    }
}
