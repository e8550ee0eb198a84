//! `bongsu logs`: what the instances say, merged; readable on screen, as it is with `--json`.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::Value;
use supervisor::logs::Line;

use crate::args::{Logs, Place};
use crate::screen::{coloured, is_terminal, print};

/// Prints log lines.
pub(crate) async fn logs(place: &Place, flags: &Logs) -> Result<ExitCode> {
    let mut lines = place.client()?.logs(&flags.names, flags.tail, flags.follow).await?;
    let colours = is_terminal();
    while let Some(json) = lines.next().await {
        let shown = match serde_json::from_str::<Line>(&json) {
            Ok(line) if !flags.json => readable(&line, colours),
            _ => json,
        };
        if !print(&shown) {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `door-1       | 09:30:00.125 INFO opened key=7`
fn readable(line: &Line, colours: bool) -> String {
    let prefix = format!("{:16} |", line.instance);
    let prefix = if colours { coloured(&line.instance, &prefix) } else { prefix };
    let Ok(Value::Object(mut fields)) = serde_json::from_str(&line.line) else {
        return format!("{prefix} {}", line.line);
    };
    let mut take = |name: &str| fields.remove(name).map(text).unwrap_or_default();
    let (ts, level, message) = (take("ts"), take("level"), take("message"));
    // What the prefix says already.
    for known in ["service", "slot", "target"] {
        take(known);
    }
    let time = ts.get(11..23).unwrap_or(&ts);
    let level = match (level.as_str(), colours) {
        ("ERROR", true) => format!("\x1b[31m{level}\x1b[0m"),
        ("WARN", true) => format!("\x1b[33m{level}\x1b[0m"),
        _ => level,
    };
    let rest: Vec<String> = fields.into_iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
    let parts = [prefix, time.to_owned(), level, message, rest.join(" ")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_with_its_time_level_message_and_the_rest() {
        let json = r#"{"ts":"2026-01-31T09:30:00.125Z","level":"INFO","target":"x","message":"opened","key":7,"slot":"door-1"}"#;
        let line = Line { instance: "door-1".into(), line: json.into() };
        assert_eq!(readable(&line, false), "door-1           | 09:30:00.125 INFO opened key=7");
    }
}
