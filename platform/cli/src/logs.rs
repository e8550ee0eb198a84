//! `bongsu logs`: what the instances say, merged; readable on screen, as it is with `--json`. Of a system that does not
//! run, what was kept in its files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use supervisor::logs::Line;

use crate::args::{Logs, Place};
use crate::screen::{coloured, is_terminal, plain, print};

/// Prints log lines.
pub(crate) async fn logs(place: &Place, flags: &Logs) -> Result<ExitCode> {
    let colours = is_terminal();
    let client = match place.client() {
        Err(error) if flags.follow => return Err(error),
        Err(_) => {
            let kept = kept(&place.data()?, flags)?;
            kept.iter().all(|line| print(&shown(line, flags.json, colours)));
            return Ok(ExitCode::SUCCESS);
        }
        Ok(client) => client,
    };
    let mut lines = client.logs(&flags.names, flags.tail, flags.follow).await?;
    while let Some(json) = lines.next().await {
        let shown = serde_json::from_str(&json).map_or(json, |line| shown(&line, flags.json, colours));
        if !print(&shown) {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The last lines of the files, by their time.
fn kept(data: &Path, flags: &Logs) -> Result<Vec<Line>> {
    let folder = data.join("logs");
    let mut lines = Vec::new();
    let mut unknown: BTreeSet<&String> = flags.names.iter().collect();
    for entry in fs::read_dir(&folder).with_context(|| format!("no logs in {}", folder.display()))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(instance) = name.strip_suffix(".jsonl") else { continue };
        unknown.retain(|name| !is_of(instance, name));
        if flags.names.is_empty() || flags.names.iter().any(|name| is_of(instance, name)) {
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            // A line without a time belongs to the one before it.
            let mut at = String::new();
            for line in text.lines() {
                at = time(line).unwrap_or(at);
                lines.push((at.clone(), Line { instance: instance.into(), line: line.into() }));
            }
        }
    }
    if let Some(name) = unknown.first() {
        bail!("no logs of '{name}' in {}", folder.display());
    }
    // Stable: lines of one instance stay as they came.
    lines.sort_by(|(a, _), (b, _)| a.cmp(b));
    let skip = lines.len().saturating_sub(flags.tail);
    Ok(lines.into_iter().skip(skip).map(|(_, line)| line).collect())
}

/// Whether an instance is the named one or one of the named service.
fn is_of(instance: &str, name: &str) -> bool {
    let number = instance.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
    instance == name || number.is_some_and(|number| number.parse::<u32>().is_ok())
}

fn time(line: &str) -> Option<String> {
    let json: Value = serde_json::from_str(line).ok()?;
    json["ts"].as_str().map(str::to_owned)
}

fn shown(line: &Line, json: bool, colours: bool) -> String {
    match json {
        true => json!(line).to_string(),
        false => readable(line, colours),
    }
}

/// `door-1       | 09:30:00.125 INFO opened key=7`
fn readable(line: &Line, colours: bool) -> String {
    let prefix = format!("{:16} |", line.instance);
    let prefix = if colours { coloured(&line.instance, &prefix) } else { prefix };
    let Ok(Value::Object(mut fields)) = serde_json::from_str(&line.line) else {
        return format!("{prefix} {}", plain(&line.line));
    };
    let mut take = |name: &str| fields.remove(name).map(text).unwrap_or_default();
    let (ts, level, message) = (take("ts"), take("level"), take("message"));
    // What the prefix says already.
    for known in ["service", "slot", "target"] {
        take(known);
    }
    let time = plain(ts.get(11..23).unwrap_or(&ts));
    let level = match (level.as_str(), colours) {
        ("ERROR", true) => format!("\x1b[31m{level}\x1b[0m"),
        ("WARN", true) => format!("\x1b[33m{level}\x1b[0m"),
        _ => plain(&level),
    };
    let rest: Vec<String> = fields.into_iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
    let parts = [prefix, time, level, plain(&message), plain(&rest.join(" "))];
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
