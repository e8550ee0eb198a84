//! `bongsu breakers`: what the gateway's breakers do and why, and holding those of a service for a while.

use std::process::ExitCode;

use anyhow::{Context, Result};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{Breakers, Force, Place};
use crate::operator::Operator;
use crate::screen::{print, table};

/// Where a gateway shows them, and is told of them.
const BREAKERS: &str = "/bongsu/breakers";

/// What a gateway lists.
#[derive(Deserialize)]
struct Listing {
    /// Whether there are any: `on` or `off`.
    state: String,
    breakers: Vec<Value>,
}

/// A breaker, as far as it is shown.
#[derive(Deserialize)]
struct Breaker {
    gateway: String,
    service: String,
    route: String,
    state: String,
    forced: bool,
    left_ms: Option<u64>,
    why: Option<String>,
    calls: u32,
    failed: u32,
    slow: u32,
    opened: u64,
    refused: u64,
}

/// Holds them if that is wanted, and prints how they are then.
pub(crate) async fn breakers(place: &Place, flags: &Breakers) -> Result<ExitCode> {
    let operator = Operator::new(place.client()?);
    let gateways = operator.gateways().await?;
    if let (Some(service), Some(force)) = (&flags.service, flags.force) {
        let wish = match force {
            Force::Open => json!({ "state": "open", "minutes": flags.minutes }),
            Force::Closed => json!({ "state": "closed", "minutes": flags.minutes }),
            Force::Auto => json!({ "state": "auto" }),
        };
        tell_all(&operator, &gateways, service, &wish).await.map_err(anyhow::Error::msg)?;
    }
    let mut all = Vec::new();
    let mut are_on = false;
    for (slot, url) in &gateways {
        let answer: Listing = operator.get(&format!("{url}{BREAKERS}")).await?;
        are_on |= answer.state != "off";
        all.extend(answer.breakers.into_iter().map(|mut breaker| {
            breaker["gateway"] = json!(slot);
            breaker
        }));
    }
    all.retain(|breaker| flags.service.as_ref().is_none_or(|service| breaker["service"] == **service));
    if flags.json {
        print(&serde_json::to_string_pretty(&all)?);
        return Ok(ExitCode::SUCCESS);
    }
    if !are_on {
        print("the breakers of this gateway are off");
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Breaker> = serde_json::from_value(all.into()).context("the gateway answers something else")?;
    let head = ["GATEWAY", "SERVICE", "ROUTE", "STATE", "CALLS", "FAILED", "SLOW", "OPENED", "REFUSED", "WHY"];
    let head = head.map(str::to_owned).to_vec();
    let mut lines: Vec<Vec<String>> = std::iter::once(head).chain(rows.into_iter().map(cells)).collect();
    if gateways.len() == 1 {
        lines.iter_mut().for_each(|line| drop(line.remove(0)));
    }
    table(&lines).iter().all(|line| print(line));
    Ok(ExitCode::SUCCESS)
}

/// One that cannot be told now hears it from the others within a second.
async fn tell_all(
    operator: &Operator,
    gateways: &[(String, String)],
    service: &str,
    wish: &Value,
) -> Result<(), String> {
    let mut told = Err("no gateway is there".to_owned());
    for (_, url) in gateways {
        let said = match operator.tell(Method::PUT, &format!("{url}{BREAKERS}/{service}"), wish).await {
            Ok(said) if said.status == 200 => Ok(()),
            Ok(said) => Err(said.complaint()),
            Err(error) => Err(format!("{error:#}")),
        };
        told = if told.is_ok() { told } else { said };
    }
    told
}

fn cells(row: Breaker) -> Vec<String> {
    let counts = [row.calls.into(), row.failed.into(), row.slow.into(), row.opened, row.refused];
    let state = match (row.forced, row.left_ms) {
        (true, Some(left)) => format!("{} (held for {} s)", row.state, left.div_ceil(1_000)),
        (false, Some(left)) => format!("{} (for {} s)", row.state, left.div_ceil(1_000)),
        (_, None) => row.state,
    };
    let mut cells = vec![row.gateway, row.service, row.route, state];
    cells.extend(counts.map(|count: u64| count.to_string()));
    cells.push(row.why.unwrap_or_else(|| "-".to_owned()));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_a_breaker_does_for_how_long_and_why() {
        let shown = json!({ "gateway": "gateway-2", "service": "door", "route": "/doors/*", "state": "open", "forced": false, "left_ms": 1_200,
            "why": "5 calls in a row failed", "calls": 7, "failed": 5, "slow": 0, "opened": 1, "refused": 40 });
        let row = cells(serde_json::from_value(shown).unwrap());
        let expected =
            ["gateway-2", "door", "/doors/*", "open (for 2 s)", "7", "5", "0", "1", "40", "5 calls in a row failed"];
        assert_eq!(row, expected);
    }
}
