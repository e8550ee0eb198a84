//! `bongsu parked` and `bongsu unpark`: what services put aside after too many failures.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::args::{Json, Place, Unpark, Which};
use crate::operator::Operator;
use crate::screen::{plain, print, table};

/// A service lists so many at once.
const PAGE: usize = 1_000;

/// Prints everything parked, of all services that run.
pub(crate) async fn parked(place: &Place, flags: &Json) -> Result<ExitCode> {
    let operator = Operator::new(place.client()?);
    let mut all = Vec::new();
    let mut silent = 0;
    for service in operator.services().await? {
        // One that is down must not hide what the others have.
        match of(&operator, &service.name).await {
            Ok(parked) => all.extend(parked.into_iter().map(|mut one| {
                one["service"] = service.name.clone().into();
                one
            })),
            Err(error) => {
                eprintln!("bongsu: {}: {error:#}", service.name);
                silent += 1;
            }
        }
    }
    if flags.json {
        print(&serde_json::to_string_pretty(&all)?);
    } else if all.is_empty() {
        print(if silent == 0 { "nothing is parked" } else { "nothing is parked where that could be asked" });
    } else {
        let columns = ["service", "kind", "key", "waiting", "attempts", "since", "trace", "id", "what", "error"];
        let head = columns.map(str::to_uppercase).to_vec();
        let row = |one: &Value| columns.map(|column| cell(one, column)).to_vec();
        let rows: Vec<Vec<String>> = std::iter::once(head).chain(all.iter().map(row)).collect();
        table(&rows).iter().all(|line| print(line));
    }
    Ok(if silent == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Has some or all of a service's parked things tried again.
pub(crate) async fn unpark(place: &Place, flags: &Unpark) -> Result<ExitCode> {
    let operator = Operator::new(place.client()?);
    let act = json!({ "actor": flags.by.actor });
    let deed = Deed { context: &flags.context, verb: "retry", done: "tried again", act };
    deed.on(&operator, &flags.which).await
}

/// What is done with parked things of a context.
pub(crate) struct Deed<'a> {
    pub(crate) context: &'a str,
    /// As the service calls it.
    pub(crate) verb: &'a str,
    /// As it is said of what it was done with.
    pub(crate) done: &'a str,
    /// Who does it, and why.
    pub(crate) act: Value,
}

impl Deed<'_> {
    /// Does it once with each id that is chosen now. An id names a queue: whoever else works on it meanwhile may have
    /// brought its next fact to the front.
    pub(crate) async fn on(&self, operator: &Operator, which: &Which) -> Result<ExitCode> {
        let url = operator.service(self.context).await?;
        let ids = self.chosen(operator, which).await?;
        let mut done = 0;
        let mut refused = 0;
        for id in &ids {
            if which.dry_run {
                print(&plain(&format!("{id} would be {}", self.done)));
                continue;
            }
            let answer = operator.post(&format!("{url}/bongsu/parked/{}/{}", escape(id), self.verb), &self.act).await;
            let answer = answer.with_context(|| format!("{done} of {} are {}", ids.len(), self.done))?;
            // One with which it cannot be done must not keep the others waiting.
            let why_not = match answer.status {
                204 => None,
                404 => Some(format!("nothing called '{id}' is parked in {}", self.context)),
                _ => Some(format!("{id}: {}", answer.complaint())),
            };
            match why_not {
                None => {
                    print(&plain(&format!("{id} is {}", self.done)));
                    done += 1;
                }
                Some(why_not) => {
                    eprintln!("bongsu: {}", plain(&why_not));
                    refused += 1;
                }
            }
        }
        match (ids.len(), which.dry_run) {
            (0, _) => drop(print("nothing is parked")),
            (many, true) => drop(print(&format!("{many} would be {}; nothing was changed", self.done))),
            (1, false) => {}
            (many, false) => drop(print(&format!("{done} of {many} are {}", self.done))),
        }
        Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The ids that are meant, each once: an id names the oldest fact of a queue, and twice would be two of them.
    async fn chosen(&self, operator: &Operator, which: &Which) -> Result<Vec<String>> {
        if !which.ids.is_empty() && !which.dry_run {
            let mut seen = BTreeSet::new();
            return Ok(which.ids.iter().filter(|id| seen.insert(*id)).cloned().collect());
        }
        let parked = of(operator, self.context).await?;
        let id = |one: &Value| one["id"].as_str().map(str::to_owned);
        let known: BTreeSet<String> = parked.iter().filter_map(id).collect();
        if let Some(unknown) = which.ids.iter().find(|id| !known.contains(*id)) {
            bail!("nothing called '{unknown}' is parked in {}", self.context);
        }
        let (member, wanted, whose) = match (&which.consumer, &which.adopted) {
            (Some(consumer), _) => ("whose", consumer, format!("nothing of '{consumer}'")),
            (None, Some(adopted)) => ("adopted", adopted, format!("no note about an adoption of '{adopted}'")),
            (None, None) => {
                return Ok(known.into_iter().filter(|id| which.ids.is_empty() || which.ids.contains(id)).collect());
            }
        };
        let chosen: Vec<String> = parked.iter().filter(|one| one[member] == **wanted).filter_map(id).collect();
        if chosen.is_empty() {
            bail!("{whose} is parked in {}", self.context);
        }
        Ok(chosen)
    }
}

/// All that a service has parked, page by page.
async fn of(operator: &Operator, service: &str) -> Result<Vec<Value>> {
    let url = operator.service(service).await?;
    let mut all: Vec<Value> = Vec::new();
    let mut after = String::new();
    loop {
        // A process that is no service of ours has no such page, and nothing parked.
        let page: Option<Vec<Value>> = operator.find(&format!("{url}/bongsu/parked?after={}", escape(&after))).await?;
        let page = page.unwrap_or_default();
        let last = page.last().and_then(|one| one["id"].as_str()).unwrap_or_default().to_owned();
        let whole = page.len() < PAGE || last <= after;
        all.extend(page);
        if whole {
            return Ok(all);
        }
        after = last;
    }
}

/// What a column says of one. What waits for a newer build needs nobody, and says so.
fn cell(one: &Value, column: &str) -> String {
    let waits = column == "error" && one["newer"] == true;
    let said = text(&one[column]);
    if waits { format!("waits for a newer build: {said}") } else { said }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Percent-encodes a path segment (RFC 3986 §2.3).
pub(crate) fn escape(segment: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    segment
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{cell, escape};

    #[test]
    fn what_waits_for_a_newer_build_says_so() {
        let mut one = serde_json::json!({ "what": "bell.rung.v2", "error": "v2 is newer", "newer": true });
        assert_eq!(cell(&one, "error"), "waits for a newer build: v2 is newer");
        assert_eq!(cell(&one, "what"), "bell.rung.v2");
        one["newer"] = false.into();
        assert_eq!(cell(&one, "error"), "v2 is newer");
    }

    #[test]
    fn an_id_is_one_path_segment_whatever_it_holds() {
        assert_eq!(escape("fact/door 7-a~b"), "fact%2Fdoor%207-a~b");
        assert_eq!(escape("문"), "%EB%AC%B8");
    }
}
