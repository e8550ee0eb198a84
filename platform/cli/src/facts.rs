//! `bongsu facts TOPIC`: what a context has told the others.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::args::{Facts, Place};
use crate::operator::Operator;
use crate::screen::{glance, plain, print};
use crate::tail::{Fact, Tail};

/// Prints facts from the first one on.
pub(crate) async fn facts(place: &Place, flags: &Facts) -> Result<ExitCode> {
    let operator = Operator::new(place.client()?);
    let mut tail = Tail::new(&operator, flags.key.clone()).await?;
    tail.add(std::slice::from_ref(&flags.topic)).await.with_context(|| format!("topic '{}'", flags.topic))?;
    loop {
        let Some(facts) = tail.next(flags.follow).await? else {
            if flags.follow {
                continue;
            }
            return Ok(ExitCode::SUCCESS);
        };
        for fact in facts {
            let shown = if flags.json { fact.json.to_string() } else { line(&fact) };
            if !print(&shown) {
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
}

/// `09:30:00.125 door.opened.v1 door/7 {"by":"me"}`
fn line(fact: &Fact) -> String {
    plain(&format!("{} {} {} {}", clock(&fact.time), fact.kind, fact.subject, glance(&fact.data.to_string())))
}

/// The time of day of an RFC 3339 time, to the millisecond.
pub(crate) fn clock(time: &str) -> &str {
    time.get(11..23).unwrap_or(time.trim_end_matches('Z'))
}
