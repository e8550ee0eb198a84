//! `bongsu adopt`: opens a new history of a context whose store is not the one that published, and shows what that leaves
//! without one.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::args::{Adopt, Place};
use crate::operator::{Operator, Said};
use crate::screen::{print, table};

/// How often it is asked whether it is done, and how long that may take.
const AGAIN: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

/// Shows what an adoption would do, or adopts and waits until the context works again.
pub(crate) async fn adopt(place: &Place, flags: &Adopt) -> Result<ExitCode> {
    let operator = Operator::new(place.client()?);
    // Asked before the service, which would wait longer for the broker than this does, and then is not to blame for it.
    if let Some(why) = operator.trouble_of_broker().await {
        bail!("{} cannot be compared with what was published: {why}", flags.context);
    }
    let (url, survey) = survey(&operator, &flags.context).await?;
    if survey.status != 200 {
        bail!("{}: {}", flags.context, survey.complaint());
    }
    if flags.dry_run {
        return show(&operator, flags, survey.body).await;
    }
    let answer = operator.post(&url, &json!({ "actor": flags.by.actor, "reason": flags.reason })).await?;
    if answer.status != 200 {
        bail!("{}: {}", flags.context, answer.complaint());
    }
    let (history, position) = (answer.body["history"].as_str().unwrap_or_default(), &answer.body["position"]);
    print(&format!("{} begins history {history} behind position {position}", flags.context));
    print(&format!("{} facts are orphaned", answer.body["orphans"]));
    let start = tokio::time::Instant::now();
    while is_parted(&operator, &flags.context).await {
        if start.elapsed() > PATIENCE {
            bail!("{0} does not agree with the broker after {PATIENCE:?}: bongsu logs {0}", flags.context);
        }
        tokio::time::sleep(AGAIN).await;
    }
    print(&format!("{} and the broker have one history", flags.context));
    Ok(ExitCode::SUCCESS)
}

/// What the first instance that can say so says, and where it is. Nothing is changed by asking, so all may be asked.
async fn survey(operator: &Operator, context: &str) -> Result<(String, Said)> {
    let mut last = None;
    for address in operator.addresses(context).await? {
        let url = format!("{address}/bongsu/adopt");
        match operator.look(&url).await {
            Ok(said) if said.status < 500 => return Ok((url, said)),
            said => last = Some(said.map(|said| (url, said))),
        }
    }
    last.unwrap_or_else(|| bail!("{context} has no instance"))
}

/// What would be orphaned, and who has applied it.
async fn show(operator: &Operator, flags: &Adopt, mut survey: Value) -> Result<ExitCode> {
    let mut applied = Vec::new();
    let url = |service: &str| format!("{service}/bongsu/applied?source={}&after={}", flags.context, survey["position"]);
    for service in operator.services().await? {
        let Some(address) = service.url else { continue };
        // What is no service of ours has no such page, and hears of nothing.
        let heard = operator.find::<Vec<Value>>(&url(&address)).await?.unwrap_or_default();
        applied.extend(heard.into_iter().map(|mut one| {
            one["service"] = service.name.clone().into();
            one
        }));
    }
    if flags.json {
        survey["applied"] = applied.into();
        print(&survey.to_string());
        return Ok(ExitCode::SUCCESS);
    }
    let context = &flags.context;
    let position = &survey["position"];
    let orphans = &survey["orphans"];
    print(&format!(
        "{context} and what was published part behind position {position}; {orphans} facts would be orphaned"
    ));
    let columns = |rows: &[Value], names: &[&str]| {
        let cell = |row: &Value, name: &str| row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned);
        rows.iter().map(|row| names.iter().map(|name| cell(row, name)).collect()).collect::<Vec<Vec<String>>>()
    };
    let orphaned = survey["orphaned"].as_array().cloned().unwrap_or_default();
    let head = |names: &[&str]| vec![names.iter().map(|name| name.to_uppercase()).collect::<Vec<_>>()];
    let lists: [(&[Value], &[&str]); 2] = [
        (&orphaned, &["position", "kind", "subject", "sequence", "id"]),
        (&applied, &["service", "consumer", "subject", "sequence", "position"]),
    ];
    for (rows, names) in lists {
        if !rows.is_empty() {
            print("");
            let lines = table(&[head(names), columns(rows, names)].concat());
            lines.iter().all(|line| print(line));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether an instance says so; where none answers, they have to be asked again.
async fn is_parted(operator: &Operator, context: &str) -> bool {
    let Ok(addresses) = operator.addresses(context).await else { return true };
    // The line of the lane `history` is there only while it stands still.
    let says = |reason: &Value| reason.as_str().is_some_and(|reason| reason.starts_with("history "));
    let mut one_answered = false;
    for address in addresses {
        let Ok(status) = operator.get::<Value>(&format!("{address}/bongsu/status")).await else { continue };
        one_answered = true;
        if status["reasons"].as_array().is_none_or(|reasons| reasons.iter().any(says)) {
            return true;
        }
    }
    !one_answered
}
