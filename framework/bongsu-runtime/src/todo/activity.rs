//! Work with I/O, run at least once, outside any Commit.

use std::time::Duration;

use bongsu_core::Wire;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    commit::map::{Attempt, Job, JobError},
    ports::{
        Fut,
        env::{HttpRequest, HttpResponse},
    },
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

/// The outside will never take this request, and it had no effect; with the status of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub u16);

impl Attempt<'_> {
    /// Posts `body` in JSON and reads the answer, which is 200 and in JSON. [`Refused`] is final: asking again would not
    /// help.
    ///
    /// # Errors
    /// [`Unavailable`] when there was no answer within `deadline`, the answer is not final, or it makes no sense: whether
    /// the request took effect is not known, and it has to be asked again under the same key.
    pub async fn post<T: DeserializeOwned>(
        &self,
        url: String,
        body: &impl Serialize,
        deadline: Duration,
    ) -> Result<Result<T, Refused>, Unavailable> {
        let body = serde_json::to_vec(body).map_err(|error| Unavailable(error.to_string()))?.into();
        let headers = vec![("content-type".into(), "application/json".into())];
        let request = HttpRequest { method: "POST", url, headers, body, deadline };
        sorted(&self.http.send(request).await.map_err(|error| Unavailable(error.to_string()))?)
    }
}

/// What is known after an answer.
fn sorted<T: DeserializeOwned>(answer: &HttpResponse) -> Result<Result<T, Refused>, Unavailable> {
    match answer.status {
        // OK, and nothing else: what was only accepted has not happened.
        200 => serde_json::from_slice(&answer.body)
            .map(Ok)
            .map_err(|error| Unavailable(format!("the answer makes no sense: {error}"))),
        status if is_final(status) => Ok(Err(Refused(status))),
        status => Err(Unavailable(format!("the answer was {status}"))),
    }
}

/// Whether a client error will be the same next time: not a wrong moment (408, 425), nor too many (429), nor a key that is
/// being renewed (401, 403).
fn is_final(status: u16) -> bool {
    // RFC 9110, 15.5: what the client would have to change.
    matches!(status, 400..=499) && !matches!(status, 401 | 403 | 408 | 425 | 429)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, body: &'static str) -> Result<Result<u64, Refused>, Unavailable> {
        sorted(&HttpResponse { status, body: body.into() })
    }

    #[test]
    fn an_answer_is_an_outcome_a_refusal_for_good_or_nothing_that_is_known() {
        assert_eq!(told(200, "7"), Ok(Ok(7)));
        for last in [400, 404, 409, 410, 422, 451, 499] {
            assert_eq!(told(last, ""), Ok(Err(Refused(last))));
        }
        for open in [100, 201, 204, 301, 401, 403, 408, 425, 429, 500, 503, 599] {
            assert!(told(open, "7").is_err_and(|why| why.0.contains(&open.to_string())), "{open}");
        }
        assert!(told(200, "{").is_err_and(|why| why.0.contains("makes no sense")));
        assert!(told(200, "-1").is_err_and(|why| why.0.contains("makes no sense")));
    }
}
