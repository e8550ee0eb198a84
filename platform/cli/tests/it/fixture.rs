//! A system in a temporary folder, and what a test does with it. Dropping it kills everything it started.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything here may take, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A system.
pub(crate) struct Fixture {
    _folder: TempDir,
    /// Where its `bongsu.toml` is.
    base: PathBuf,
    /// What its processes find in their environment beside what the test found.
    given: Vec<(String, String)>,
    up: Option<Child>,
    said: Arc<Mutex<String>>,
}

/// Says that it is over when it is dropped: also when a test fails, whose threads would be waited for in vain.
pub(crate) struct End<'a>(pub(crate) &'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Fixture {
    /// A system with that description; `FAKE` in it stands for the fake service.
    pub(crate) fn new(description: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = description.replace("FAKE", fake_service().to_str().unwrap());
        fs::write(folder.path().join("bongsu.toml"), format!("name = 'house'\n{text}")).unwrap();
        let base = folder.path().to_owned();
        Self::in_folder(folder, base)
    }

    /// The system that somebody wrote down somewhere in a temporary folder.
    pub(crate) fn in_folder(folder: TempDir, base: PathBuf) -> Self {
        Self { _folder: folder, base, given: Vec::new(), up: None, said: Arc::default() }
    }

    /// As [`Fixture::new`], without broker and gateway.
    pub(crate) fn of_services(services: &str) -> Self {
        Self::new(&format!("[broker]\nstart = false\n[gateway]\nstart = false\n{services}"))
    }

    /// One more variable, for whatever is started from now on.
    pub(crate) fn give(&mut self, name: &str, value: &str) {
        self.given.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.base.join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path(".bongsu")
    }

    /// `bongsu ARGS…` in the system's folder.
    pub(crate) fn bongsu(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bongsu"));
        command.args(args).current_dir(&self.base).envs(self.given.iter().cloned());
        command
    }

    /// A head line with the key of somebody to somebody else, as `bongsu secret` prints it.
    pub(crate) fn key(&self, from: &str, to: &str) -> String {
        let roots = bongsu_keys::Roots::read(&self.data()).unwrap();
        format!("authorization: Bearer {}\r\n", roots.key(from, to).bearer())
    }

    /// Whom the gateway named to a service, by the headers it was sent.
    pub(crate) fn named_to(&self, service: &str, headers: &Value) -> String {
        let file = self.data().join("keys").join(format!("{service}.json"));
        let token = headers["x-bongsu-principal"].as_str().expect("somebody is named");
        let keys = bongsu_keys::Keys::open(&file).unwrap();
        keys.vouched(token, now_ms()).unwrap_or_else(|| panic!("nobody believes {token}")).name
    }

    /// `bongsu up`, not waited for.
    pub(crate) fn start(&mut self) {
        self.said.lock().unwrap().clear();
        // Whoever runs the tests may ignore signals (`nohup`, a job of a script), and `up` would go on ignoring them.
        let mut up = Command::new("env");
        up.args(["--default-signal=HUP,INT", env!("CARGO_BIN_EXE_bongsu"), "up"]).current_dir(&self.base);
        up.envs(self.given.iter().cloned());
        let mut up = up.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let stdout = up.stdout.take().unwrap();
        let said = self.said.clone();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                said.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        self.up = Some(up);
    }

    /// `bongsu up`, until it says how many are ready.
    pub(crate) fn up(&mut self) {
        self.start();
        self.until("the system is up", |fixture| fixture.said().contains(" ready in ").then_some(()));
    }

    /// What `bongsu up` printed so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn supervisor(&self) -> u32 {
        self.up.as_ref().unwrap().id()
    }

    /// Waits for the end of `bongsu up`.
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        let mut up = self.up.take().unwrap();
        let deadline = now() + PATIENCE;
        loop {
            if let Some(status) = up.try_wait().unwrap() {
                return status;
            }
            assert!(now() < deadline, "bongsu up does not end: {}", self.said());
            breathe();
        }
    }

    /// What `bongsu ps --json` prints, asked without a process: tests look often.
    pub(crate) fn ps(&self) -> Vec<Value> {
        self.ask("/instances").and_then(|answer| serde_json::from_str(&answer.body).ok()).unwrap_or_default()
    }

    /// The first table of routes after that revision.
    pub(crate) fn routes(&self, after: u64) -> Value {
        self.ask(&format!("/routes?after={after}")).expect("a supervisor").json()
    }

    /// A question to the control API.
    fn ask(&self, path: &str) -> Option<Response> {
        let address: Value =
            serde_json::from_str(&fs::read_to_string(self.data().join("supervisor.json")).ok()?).ok()?;
        let token = format!("authorization: Bearer {}\r\n", address["token"].as_str()?);
        send(&format!("{}{path}", address["url"].as_str()?), "GET", &token, "")
    }

    /// One instance of [`Fixture::ps`]; `gateway` is the first of them.
    pub(crate) fn instance(&self, slot: &str) -> Value {
        let is_it = |row: &Value| row["instance"] == slot || (slot == "gateway" && row["name"] == slot);
        self.ps().into_iter().find(is_it).unwrap_or_default()
    }

    pub(crate) fn pid(&self, slot: &str) -> u32 {
        self.instance(slot)["pid"].as_u64().unwrap_or_else(|| panic!("{slot} has no process: {:?}", self.ps())) as u32
    }

    pub(crate) fn url(&self, slot: &str) -> String {
        self.instance(slot)["url"].as_str().unwrap_or_else(|| panic!("{slot} has no url: {:?}", self.ps())).to_owned()
    }

    /// Looks again and again until something is there.
    pub(crate) fn until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let deadline = now() + PATIENCE;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(now() < deadline, "in vain: {what}\n{}\n{:?}", self.said(), self.ps());
            breathe();
        }
    }

    /// Waits until an instance is in that state.
    pub(crate) fn until_state(&self, slot: &str, state: &str) -> Value {
        self.until(&format!("{slot} is {state}"), |fixture| {
            Some(fixture.instance(slot)).filter(|row| row["state"] == state)
        })
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if let Some(mut up) = self.up.take() {
            let pids: Vec<u32> = self.ps().iter().filter_map(|row| Some(row["pid"].as_u64()? as u32)).collect();
            let _ = up.kill();
            let _ = up.wait();
            for pid in pids.into_iter().filter(|pid| is_alive(*pid)) {
                signal(pid, Signal::SIGKILL);
            }
        }
    }
}

/// The example of this package, built with the tests.
pub(crate) fn fake_service() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_bongsu")).with_file_name("examples").join("fake-service");
    assert!(path.is_file(), "{} is missing: cargo build -p bongsu-cli --examples", path.display());
    path
}

#[expect(clippy::disallowed_methods, reason = "the processes under test live in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Lets the processes under test have the machine between two looks.
fn breathe() {
    thread::park_timeout(Duration::from_millis(10));
}

pub(crate) fn signal(pid: u32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid as i32), signal);
}

/// Whether a process exists and is more than a zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `GET` with nothing special.
pub(crate) fn get(url: &str) -> Option<Response> {
    send(url, "GET", "", "")
}

/// One request on one connection; `head` is further header lines, each with CRLF.
pub(crate) fn send(url: &str, method: &str, head: &str, body: &str) -> Option<Response> {
    let rest = url.strip_prefix("http://").unwrap();
    let (address, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{head}\r\n{body}"
    );
    raw(address, text.as_bytes())
}

/// Sends bytes and reads an answer to the end of the connection.
pub(crate) fn raw(address: &str, bytes: &[u8]) -> Option<Response> {
    let address: SocketAddr = address.parse().unwrap();
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The other side may answer and close before it read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = text(&answer);
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let body = if head.to_lowercase().contains("transfer-encoding: chunked") { unchunk(body) } else { body.to_owned() };
    Some(Response { status, head: head.to_owned(), body })
}

fn unchunk(mut text: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size, 16) else { break };
        whole.push_str(rest.get(..size).unwrap_or(rest));
        text = rest.get(size + 2..).unwrap_or_default();
    }
    whole
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

#[expect(clippy::disallowed_methods, reason = "the processes under test live in real time")]
fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_millis().try_into().unwrap()
}
