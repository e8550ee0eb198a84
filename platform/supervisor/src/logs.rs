//! Everything the processes say: one file per instance, the last lines in memory, and whoever listens live.
//!
//! Services take no part in shipping logs: they print one JSON object per line. What is not JSON (a panic, another
//! language's chatter) is wrapped, so that every line of every file parses.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::broadcast;

use crate::machine::now_rfc3339;

/// A file is put aside (as `.jsonl.1`, replacing the one before) when it is this long.
const FILE_LIMIT: u64 = 8 << 20;
/// So much of each instance is kept in memory.
const RECENT_BYTES: usize = 128 << 10;
/// A listener that is this many lines behind loses lines.
const LIVE_LINES: usize = 4096;

/// One line of one instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// The slot.
    pub instance: Arc<str>,
    /// A JSON object.
    pub line: Arc<str>,
}

/// All logs of a system.
pub struct Logs {
    folder: PathBuf,
    sinks: Mutex<Sinks>,
    live: broadcast::Sender<Line>,
}

#[derive(Default)]
struct Sinks {
    by_instance: BTreeMap<Arc<str>, Sink>,
    lines: u64,
}

#[derive(Default)]
struct Sink {
    file: Option<File>,
    size: u64,
    recent: VecDeque<(u64, Arc<str>)>,
    recent_bytes: usize,
}

impl Logs {
    /// Logs kept in that folder.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, sinks: Mutex::default(), live: broadcast::Sender::new(LIVE_LINES) }
    }

    /// Takes a line a process printed, JSON or not.
    pub fn take(&self, instance: &str, stream: &str, line: &str) {
        if line.starts_with('{') && serde_json::from_str::<IgnoredAny>(line).is_ok() {
            return self.write(instance, line);
        }
        let level = if stream == "stderr" { "WARN" } else { "INFO" };
        let wrapped = json!({"ts": now_rfc3339(), "level": level, "message": line, "stream": stream});
        self.write(instance, &wrapped.to_string());
    }

    /// Writes a line of the supervisor itself.
    pub fn note(&self, level: &str, message: &str) {
        let line = json!({"ts": now_rfc3339(), "level": level, "message": message});
        self.write("supervisor", &line.to_string());
    }

    /// The last lines of the instances asked for (all, when none is named), in the order they came.
    pub fn recent(&self, wanted: impl Fn(&str) -> bool, lines: usize) -> Vec<Line> {
        let sinks = self.lock();
        let mut found: Vec<(u64, Line)> = Vec::new();
        for (instance, sink) in sinks.by_instance.iter().filter(|(instance, _)| wanted(instance)) {
            let line = |(at, line): &(u64, Arc<str>)| (*at, Line { instance: instance.clone(), line: line.clone() });
            found.extend(sink.recent.iter().map(line));
        }
        found.sort_by_key(|(at, _)| *at);
        let skip = found.len().saturating_sub(lines);
        found.into_iter().skip(skip).map(|(_, line)| line).collect()
    }

    /// Lines from now on.
    pub fn live(&self) -> broadcast::Receiver<Line> {
        self.live.subscribe()
    }

    fn write(&self, instance: &str, line: &str) {
        let mut sinks = self.lock();
        sinks.lines += 1;
        let at = sinks.lines;
        let (name, line): (Arc<str>, Arc<str>) = (instance.into(), line.into());
        let sink = sinks.by_instance.entry(name.clone()).or_default();
        // A full disk must not stop the system: the line is still in memory and live.
        if let Err(error) = sink.append(&self.folder.join(format!("{instance}.jsonl")), &line) {
            sink.file = None;
            sink.remember(at, format!("{{\"level\":\"ERROR\",\"message\":\"log not written: {error}\"}}").into());
        }
        sink.remember(at, line.clone());
        // Nobody listening is no fault.
        let _ = self.live.send(Line { instance: name, line });
    }

    fn lock(&self) -> MutexGuard<'_, Sinks> {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink {
    fn append(&mut self, path: &Path, line: &str) -> io::Result<()> {
        // Somebody may have taken it away, as those do who rotate logs: what is written to it then is lost.
        if self.file.as_ref().is_some_and(|file| !is_at(file, path)) {
            self.file = None;
        }
        if self.file.is_some() && self.size >= FILE_LIMIT {
            self.file = None;
            self.size = 0;
            if fs::rename(path, path.with_extension("jsonl.1")).is_err() {
                // It cannot be put aside; it must not grow for ever, and not end here either.
                File::create(path)?;
            }
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = open(path)?;
                self.size = file.metadata()?.len();
                self.file.insert(file)
            }
        };
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        self.size += bytes.len() as u64;
        file.write_all(&bytes)
    }

    fn remember(&mut self, at: u64, line: Arc<str>) {
        self.recent_bytes += line.len();
        self.recent.push_back((at, line));
        while self.recent_bytes > RECENT_BYTES {
            let Some((_, oldest)) = self.recent.pop_front() else { break };
            self.recent_bytes -= oldest.len();
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let open = || OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    match (open(), path.parent()) {
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            open()
        }
        (opened, _) => opened,
    }
}

/// Whether the open file is the one at that path.
fn is_at(file: &File, path: &Path) -> bool {
    let same = |one: fs::Metadata, other: fs::Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
    file.metadata().is_ok_and(|open| fs::metadata(path).is_ok_and(|found| same(open, found)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_kept_is_json_whatever_was_printed() {
        let folder = tempfile::tempdir().unwrap();
        let logs = Logs::new(folder.path().into());
        logs.take("door-1", "stdout", r#"{"message":"open"}"#);
        logs.take("door-1", "stderr", "thread 'main' panicked at \"x\"");
        logs.take("door-1", "stdout", "{not json");
        let text = fs::read_to_string(folder.path().join("door-1.jsonl")).unwrap();
        let messages: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["message"].as_str().unwrap().into())
            .collect();
        assert_eq!(messages, ["open", "thread 'main' panicked at \"x\"", "{not json"]);
    }

    #[test]
    fn lines_of_several_instances_are_merged_in_the_order_they_came() {
        let folder = tempfile::tempdir().unwrap();
        let logs = Logs::new(folder.path().into());
        for (instance, text) in [("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")] {
            logs.take(instance, "stdout", &format!("{{\"n\":{text}}}"));
        }
        let lines: Vec<String> = logs.recent(|it| it != "c", 2).iter().map(|line| line.line.to_string()).collect();
        assert_eq!(lines, [r#"{"n":2}"#, r#"{"n":3}"#]);
    }

    #[test]
    fn a_log_never_outgrows_its_cap() {
        let folder = tempfile::tempdir().unwrap();
        let logs = Logs::new(folder.path().into());
        let line = format!("{{\"m\":\"{}\"}}", "x".repeat(60_000));
        for _ in 0..400 {
            logs.take("door-1", "stdout", &line);
        }
        let size = |name| fs::metadata(folder.path().join(name)).unwrap().len();
        let (now, before) = (size("door-1.jsonl"), size("door-1.jsonl.1"));
        assert!(now + before >= FILE_LIMIT && now + before < 2 * FILE_LIMIT + 200_000, "{now} + {before}");
        assert!(logs.lock().by_instance["door-1"].recent_bytes <= RECENT_BYTES);
    }

    #[test]
    fn a_log_that_is_taken_away_goes_on_in_a_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let logs = Logs::new(folder.path().join("logs"));
        let file = folder.path().join("logs/door-1.jsonl");
        let kept = || fs::read_to_string(&file).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>();
        let long = "x".repeat(60_000);
        let removed: [(&str, &dyn Fn()); 3] = [
            ("rm", &|| fs::remove_file(&file).unwrap()),
            ("mv", &|| fs::rename(&file, folder.path().join("aside")).unwrap()),
            ("rm -r", &|| fs::remove_dir_all(folder.path().join("logs")).unwrap()),
        ];
        for (how, remove) in removed {
            logs.take("door-1", "stdout", r#"{"n":0}"#);
            remove();
            logs.take("door-1", "stdout", r#"{"n":1}"#);
            assert_eq!(kept(), [r#"{"n":1}"#], "{how}");
            // Beyond the cap of what was there, which is when it would be put aside.
            for _ in 0..150 {
                logs.take("door-1", "stdout", &format!("{{\"m\":\"{long}\"}}"));
            }
            logs.take("door-1", "stdout", r#"{"n":2}"#);
            assert_eq!(kept().last().unwrap(), r#"{"n":2}"#, "{how}");
        }
    }

    #[test]
    fn a_log_that_cannot_be_put_aside_goes_on_within_its_cap() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("door-1.jsonl.1/full")).unwrap();
        let logs = Logs::new(folder.path().into());
        let line = format!("{{\"m\":\"{}\"}}", "x".repeat(60_000));
        for _ in 0..300 {
            logs.take("door-1", "stdout", &line);
        }
        logs.take("door-1", "stdout", r#"{"n":1}"#);
        let text = fs::read_to_string(folder.path().join("door-1.jsonl")).unwrap();
        assert!(text.ends_with("{\"n\":1}\n") && (text.len() as u64) < FILE_LIMIT + 100_000, "{}", text.len());
    }
}
