//! `bongsu rebuild`: folds a read model anew while it is shown, or checks it against the facts.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::args::{Place, Rebuild};
use crate::operator::Operator;
use crate::projections;
use crate::screen::{is_terminal, print};

/// How often it is asked how far it is.
const LOOK: Duration = Duration::from_millis(200);

/// Starts it and stays until it has ended; fails when it failed or rows differ.
pub(crate) async fn rebuild(place: &Place, flags: &Rebuild) -> Result<ExitCode> {
    let operator = Operator::new(place.client()?);
    let url = operator.service(&flags.context).await?;
    if flags.cancel {
        return cancel(&operator, &url, &flags.projection).await;
    }
    let check = if flags.check { "?check=true" } else { "" };
    let (status, answer) = operator.order(&format!("{url}/bongsu/rebuild/{}{check}", flags.projection)).await?;
    if status != 202 {
        bail!("{}: {}", flags.projection, answer["detail"].as_str().unwrap_or("the service refuses"));
    }
    let generation = answer["generation"].as_u64().context("the service names no generation")?;
    print(&format!("generation {generation} of {} is being filled", flags.projection));
    if flags.detach {
        return Ok(ExitCode::SUCCESS);
    }
    let ended = wait(&operator, flags, generation).await?;
    Ok(say(&ended, flags))
}

async fn cancel(operator: &Operator, url: &str, projection: &str) -> Result<ExitCode> {
    let (status, answer) = operator.order(&format!("{url}/bongsu/rebuild/{projection}/cancel")).await?;
    if status != 202 {
        bail!("{projection}: {}", answer["detail"].as_str().unwrap_or("the service refuses"));
    }
    print(&format!("generation {} of {projection} is given up", answer["generation"]));
    Ok(ExitCode::SUCCESS)
}

/// Waits until a generation is no longer being filled; how its read model is then. The service may be started
/// again meanwhile.
async fn wait(operator: &Operator, flags: &Rebuild, generation: u64) -> Result<Value> {
    const PATIENCE: u32 = 150;
    let mut silent = 0;
    let mut said = String::new();
    loop {
        match projections::of(operator, &flags.context).await {
            Ok(all) => {
                silent = 0;
                let one = all.into_iter().find(|one| one["name"] == flags.projection.as_str());
                let one = one.with_context(|| format!("{} is gone", flags.projection))?;
                if one["filling"]["generation"].as_u64() != Some(generation) {
                    return Ok(one);
                }
                let state = projections::state(&one);
                if is_terminal() && state != said {
                    print(&state);
                    said = state;
                }
            }
            Err(error) => {
                silent += 1;
                if silent > PATIENCE {
                    return Err(error);
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn say(one: &Value, flags: &Rebuild) -> ExitCode {
    let different = one["last"]["checked"]["different"].as_u64().unwrap_or(0);
    print(&format!("{}: {}", flags.projection, projections::state(one)));
    for key in one["last"]["checked"]["first"].as_array().into_iter().flatten() {
        print(&format!("  {}", key.as_str().unwrap_or_default()));
    }
    if different > 0 || one["last"]["failed"].is_object() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
