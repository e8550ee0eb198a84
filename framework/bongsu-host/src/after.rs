//! `?after=`: reading one's own writes from a read model.

use axum::extract::FromRequestParts;
use bongsu_core::Projection;
use bongsu_runtime::{CommandError, Handle, Token};
use http::request::Parts;

use crate::{problem::Problem, query::once};

/// The position of a command's answer, after which a read is to be answered. 400 for what is no position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After(Option<Token>);

impl After {
    /// Waits until a read model shows the position; at once when none was given.
    ///
    /// # Errors
    /// 400 for a position this read model will never show (of a context it does not hear, or not given by this one);
    /// 503 with `Retry-After` after two seconds, and at once while what it waits for is parked.
    pub async fn shown_by<P: Projection>(&self, handle: &Handle) -> Result<(), Problem> {
        let Some(token) = &self.0 else { return Ok(()) };
        if !handle.can_show::<P>(token).await? {
            return Err(Problem::bad_request("`after` is a position this list never shows."));
        }
        match handle.await_token::<P>(token).await {
            Err(CommandError::Unavailable(why)) => {
                tracing::info!(reason = %why, "a read was not answered yet");
                Err(Problem::unavailable("What you wrote is not shown yet. Ask again in a moment."))
            }
            other => Ok(other?),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for After {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let not_a_position = || Problem::bad_request("`after` is not a position.");
        let token = once(&parts.uri, "after")?.map(|text| text.parse().map_err(|_| not_a_position())).transpose()?;
        Ok(Self(token))
    }
}
