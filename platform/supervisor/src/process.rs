//! One operating-system process: started with a pipe it stops at, its lines collected, its end observed.

use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bongsu_host::config::schema::Setting;
use command_fds::{CommandFdExt as _, FdMapping};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::logs::Logs;
use crate::paths::plain;

/// A longer line is cut into pieces.
const LINE_LIMIT: u64 = 64 << 10;

/// Where handed sockets begin (sd_listen_fds(3)).
const FIRST_SOCKET: i32 = 3;

/// The exit code of a process whose settings cannot be meant (`EX_CONFIG` of sysexits.h).
const REFUSED: i32 = 78;

/// What a process says about itself on stdout.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum Said {
    /// `{"event":"listening","addr":"127.0.0.1:4711"}`
    Listening { addr: String },
    /// `{"event":"ready"}`
    Ready,
    /// `{"event":"settings","revision":…,"settings":[…]}`: what can be set of it, and under what it decides.
    Settings { revision: String, settings: Vec<Setting> },
    /// `{"event":"refused","revision":…,"reason":…}`: a configuration it does not take.
    Refused { revision: String, reason: String },
}

/// What happens to a process.
pub(crate) enum Happening {
    Said(Said),
    /// It is gone; how it ended, in one line.
    Ended {
        why: String,
        refused: bool,
    },
}

/// A running process.
pub(crate) struct Process {
    child: Child,
    pid: Pid,
    /// Held, never written: when this end closes, also because we were killed, the child stops.
    _pipe: Option<ChildStdin>,
    said: mpsc::Receiver<Said>,
    complaint: Arc<Mutex<String>>,
    readers: JoinSet<()>,
}

impl Process {
    /// Starts a program, with sockets that it finds as sd_listen_fds(3) says.
    pub(crate) fn start(
        program: &Path,
        args: &[String],
        env: &[(String, String)],
        sockets: Vec<OwnedFd>,
        slot: &str,
        logs: &Arc<Logs>,
    ) -> Result<Self, String> {
        let mut command = Command::new(program);
        if !sockets.is_empty() {
            let handed = sockets.into_iter().zip(FIRST_SOCKET..);
            let handed = handed.map(|(parent_fd, child_fd)| FdMapping { parent_fd, child_fd }).collect();
            command.fd_mappings(handed).map_err(|why| format!("cannot hand on sockets: {why}"))?;
        }
        let mut child = command
            .args(args)
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Its own group: Ctrl-C in the terminal reaches the supervisor alone, which then stops in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        let pid = Pid::from_raw(child.id().unwrap_or_default() as i32);
        let (tell, said) = mpsc::channel(16);
        let complaint = Arc::new(Mutex::new(String::new()));
        let mut readers = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            let logs = logs.clone();
            let slot = slot.to_owned();
            readers.spawn(each_line(stdout, move |line| {
                logs.take(&slot, "stdout", line);
                if let Some(said) = parse(line) {
                    // Full means it repeats itself; what it said first counts.
                    let _ = tell.try_send(said);
                }
            }));
        }
        if let Some(stderr) = child.stderr.take() {
            let logs = logs.clone();
            let slot = slot.to_owned();
            let complaint = complaint.clone();
            readers.spawn(each_line(stderr, move |line| {
                logs.take(&slot, "stderr", line);
                *complaint.lock().unwrap_or_else(PoisonError::into_inner) = plain(line);
            }));
        }
        Ok(Self { _pipe: child.stdin.take(), child, pid, said, complaint, readers })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw() as u32
    }

    /// What happens to it next; may be dropped and asked again.
    pub(crate) async fn next(&mut self) -> Happening {
        tokio::select! { biased;
            Some(said) = self.said.recv() => return Happening::Said(said),
            _ = self.child.wait() => {}
        }
        let why = self.ended().await;
        let status = self.child.wait().await;
        Happening::Ended { why, refused: status.is_ok_and(|status| status.code() == Some(REFUSED)) }
    }

    /// Resolves when it is gone, with how it ended in one line.
    pub(crate) async fn ended(&mut self) -> String {
        let status = self.child.wait().await;
        // The readers end at EOF; a grandchild that still holds the pipe must not hold us.
        let drained = async { while self.readers.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(Duration::from_millis(20), drained).await;
        // What it left behind in its group goes with it.
        let _ = killpg(self.pid, Signal::SIGKILL);
        let how = status.map_or_else(|error| error.to_string(), describe);
        let complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        if complaint.is_empty() { how } else { format!("{how}: {complaint}") }
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        let _ = kill(self.pid, Signal::SIGTERM);
    }

    /// Ends it and whatever it started.
    pub(crate) fn kill(&self) {
        let _ = killpg(self.pid, Signal::SIGKILL);
    }
}

async fn each_line(stream: impl AsyncRead + Unpin, mut take: impl FnMut(&str)) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(LINE_LIMIT).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_end();
                if !text.is_empty() {
                    take(text);
                }
            }
        }
    }
}

fn parse(line: &str) -> Option<Said> {
    if line.contains("\"event\"") { serde_json::from_str(line).ok() } else { None }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(number)) => match Signal::try_from(number) {
            Ok(signal) => format!("killed by {signal}"),
            Err(_) => format!("killed by signal {number}"),
        },
        (None, None) => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_announcements_are_heard() {
        let addr = "127.0.0.1:1".to_owned();
        assert_eq!(parse(r#"{"event":"listening","addr":"127.0.0.1:1"}"#), Some(Said::Listening { addr }));
        assert_eq!(parse(r#"{"event":"ready","time":"x"}"#), Some(Said::Ready));
        let refused = Said::Refused { revision: "abc".into(), reason: "no".into() };
        assert_eq!(parse(r#"{"event":"refused","revision":"abc","reason":"no"}"#), Some(refused));
        let text = r#"{"event":"settings","revision":"a","settings":[{"key":"b","kind":{"whole":[1,2]},"live":true}]}"#;
        assert!(matches!(parse(text), Some(Said::Settings { settings, .. }) if settings[0].key == "b"));
        assert_eq!(parse(r#"{"event":"settings","settings":[1]}"#), None);
        assert_eq!(parse(r#"{"event":"opened"}"#), None);
        assert_eq!(parse(r#""event" is a word"#), None);
    }
}
