//! `bongsu parked` and `bongsu unpark`: what services put aside after too many failures.

use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::args::{Json, Place, Unpark};
use crate::operator::Operator;
use crate::screen::{plain, print, table};

/// Prints everything parked, of all services that run.
pub(crate) async fn parked(place: &Place, flags: &Json) -> Result<ExitCode> {
    let operator = Operator::new(place.client()?);
    let mut all = Vec::new();
    for service in operator.services().await? {
        // One that is down must not hide what the others have.
        match of(&operator, &service.name).await {
            Ok(parked) => all.extend(parked.into_iter().map(|mut one| {
                one["service"] = service.name.clone().into();
                one
            })),
            Err(error) => eprintln!("bongsu: {}: {error:#}", service.name),
        }
    }
    if flags.json {
        print(&serde_json::to_string_pretty(&all)?);
    } else if all.is_empty() {
        print("nothing is parked");
    } else {
        let columns = ["service", "kind", "key", "waiting", "attempts", "since", "trace", "id", "what", "error"];
        let head = columns.map(str::to_uppercase).to_vec();
        let row = |one: &Value| columns.map(|column| cell(one, column)).to_vec();
        let rows: Vec<Vec<String>> = std::iter::once(head).chain(all.iter().map(row)).collect();
        table(&rows).iter().all(|line| print(line));
    }
    Ok(ExitCode::SUCCESS)
}

/// Has one or all of a service's parked things tried again.
pub(crate) async fn unpark(place: &Place, flags: &Unpark) -> Result<ExitCode> {
    let operator = Operator::new(place.client()?);
    let parked = of(&operator, &flags.context).await?;
    let known = parked.iter().filter_map(|one| one["id"].as_str());
    let ids: Vec<&str> = known.filter(|id| flags.id.as_ref().is_none_or(|wanted| wanted == id)).collect();
    if let (Some(id), true) = (&flags.id, ids.is_empty()) {
        bail!("nothing called '{id}' is parked in {}", flags.context);
    }
    let url = operator.service(&flags.context).await?;
    let mut refused = 0;
    for id in &ids {
        let act = json!({ "actor": flags.by.actor });
        let answer = operator.post(&format!("{url}/bongsu/parked/{}/retry", escape(id)), &act).await?;
        // One that cannot be tried must not keep the others waiting.
        if answer.status == 204 {
            print(&plain(&format!("{id} is tried again")));
        } else {
            eprintln!("bongsu: {}", plain(&format!("{id}: {}", answer.complaint())));
            refused += 1;
        }
    }
    if ids.is_empty() {
        print("nothing is parked");
    }
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn of(operator: &Operator, service: &str) -> Result<Vec<Value>> {
    let url = operator.service(service).await?;
    // A process that is no service of ours has no such page, and nothing parked.
    Ok(operator.find(&format!("{url}/bongsu/parked")).await?.unwrap_or_default())
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
