//! A service process and the pipes to it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, MutexGuard,
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

/// Nothing in these tests takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running `door` or `visits`. Killed when dropped.
pub(crate) struct Door {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Value>,
    reading: Arc<Mutex<()>>,
    ended: Receiver<ExitStatus>,
    pub(crate) addr: SocketAddr,
    /// What it said until it was ready.
    pub(crate) said: Vec<Value>,
}

/// Where a process is asked.
#[derive(Clone, Copy)]
pub(crate) struct Address(SocketAddr);

/// An answer, whole.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// The command line of `door` in a folder, with a clean environment.
pub(crate) fn door(folder: &Path) -> Command {
    example("door", folder)
}

/// The same of any example.
pub(crate) fn example(name: &str, folder: &Path) -> Command {
    let this = std::env::current_exe().unwrap();
    let file: PathBuf = this.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    assert!(file.exists(), "{} is missing: run `cargo test -p bongsu`, which builds examples too", file.display());
    let mut command = Command::new(file);
    command.env_clear().current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Door {
    /// Starts it as the supervisor does and waits until it is ready.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::with(folder, |_| {})
    }

    pub(crate) fn with(folder: &Path, configure: impl FnOnce(&mut Command)) -> Self {
        let mut command = door(folder);
        command.env("BONGSU_PARENT_PIPE", "1").stdin(Stdio::piped());
        configure(&mut command);
        let mut door = Self::listening(command);
        door.until_ready();
        door
    }

    /// Starts a command and waits until it listens, which is before it is ready.
    pub(crate) fn listening(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::inherit()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (line, lines) = channel();
        let reading = Arc::new(Mutex::new(()));
        let may_read = Arc::clone(&reading);
        std::thread::spawn(move || {
            for text in BufReader::new(stdout).lines() {
                drop(may_read.lock().unwrap());
                let text = text.unwrap();
                let parsed = serde_json::from_str(&text).unwrap_or_else(|_| panic!("not a JSON line: {text}"));
                let _ = line.send(parsed);
            }
        });
        let ended = watch(&child);
        let mut said = Vec::new();
        while said.last().is_none_or(|line: &Value| line["event"] != "listening") {
            said.push(lines.recv_timeout(PATIENCE).expect("it listens"));
        }
        let addr = said.last().unwrap()["addr"].as_str().unwrap().parse().unwrap();
        Self { stdin: child.stdin.take(), child, lines, reading, ended, addr, said }
    }

    /// Waits until it says that it is ready.
    pub(crate) fn until_ready(&mut self) {
        while self.said.last().is_none_or(|line| line["event"] != "ready") {
            self.said.push(self.lines.recv_timeout(PATIENCE).expect("it becomes ready"));
        }
    }

    /// The next line that is wanted.
    pub(crate) fn line(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("the line comes");
            if wanted(&line) {
                return line;
            }
        }
    }

    /// What it still says until it closes its stdout.
    pub(crate) fn last_words(&self) -> Vec<Value> {
        std::iter::from_fn(|| self.lines.recv_timeout(PATIENCE).ok()).collect()
    }

    /// Leaves its stdout unread until the guard is dropped.
    pub(crate) fn pause_reading(&self) -> MutexGuard<'_, ()> {
        self.reading.lock().unwrap()
    }

    /// Closes the supervisor's end of the pipe.
    pub(crate) fn let_go(&mut self) {
        self.stdin = None;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn ended(&self) -> ExitStatus {
        self.ended.recv_timeout(PATIENCE).expect("it ends")
    }

    /// Where it is asked.
    pub(crate) fn address(&self) -> Address {
        Address(self.addr)
    }

    /// Opens a door with a key.
    pub(crate) fn open(&self, door: &str, key: &str) -> Option<Got> {
        self.address().post(&format!("/doors/{door}/open"), key)
    }

    pub(crate) fn get(&self, path: &str) -> Option<Got> {
        self.address().get(path)
    }
}

impl Address {
    /// A command without a body.
    pub(crate) fn post(self, path: &str, key: &str) -> Option<Got> {
        let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        self.ask(&format!("{head}x-bongsu-principal: ann\r\nidempotency-key: {key}\r\ncontent-length: 0\r\n\r\n"))
    }

    pub(crate) fn get(self, path: &str) -> Option<Got> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"))
    }

    /// `None` when the process went away before it had answered.
    fn ask(self, request: &str) -> Option<Got> {
        let mut stream = TcpStream::connect(self.0).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Got { status, head: head.to_owned(), body: body.to_owned() })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.ended.recv_timeout(PATIENCE);
    }
}

/// Waits for a child on a thread of its own, so that a test can wait with a deadline.
fn watch(child: &Child) -> Receiver<ExitStatus> {
    use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
    use std::os::unix::process::ExitStatusExt as _;
    let (end, ended) = channel();
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    std::thread::spawn(move || {
        let status = match waitid(Id::Pid(pid), WaitPidFlag::WEXITED) {
            Ok(WaitStatus::Exited(_, code)) => ExitStatus::from_raw(code << 8),
            Ok(WaitStatus::Signaled(_, signal, _)) => ExitStatus::from_raw(signal as i32),
            other => panic!("the child did something unexpected: {other:?}"),
        };
        let _ = end.send(status);
    });
    ended
}
