//! `bongsu forget`: somebody is forgotten by identity, by the gateway and by every service that keeps something about them.
//!
//! Identity deletes what they told, and tells it; whoever hears it deletes what he has, and rids his files of it. This waits for
//! all of them, and only then is it done. Asked again it goes on where it was.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;
use supervisor::identity::IDENTITY;
use supervisor::system_file::GATEWAY;
use tokio::time::{Instant, sleep};

use crate::args::{Forget, Place};
use crate::operator::{Operator, Said};
use crate::screen::print;

/// Longest name of a person that identity gives, in bytes.
const LONGEST: usize = 64;
/// Between two looks: short for a person, and long for a process.
const PAUSE: Duration = Duration::from_millis(100);

/// Forgets somebody and waits until nothing is left of them.
pub(crate) async fn forget(place: &Place, flags: &Forget) -> Result<ExitCode> {
    let person = name(&flags.person)?;
    let operator = Operator::new(place.client()?);
    let deadline = Instant::now() + Duration::from_secs(flags.wait);
    if !operator.is_service(IDENTITY).await? {
        bail!(
            "this system has no identity provider of its own: whoever issues its tokens knows its people, and forgets them"
        );
    }
    // Down or not: what it says is better than what the gateway says of it.
    operator.service(IDENTITY).await?;
    // It is the gateway that says who an operator is.
    let url = format!("{}/identity/persons/{person}", operator.service(GATEWAY).await?);
    let was_forgotten = known(&operator, &url, person, deadline).await?["standing"] == "FORGOTTEN";
    let mut has_sessions = true;
    loop {
        let left = left(&operator, &url, person, &mut has_sessions).await?;
        if left.is_empty() {
            break;
        }
        if Instant::now() >= deadline {
            let left = left.join("; ");
            bail!("{person} is forgotten, and not everywhere after {} s: {left}. Ask again to go on.", flags.wait);
        }
        sleep(PAUSE).await;
    }
    let when = if was_forgotten { "was forgotten before, and" } else { "is forgotten:" };
    print(&format!("{person} {when} nothing is left that can be deleted; backups made before still have it"));
    Ok(ExitCode::SUCCESS)
}

/// A name that can be somebody's; what somebody logs in with is not asked for, so that it is in no log on the way.
fn name(person: &str) -> Result<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !person.starts_with("usr_") || person.len() > LONGEST || !person.bytes().all(is_plain) {
        bail!("'{person}' is nobody's name: a person is usr_… here, as 'sub' of their tokens and 'bongsu events' say");
    }
    Ok(person)
}

/// What identity says of somebody. The gateway may not have heard yet that it is ready.
async fn known(operator: &Operator, url: &str, person: &str, deadline: Instant) -> Result<Value> {
    loop {
        let said = operator.look(url).await?;
        if said.status != 503 || Instant::now() >= deadline {
            return answered(said, person);
        }
        sleep(PAUSE).await;
    }
}

/// What identity's answer says.
fn answered(said: Said, person: &str) -> Result<Value> {
    match said.status {
        200 => Ok(said.body),
        404 => bail!("nobody is called {person}"),
        _ => bail!("identity does not forget {person}: {}", said.complaint()),
    }
}

/// Has everybody forget them who has to be told, and asks the others; says who is not done, and why.
async fn left(operator: &Operator, url: &str, person: &str, has_sessions: &mut bool) -> Result<Vec<String>> {
    let mut left = Vec::new();
    let told = answered(operator.delete(url).await?, person)?;
    if told["outstanding"] == true {
        left.push("identity's files are not rid of it yet".to_owned());
    }
    if *has_sessions {
        // Not again and again: it writes its file anew each time.
        let at_the_gateway = left_at_the_gateway(operator, person).await;
        *has_sessions = at_the_gateway.is_some();
        left.extend(at_the_gateway);
    }
    for name in operator.names_of_services().await? {
        left.extend(left_at(operator, &name, person).await);
    }
    Ok(left)
}

/// What the gateway keeps of their sessions. Its instances have one store: one of them has to do it.
async fn left_at_the_gateway(operator: &Operator, person: &str) -> Option<String> {
    let mut why = "the gateway is not running: it may keep sessions of theirs".to_owned();
    for (_, url) in operator.gateways().await.unwrap_or_default() {
        match operator.delete(&format!("{url}/bongsu/sessions/{person}")).await {
            Ok(said) if said.status == 200 => return None,
            Ok(said) => why = format!("the gateway keeps sessions of theirs: {}", said.complaint()),
            Err(error) => why = format!("the gateway may keep sessions of theirs: {error}"),
        }
    }
    Some(why)
}

/// What a service keeps, if it keeps something.
async fn left_at(operator: &Operator, name: &str, person: &str) -> Option<String> {
    let asked = async {
        let url = operator.service(name).await?;
        operator.look(&format!("{url}/bongsu/forgetting/{person}")).await
    };
    match asked.await {
        Ok(said) if said.status == 200 => match said.body["state"].as_str() {
            Some("nothing-kept" | "done") => None,
            Some("in-files") => Some(format!("{name}'s files are not rid of it yet")),
            _ => Some(format!("{name} has not heard of it yet")),
        },
        // What knows no such place is no service of this framework: it has its own way to hear of it.
        Ok(said) if matches!(said.status, 404 | 405 | 501) => None,
        Ok(said) => Some(format!("{name}: {}", said.complaint())),
        Err(error) => Some(format!("{name} cannot be asked whether it keeps something: {error}")),
    }
}
