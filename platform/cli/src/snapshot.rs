//! `bongsu snapshot`: what is done at midnight, now.

use std::process::ExitCode;

use anyhow::Result;
use serde::Deserialize;

use crate::args::{Place, Snapshot};
use crate::operator::Operator;
use crate::screen::print;

/// What one part of the walk did.
#[derive(Deserialize)]
struct Walk {
    written: u64,
    current: u64,
    failed: u64,
    done: bool,
}

/// Asks until the service has walked to the end of its events; prints how many streams were written.
pub(crate) async fn snapshot(place: &Place, flags: &Snapshot) -> Result<ExitCode> {
    let operator = Operator::new(place.client()?);
    let url = format!("{}/bongsu/snapshot", operator.service(&flags.context).await?);
    let mut sum = Walk { written: 0, current: 0, failed: 0, done: false };
    while !sum.done {
        let Walk { written, current, failed, done } = operator.post_for(&url).await?;
        sum =
            Walk { written: sum.written + written, current: sum.current + current, failed: sum.failed + failed, done };
    }
    print(&format!("{} snapshots written, {} were current, {} failed", sum.written, sum.current, sum.failed));
    Ok(if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
