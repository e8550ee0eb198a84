//! `POST /hold`, `DELETE /hold/{number}`: publishing stands still while somebody opens what is to be copied.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use bongsu_runtime::ports::broker::BrokerError;
use serde::{Deserialize, Serialize};

use super::{body::Read, who::Who};
use crate::{
    server::{hold::LONGEST, shared::Shared, writer::Work},
    wire::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// For how long at most.
    ms: u64,
}

#[derive(Serialize)]
pub(crate) struct Held {
    hold: u64,
}

/// Answers once nothing is being published and everything published before is durable.
pub(crate) async fn begin(State(shared): State<Arc<Shared>>, who: Who, body: Read) -> Result<Json<Held>, Problem> {
    who.may_hold()?;
    let Wish { ms } = body.json()?;
    let at_most = Duration::from_millis(ms);
    if at_most.is_zero() || at_most > LONGEST {
        return Err(BrokerError::Invalid(format!("ms is {ms}, expected 1 to {}", LONGEST.as_millis())).into());
    }
    let busy = || BrokerError::Unavailable("publishing is held already".into());
    let hold = shared.hold.begin(at_most).await.ok_or_else(busy)?;
    // Whoever went away without an answer left its job in the queue.
    shared.ask(Work::Nothing, body).await?;
    Ok(Json(Held { hold }))
}

/// 204, or 404 when it was over before: what was opened meanwhile may not fit together.
pub(crate) async fn release(
    State(shared): State<Arc<Shared>>,
    who: Who,
    Path(hold): Path<u64>,
) -> Result<StatusCode, Problem> {
    who.may_hold()?;
    match shared.hold.release(hold) {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::refused(404, "that hold is over")),
    }
}
