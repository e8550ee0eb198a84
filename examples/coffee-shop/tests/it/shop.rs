//! A coffee shop as a process, its counter as a customer uses it, and the facts anybody can hear.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use serde_json::Value;

/// Nothing in these tests takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// One barista's hands, as the tutorial says it.
pub(crate) const ONE_AT_A_TIME: [&str; 2] = ["--set", "activity_concurrency=1"];

/// A running process. Killed when dropped.
pub(crate) struct Shop {
    child: Child,
    /// Host and port of its counter.
    pub(crate) counter: String,
    /// Host and port of the broker inside it, if there is one.
    pub(crate) broker: Option<String>,
}

/// An answer, whole.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Shop {
    /// Starts it in a folder and waits until it says that it is ready.
    pub(crate) fn open(folder: &Path, flags: &[&str]) -> Self {
        Self::open_with(folder, flags, &[])
    }

    /// The same in an environment.
    pub(crate) fn open_with(folder: &Path, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coffee-shop"));
        command
            .env_clear()
            .envs(environment.iter().copied())
            .current_dir(folder)
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = lines(&mut child);
        let (mut counter, mut broker) = (None, None);
        loop {
            let line = lines.recv_timeout(PATIENCE).expect("it becomes ready");
            let address = || line["addr"].as_str().map(str::to_owned);
            if line["message"] == "a broker runs inside this process" {
                broker = address();
            }
            if line["event"] == "listening" {
                counter = address();
            }
            if line["event"] == "ready" {
                return Self { child, counter: counter.expect("it listens before it is ready"), broker };
            }
        }
    }

    /// A second barista over the same store, with the first one's broker.
    pub(crate) fn hire(&self, folder: &Path, slot: &str, flags: &[&str]) -> Self {
        let broker = format!("http://{}", self.broker.as_ref().expect("the first one has the broker"));
        Self::open(folder, &[&["--slot", slot, "--broker", &broker], flags].concat())
    }

    /// Orders a drink with a key; the answer as it came.
    pub(crate) fn order(&self, drink: &str, key: &str) -> Got {
        self.try_order(drink, key).expect("the counter answers")
    }

    /// The same; `None` when the process went away before it had answered.
    pub(crate) fn try_order(&self, drink: &str, key: &str) -> Option<Got> {
        let body = format!(r#"{{"drink": "{drink}"}}"#);
        let head = format!("x-bongsu-principal: ann\r\nidempotency-key: {key}\r\ncontent-type: application/json\r\n");
        let length = body.len();
        let head = format!("POST /orders HTTP/1.1\r\n{head}content-length: {length}\r\n");
        ask(&self.counter, &head, &body)
    }

    /// Orders so many, each of which must be accepted; their cups.
    pub(crate) fn orders(&self, count: usize) -> Vec<String> {
        let one = |number| {
            let got = self.order("espresso", &format!("k{number}"));
            assert_eq!(got.status, 202, "{}", got.body);
            got.body["cup"].as_str().unwrap().to_owned()
        };
        (0..count).map(one).collect()
    }

    /// Whether a cup is ready.
    pub(crate) fn is_ready(&self, cup: &str) -> bool {
        let got = ask(&self.counter, &format!("GET /cups/{cup} HTTP/1.1\r\n"), "").expect("the counter answers");
        assert_eq!(got.status, 200, "{}", got.body);
        got.body["ready"].as_bool().unwrap()
    }

    /// How often the buzzer rang for each cup, as the broker has it.
    pub(crate) fn buzzers(&self) -> BTreeMap<String, usize> {
        let mut rung = BTreeMap::new();
        for fact in facts(self.broker.as_ref().expect("this one has the broker")) {
            assert_eq!(fact["type"], "coffee.coffee-ready.v1");
            *rung.entry(fact["data"]["cup"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        rung
    }

    /// Whether the process is gone.
    pub(crate) fn is_gone(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // Killed already, in the tests that kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every fact of the shop, read as the tutorial reads it.
pub(crate) fn facts(broker: &str) -> Vec<Value> {
    let mut facts = Vec::new();
    for partition in 0..8 {
        let path = format!("/topics/coffee/events?partition={partition}&limit=1000");
        let got = ask(broker, &format!("GET {path} HTTP/1.1\r\n"), "").expect("the broker answers");
        assert_eq!(got.status, 200, "{}", got.body);
        for read in got.body["messages"].as_array().unwrap() {
            facts.extend(read["messages"].as_array().unwrap().iter().map(|message| message["event"].clone()));
        }
    }
    facts
}

/// Polls until it holds.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = now() + PATIENCE;
    while !holds() {
        assert!(now() < deadline, "still not: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// The machine's clock: these processes are real.
pub(crate) fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "measures real processes")]
    Instant::now()
}

/// What it says, line by line. The pipe is read to its end, so that nobody waits for a reader.
fn lines(child: &mut Child) -> Receiver<Value> {
    let stdout = child.stdout.take().unwrap();
    let (line, lines) = channel();
    std::thread::spawn(move || {
        for text in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = line.send(serde_json::from_str(&text).unwrap_or_else(|_| panic!("not a JSON line: {text}")));
        }
    });
    lines
}

/// `None` when the process went away before it had answered.
fn ask(address: &str, head: &str, body: &str) -> Option<Got> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "{head}host: localhost\r\nconnection: close\r\n\r\n{body}").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Got { status, head: head.to_owned(), body: serde_json::from_str(body).unwrap_or(Value::Null) })
}
