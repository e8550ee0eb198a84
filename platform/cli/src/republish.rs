//! `bongsu republish`: has a context publish its facts again, and waits until it has.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::args::{Place, Republish};
use crate::operator::Operator;
use crate::screen::print;

/// How often it is asked whether it is done.
const AGAIN: Duration = Duration::from_millis(100);

/// Has all facts of a context, or those of one stream, published again.
pub(crate) async fn republish(place: &Place, flags: &Republish) -> Result<ExitCode> {
    let operator = Operator::new(place.client()?);
    let url = format!("{}/bongsu/republish", operator.service(&flags.context).await?);
    let wish = json!({ "subject": flags.subject, "actor": flags.by.actor, "reason": flags.reason });
    let answer = operator.post(&url, &wish).await?;
    let refill = match (answer.status, &flags.subject) {
        (202, _) => answer.body["refill"].clone(),
        (404, Some(subject)) => bail!("{} has no stream '{subject}'; a stream is AGGREGATE/ID", flags.context),
        (404, None) => bail!("{} publishes no facts", flags.context),
        _ => bail!("{}: {}", flags.context, answer.complaint()),
    };
    print(&format!("{} publishes {} again: refill {refill}", flags.context, what(flags)));
    if flags.detach {
        return Ok(ExitCode::SUCCESS);
    }
    loop {
        // The service may be restarted meanwhile, and at another address: whoever relays then goes on.
        if let Ok(url) = operator.service(&flags.context).await
            && let Ok(waiting) = operator.get::<Vec<Value>>(&format!("{url}/bongsu/republish")).await
            && waiting.iter().all(|one| one["number"] != refill)
        {
            print(&format!("{} has published {} again", flags.context, what(flags)));
            return Ok(ExitCode::SUCCESS);
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn what(flags: &Republish) -> String {
    flags.subject.as_ref().map_or_else(|| "all its facts".to_owned(), |subject| format!("the facts of {subject}"))
}
