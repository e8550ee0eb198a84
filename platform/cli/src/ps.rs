//! `bongsu ps`: every instance in one row.

use std::process::ExitCode;

use anyhow::Result;
use supervisor::registry::Instance;

use crate::args::{Json, Place};
use crate::screen::{print, table};

/// Prints the instances.
pub(crate) async fn ps(place: &Place, flags: &Json) -> Result<ExitCode> {
    let rows = place.client()?.instances().await?;
    if flags.json {
        print(&serde_json::to_string_pretty(&rows)?);
        return Ok(ExitCode::SUCCESS);
    }
    let head = ["INSTANCE", "STATE", "PID", "RESTARTS", "REVISION", "URL", "DETAIL"].map(str::to_owned).to_vec();
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows.iter().map(cells)).collect();
    table(&lines).iter().all(|line| print(line));
    Ok(ExitCode::SUCCESS)
}

/// One instance in one line.
pub(crate) fn line(row: &Instance) -> String {
    let why = row.detail.as_ref().map_or(String::new(), |detail| format!(": {detail}"));
    format!("{} is {}{why}", row.instance, row.state.word())
}

/// What is to be said of it. That it does not take the configuration is said before all.
fn detail(row: &Instance) -> String {
    let behind = row.behind.then(|| "does not take the configuration that counts, and gets no requests".to_owned());
    let all: Vec<String> = behind.into_iter().chain(row.detail.clone()).collect();
    all.join("; ")
}

fn cells(row: &Instance) -> Vec<String> {
    let dash = || "-".to_owned();
    vec![
        row.instance.clone(),
        row.state.word().to_owned(),
        row.pid.map_or_else(dash, |pid| pid.to_string()),
        row.restarts.to_string(),
        row.revision.clone().unwrap_or_else(dash),
        row.url.clone().unwrap_or_else(dash),
        detail(row),
    ]
}
