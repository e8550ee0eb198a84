//! `bongsu evict`: gives up one parked thing, with a reason that is kept.

use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::json;

use crate::args::{Evict, Place};
use crate::operator::Operator;
use crate::parked::escape;
use crate::screen::print;

/// Gives up the oldest fact of a parked queue, or a parked timer, activity or undo.
pub(crate) async fn evict(place: &Place, flags: &Evict) -> Result<ExitCode> {
    let operator = Operator::new(place.client()?);
    let url = operator.service(&flags.context).await?;
    let act = json!({ "actor": flags.by.actor, "reason": flags.reason });
    let answer = operator.post(&format!("{url}/bongsu/parked/{}/evict", escape(&flags.id)), &act).await?;
    match answer.status {
        204 => print(&format!("{} is given up", flags.id)),
        404 => bail!("nothing called '{}' is parked in {}", flags.id, flags.context),
        _ => bail!("{}: {}", flags.id, answer.complaint()),
    };
    Ok(ExitCode::SUCCESS)
}
