//! `bongsu start | stop | restart | kill | scale`.

use std::process::ExitCode;

use anyhow::Result;
use supervisor::registry::State;

use crate::args::Place;
use crate::ps::line;
use crate::screen::print;

/// Orders something and prints what came of it.
pub(crate) async fn steer(place: &Place, action: &str, names: &[String]) -> Result<ExitCode> {
    let client = place.client()?;
    let mut well = true;
    for name in names {
        for row in client.act(name, action).await? {
            print(&line(&row));
            well &= match action {
                "stop" => row.state == State::Stopped,
                "kill" => true,
                _ => row.state == State::Ready,
            };
        }
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Changes how many instances there are, one service after the other, and prints those there are then.
pub(crate) async fn scale(place: &Place, wishes: &[(String, u32)]) -> Result<ExitCode> {
    let client = place.client()?;
    let mut well = true;
    for (name, count) in wishes {
        for row in client.scale(name, *count).await? {
            print(&line(&row));
            well &= row.state == State::Ready;
        }
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Stops these; without names everything.
pub(crate) async fn stop(place: &Place, names: &[String]) -> Result<ExitCode> {
    if names.is_empty() { stop_everything(place).await } else { steer(place, "stop", names).await }
}

/// Ends the supervisor and with it everything.
async fn stop_everything(place: &Place) -> Result<ExitCode> {
    place.client()?.stop().await?;
    print("everything has stopped");
    Ok(ExitCode::SUCCESS)
}
