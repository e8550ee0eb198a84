//! `bongsu events`: a context's own events; or every public fact of one key as it happens, indented by its cause.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{Events, Place};
use crate::causes::Causes;
use crate::facts::clock;
use crate::operator::Operator;
use crate::parked::escape;
use crate::screen::{coloured, glance, is_terminal, plain, print};
use crate::tail::{Fact, Tail};

/// How often a service is asked for new events of its own; facts are pushed, these are not.
const AGAIN: Duration = Duration::from_millis(200);
/// Events per page.
const PAGE: u32 = 500;
/// A private event that caused a fact is looked for among so many events before it.
const BEFORE: u32 = 1_000;

/// A page of `GET /bongsu/events`.
#[derive(Deserialize)]
struct Page {
    events: Vec<Value>,
    next: u64,
}

/// Prints events or facts.
pub(crate) async fn events(place: &Place, flags: &Events) -> Result<ExitCode> {
    let operator = Operator::new(place.client()?);
    match (&flags.key, &flags.context) {
        (Some(key), _) => by_cause(&operator, key, flags).await?,
        (None, Some(context)) => of_context(&operator, context, flags).await?,
        (None, None) => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// One context's events, private ones too, in the order of its store.
async fn of_context(operator: &Operator, context: &str, flags: &Events) -> Result<()> {
    let mut after = 0;
    // Somebody who follows does so over restarts, too; the first answer must come.
    let mut answered = false;
    loop {
        let page = match page(operator, context, after).await {
            Err(error) if !(flags.follow && answered) => return Err(error),
            page => page.ok(),
        };
        let whole = page.as_ref().is_some_and(|page| page.events.len() < PAGE as usize);
        if let Some(page) = page {
            answered = true;
            after = page.next;
            for event in page.events {
                if !print(&if flags.json { event.to_string() } else { event_line(&event) }) {
                    return Ok(());
                }
            }
        }
        match (flags.follow, whole) {
            (false, true) => return Ok(()),
            (true, _) => tokio::time::sleep(AGAIN).await,
            (false, false) => {}
        }
    }
}

async fn page(operator: &Operator, context: &str, after: u64) -> Result<Page> {
    let url = operator.service(context).await?;
    operator.get(&format!("{url}/bongsu/events?after={after}&limit={PAGE}")).await
}

/// `      17 door/7@3 opened.v1 {"by":"me"}`
fn event_line(event: &Value) -> String {
    let position = event["position"].as_u64().map_or_else(|| "-".to_owned(), |position| position.to_string());
    let (stream, name) = (event["stream"].as_str().unwrap_or("?"), event["name"].as_str().unwrap_or("?"));
    let data = glance(&event["data"].to_string());
    plain(&format!("{position:>8} {stream}@{} {name}.v{} {data}", event["version"], event["schema"]))
}

/// Every fact of a key, each under the one that caused it. Of each topic one partition is read, the key's; of the services'
/// own events those of the same correlation, and only before facts whose cause is no fact of the key.
async fn by_cause(operator: &Operator, key: &str, flags: &Events) -> Result<()> {
    if let Some(context) = &flags.context {
        is_known(operator, context).await?;
    }
    let mut tail = Tail::new(operator, Some(key.to_owned())).await?;
    let mut tree = Tree { operator, causes: Causes::default() };
    tail.add(&Tail::topics(operator).await?).await?;
    // The past is sorted as a whole: the page of one topic may hold effects whose causes come with the next.
    let mut past = Vec::new();
    while let Some(facts) = tail.next(false).await? {
        past.extend(facts);
    }
    past.sort_by(|a, b| a.time.cmp(&b.time));
    if !tree.show(past, flags).await || !flags.follow {
        return Ok(());
    }
    loop {
        match tail.next(true).await {
            Ok(Some(facts)) => {
                if !tree.show(facts, flags).await {
                    return Ok(());
                }
            }
            Ok(None) => {
                if let Ok(topics) = Tail::topics(operator).await {
                    let _ = tail.add(&topics).await;
                }
            }
            // The broker restarts; it will be there again at the same address.
            Err(error) => {
                operator.broker().await.with_context(|| format!("the broker is gone: {error}"))?;
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Whether there is such a context: a topic whose owner is no service of this system is one, too.
async fn is_known(operator: &Operator, context: &str) -> Result<()> {
    match operator.is_service(context).await? || Tail::topics(operator).await?.iter().any(|topic| topic == context) {
        true => Ok(()),
        false => {
            // Says which there are.
            operator.addresses(context).await?;
            bail!("{context} is no service, and has no facts")
        }
    }
}

struct Tree<'a> {
    operator: &'a Operator,
    causes: Causes,
}

impl Tree<'_> {
    /// Prints facts; false when nobody reads any more.
    async fn show(&mut self, facts: Vec<Fact>, flags: &Events) -> bool {
        for fact in facts {
            if !self.causes.knows(&fact.causationid) {
                // A service that is down, or not one of ours, cannot be asked; the tree is then a little flatter.
                let _ = self.learn(&fact).await;
            }
            let depth = self.causes.place(&fact);
            if flags.context.as_ref().is_some_and(|context| *context != fact.source) {
                continue;
            }
            let shown = if flags.json {
                json!({"depth": depth, "fact": fact.json}).to_string()
            } else {
                indented(&fact, depth)
            };
            if !print(&shown) {
                return false;
            }
        }
        true
    }

    /// Asks the service that told a fact what caused its events of the same correlation, as far as they stand shortly before
    /// it; the service leaves out all others.
    async fn learn(&mut self, fact: &Fact) -> Result<()> {
        let url = self.operator.service(&fact.source).await?;
        let after = fact.position.saturating_sub(u64::from(BEFORE));
        let correlation = escape(&fact.correlationid);
        let asked = format!("{url}/bongsu/events?after={after}&limit={BEFORE}&correlation={correlation}");
        for event in self.operator.get::<Page>(&asked).await?.events {
            let meta = |name: &str| event["meta"][name].as_str().unwrap_or_default().to_owned();
            self.causes.learn(meta("id"), meta("causation"));
        }
        Ok(())
    }
}

fn indented(fact: &Fact, depth: usize) -> String {
    let indent = if depth == 0 { String::new() } else { format!("{}└─ ", "   ".repeat(depth - 1)) };
    let kind = plain(&fact.kind);
    let time = plain(clock(&fact.time));
    let kind = if is_terminal() { coloured(&fact.source, &kind) } else { kind };
    let rest = plain(&format!("{} {}", fact.subject, glance(&fact.data.to_string())));
    format!("{time} {indent}{kind} {rest}")
}
