//! `bongsu stream`: one stream, how it is read, and its audit trail.

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{Place, Stream};
use crate::facts::clock;
use crate::operator::Operator;
use crate::parked::escape;
use crate::screen::{glance, plain, print};

/// Events per page.
const PAGE: usize = 500;

/// A page of `GET /bongsu/streams/{stream}`.
#[derive(Deserialize)]
struct Page {
    version: u64,
    snapshot: Option<Value>,
    folded: u64,
    events: Vec<Value>,
    next: u64,
}

/// Prints how the stream is read and everything that happened in it.
pub(crate) async fn stream(place: &Place, flags: &Stream) -> Result<ExitCode> {
    let operator = Operator::new(place.client()?);
    let service = operator.service(&flags.context).await?;
    let url = format!("{service}/bongsu/streams/{}", escape(&flags.stream));
    let mut after = 0;
    loop {
        let page: Option<Page> = operator.find(&format!("{url}?after={after}&limit={PAGE}")).await?;
        let page = page.with_context(|| format!("{} has no stream '{}'", flags.context, flags.stream))?;
        if after == 0 && !print(&head(&page, flags)) {
            return Ok(ExitCode::SUCCESS);
        }
        for event in &page.events {
            if !print(&if flags.json { event.to_string() } else { line(event) }) {
                return Ok(ExitCode::SUCCESS);
            }
        }
        if page.events.len() < PAGE {
            return Ok(ExitCode::SUCCESS);
        }
        after = page.next;
    }
}

/// `door/7: version 120, snapshot at 100, 20 events folded`
fn head(page: &Page, flags: &Stream) -> String {
    let (version, folded) = (page.version, page.folded);
    if flags.json {
        let head = json!({"stream": flags.stream, "version": version, "snapshot": page.snapshot, "folded": folded});
        return head.to_string();
    }
    let snapshot = match &page.snapshot {
        Some(snapshot) => format!("snapshot at {}", snapshot["version"]),
        None => "no snapshot".to_owned(),
    };
    plain(&format!("{}: version {version}, {snapshot}, {folded} events folded", flags.stream))
}

/// `       3 00:00:01.000 ann opened.v1 by door.open.v1 {"by":"me"}`
fn line(event: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let meta = &event["meta"];
    let name = text(&event["name"]);
    let by = meta["command"].as_str().map_or_else(String::new, |command| format!(" by {command}"));
    let when = clock(&text(&meta["time"])).to_owned();
    let who = text(&meta["actor"]);
    let data = event["data"].to_string();
    let version = event["version"].to_string();
    let schema = &event["schema"];
    plain(&format!("{version:>8} {when} {who} {name}.v{schema}{by} {}", glance(&data)))
}
