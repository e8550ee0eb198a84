//! `bongsu projections`: every read model, what is shown of it, and how far a rebuild is.

use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::args::{Place, Projections};
use crate::operator::Operator;
use crate::screen::{print, table};

/// Prints the read models of one context or of all that run.
pub(crate) async fn projections(place: &Place, flags: &Projections) -> Result<ExitCode> {
    let operator = Operator::new(place.client()?);
    if let (Some(context), Some(old)) = (&flags.context, &flags.drop) {
        return drop_old(&operator, context, old).await;
    }
    let services = match &flags.context {
        Some(context) => vec![context.clone()],
        None => operator.services().await?.into_iter().map(|service| service.name).collect(),
    };
    let (mut all, mut old) = (Vec::new(), Vec::new());
    for service in services {
        // One that is down must not hide what the others have, unless it is the one asked for.
        match of(&operator, &service).await {
            Ok(found) => {
                all.extend(found.into_iter().map(|mut one| {
                    one["context"] = service.clone().into();
                    one
                }));
                old.extend(old_of(&operator, &service).await?.into_iter().map(|one| (service.clone(), one)));
            }
            Err(error) if flags.context.is_some() => return Err(error),
            Err(error) => eprintln!("bongsu: {service}: {error:#}"),
        }
    }
    if flags.json {
        print(&serde_json::to_string_pretty(&all)?);
    } else if all.is_empty() {
        print("there are no read models");
    } else {
        let head = ["CONTEXT", "PROJECTION", "GENERATION", "BEHIND", "STATE"].map(str::to_owned).to_vec();
        let rows: Vec<Vec<String>> = std::iter::once(head).chain(all.iter().map(row)).collect();
        table(&rows).iter().all(|line| print(line));
    }
    if !flags.json {
        for (context, one) in old {
            print(&format!("{context} keeps {one} for going back: bongsu projections {context} --drop {one}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Has a service delete what it keeps of an earlier version.
async fn drop_old(operator: &Operator, context: &str, old: &str) -> Result<ExitCode> {
    let url = operator.service(context).await?;
    let (status, answer) = operator.order(&format!("{url}/bongsu/projections/{old}/drop")).await?;
    if status != 202 {
        bail!("{old}: {}", answer["detail"].as_str().unwrap_or("the service refuses"));
    }
    print(&format!("{old} is dropped; its rows are deleted little by little"));
    Ok(ExitCode::SUCCESS)
}

/// The read models of earlier versions of which a service keeps something.
async fn old_of(operator: &Operator, service: &str) -> Result<Vec<String>> {
    let url = operator.service(service).await?;
    Ok(operator.find(&format!("{url}/bongsu/projections/old")).await?.unwrap_or_default())
}

/// What a service says of its read models.
pub(crate) async fn of(operator: &Operator, service: &str) -> Result<Vec<Value>> {
    let url = operator.service(service).await?;
    // A process that is no service of ours has no such page.
    Ok(operator.find(&format!("{url}/bongsu/projections")).await?.unwrap_or_default())
}

fn row(one: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let behind = one["behind"].as_u64().map_or_else(|| "?".to_owned(), |behind| behind.to_string());
    let name = format!("{}@{}", text(&one["name"]), one["version"]);
    vec![text(&one["context"]), name, one["generation"].to_string(), behind, state(one)]
}

/// What a read model does, or how the last rebuild ended.
pub(crate) fn state(one: &Value) -> String {
    if one["filling"].is_object() {
        return progress(&one["filling"]);
    }
    let last = &one["last"];
    if let Some(shown) = last["shown"].as_object() {
        let seconds = shown["took_ms"].as_f64().unwrap_or(0.0) / 1_000.0;
        return format!("rebuilt from {} events in {seconds:.1} s", shown["events"]);
    }
    if let Some(checked) = last["checked"].as_object() {
        return format!("checked: {} of {} rows differ", checked["different"], checked["rows"]);
    }
    match last["failed"]["why"].as_str() {
        Some(why) => format!("the last rebuild was given up: {why}"),
        None => "live".to_owned(),
    }
}

/// `rebuilding generation 2: 40 % (400 of 1000 events), 200 events/s, 3 s left`
fn progress(filling: &Value) -> String {
    let (done, total) = (filling["done"].as_f64().unwrap_or(0.0), filling["total"].as_f64().unwrap_or(0.0));
    let percent = if total > 0.0 { (done / total * 100.0).min(100.0) } else { 0.0 };
    let what = if filling["purpose"] == "check" { "checking with" } else { "rebuilding" };
    let left = filling["eta_seconds"].as_f64().map_or(String::new(), |eta| format!(", {eta:.0} s left"));
    let rate = filling["rate"].as_f64().unwrap_or(0.0);
    let generation = &filling["generation"];
    format!("{what} generation {generation}: {percent:.0} % ({done} of {total} events), {rate:.0} events/s{left}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::state;

    #[test]
    fn a_state_reads_as_a_sentence() {
        let filling = json!({ "generation": 2, "purpose": "rebuild", "done": 400, "total": 1000, "rate": 200.4, "eta_seconds": 3.0 });
        let says = "rebuilding generation 2: 40 % (400 of 1000 events), 200 events/s, 3 s left";
        assert_eq!(state(&json!({ "filling": filling, "last": null })), says);
        let checked = json!({ "checked": { "rows": 7, "different": 0, "first": [] } });
        assert_eq!(state(&json!({ "filling": null, "last": checked })), "checked: 0 of 7 rows differ");
        assert_eq!(state(&json!({ "filling": null, "last": null })), "live");
    }
}
