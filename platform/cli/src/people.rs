//! People to try a system with: there from the beginning where `bongsu.toml` names them, and spoken for by `bongsu token`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bongsu_keys::{GATEWAY, OPERATOR, Roots};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use supervisor::http::{Http, Reply};
use supervisor::identity::Somebody;
use supervisor::registry::Instance;

use crate::args::{Place, Token};
use crate::screen::say;

/// A password is hashed to be slow, and a laptop may have other things to do.
const LIMIT: Duration = Duration::from_secs(30);

/// Somebody who is not ready is asked again so often, and so much later: for about five seconds.
const PATIENCE: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// A token as the provider gives it.
#[derive(Deserialize)]
struct Given {
    access_token: String,
}

/// Prints what follows `Authorization: Bearer ` for somebody.
pub(crate) async fn token(place: &Place, flags: &Token) -> Result<ExitCode> {
    let client = place.client()?;
    let rows = client.instances().await?;
    let answer = ask(client.data(), &rows, "tokens", &json!({ "email": flags.person })).await?;
    let given: Given = serde_json::from_slice(&answer.body).context("the identity provider gave no token")?;
    say(&given.access_token, "the token is not shown")?;
    Ok(ExitCode::SUCCESS)
}

/// Sees to it that these people are there, and says how to log in as the first of them.
pub(crate) async fn welcome(data: &Path, rows: &[Instance], people: &[Somebody]) -> Result<Vec<String>> {
    for somebody in people {
        ask(data, rows, "people", &serde_json::to_value(somebody)?).await?;
    }
    let Some(first) = people.first() else { return Ok(Vec::new()) };
    let all: Vec<&str> = people.iter().map(|somebody| somebody.email.as_str()).collect();
    Ok(vec![
        format!("people: {}", all.join(", ")),
        format!("log in as {} with the password '{}'", first.email, first.password),
        format!("or send 'Authorization: Bearer' and what 'bongsu token --as {}' prints", first.email),
    ])
}

/// Asks the provider, through the gateway, what only an operator may.
async fn ask(data: &Path, rows: &[Instance], what: &str, json: &Value) -> Result<Reply> {
    let gateway = rows.iter().find(|row| row.name == GATEWAY).and_then(|row| row.url.clone());
    let url = format!("{}/identity/demonstration/{what}", gateway.context("the gateway is not running")?);
    let bearer = Roots::read(data)?.key(OPERATOR, GATEWAY).bearer();
    let http = Http::new(None);
    let ask = || http.tell_as(Some(&bearer), Method::POST, &url, json.to_string(), LIMIT);
    let mut answer = ask().await?;
    // The gateway may not have heard yet that the provider is ready; what is asked here can be asked again.
    for _ in 0..PATIENCE {
        if answer.status != 503 {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        answer = ask().await?;
    }
    let problem = || serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
    match answer.status {
        200 | 201 => Ok(answer),
        404 if what == "tokens" && problem()["detail"].is_string() => {
            let detail = problem()["detail"].as_str().unwrap_or_default().to_owned();
            bail!("{detail} Tokens in somebody's name are given where [identity] has environment = \"dev\".")
        }
        status => {
            let said = problem()["detail"].as_str().unwrap_or_default().to_owned();
            bail!("the identity provider answered {status}: {said}")
        }
    }
}
