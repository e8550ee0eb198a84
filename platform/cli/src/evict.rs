//! `bongsu evict`: gives up what is parked, with a reason that is kept.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;

use crate::args::{Evict, Place};
use crate::operator::Operator;
use crate::parked::Deed;

/// Gives up the oldest fact of parked queues, or parked timers, activities and undos.
pub(crate) async fn evict(place: &Place, flags: &Evict) -> Result<ExitCode> {
    let operator = Operator::new(place.client()?);
    let act = json!({ "actor": flags.by.actor, "reason": flags.reason });
    let deed = Deed { context: &flags.context, verb: "evict", done: "given up", act };
    deed.on(&operator, &flags.which).await
}
