//! The window of orders changes while the service runs: a process of its own, with a folder of configuration.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use bongsu_host::{HyperClient, TokioEnv};
use bongsu_runtime::Adapters;
use bongsu_testing::{MemoryStore, Teller};
use serde_json::{Value, json};

use crate::fixture::two_tvs;

/// With the pause between them: longer than anything here takes, also on a busy machine.
const LOOKS: u32 = 1_000;

/// A running `ordering`, ended with the test.
struct Process {
    child: Child,
    addr: String,
    broker: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ordering"));
        command.env_clear().env("BONGSU_CONFIGURATION", folder.join("mounted")).current_dir(folder);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it can be started");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut this = Self { child, addr: String::new(), broker: String::new() };
        while this.addr.is_empty() {
            let line = lines.next().expect("it listens").expect("text");
            let line: Value = serde_json::from_str(&line).expect("JSON");
            let addr = || line["addr"].as_str().unwrap_or_default().to_owned();
            if line["event"] == "listening" {
                this.addr = addr();
            } else if line["message"] == "a broker runs inside this process" {
                this.broker = addr();
            }
        }
        // Read to the end, so that its log never fills the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        this
    }

    /// Status, head and body of an answer to ann.
    fn ask(&self, request: &str, key: &str, body: &str) -> (u16, String, Value) {
        let mut stream = TcpStream::connect(&self.addr).expect("it is there");
        let head = format!("{request} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nx-bongsu-principal: ann", self.addr);
        let more =
            format!("idempotency-key: {key}\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
        stream.write_all(format!("{head}\r\n{more}\r\n\r\n{body}").as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("HTTP");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, head.to_owned(), serde_json::from_str(body).unwrap_or_default())
    }

    /// Places an order; how many seconds it has, and what its answer says it was decided under.
    fn place(&self, key: &str) -> (i64, String) {
        let (status, head, placed) = self.ask("POST /orders", key, &two_tvs().to_string());
        assert_eq!(status, 202, "{placed}");
        let (_, _, order) = self.ask(&format!("GET /orders/{}", placed["order_id"].as_str().expect("an id")), "-", "");
        let window = (second(&order["expires_at"]) - second(&order["placed_at"])).rem_euclid(86_400);
        let revision = head.lines().find_map(|line| line.strip_prefix("x-bongsu-revision: ")).expect("it says so");
        (window, revision.to_owned())
    }
}

/// Of its day, of a date such as `2026-01-31T09:30:00.125Z`.
fn second(date: &Value) -> i64 {
    let date = date.as_str().expect("a date");
    let number = |from: usize| date[from..from + 2].parse::<i64>().expect("two digits");
    number(11) * 3_600 + number(14) * 60 + number(17)
}

/// Everything the folder says, in a file that is exchanged.
fn mount(folder: &Path, name: &str, seconds: i64) {
    let next = folder.join("mounted").join(format!("..{name}"));
    fs::create_dir_all(&next).expect("made");
    fs::write(next.join("ordering.toml"), format!("[service]\nwindow_ms = {seconds}000\n")).expect("written");
    fs::write(next.join("revision"), name).expect("written");
    let link = folder.join("mounted/..link");
    std::os::unix::fs::symlink(format!("..{name}"), &link).expect("linked");
    fs::rename(link, folder.join("mounted/..data")).expect("exchanged");
}

#[tokio::test]
async fn an_order_has_the_window_that_counts_when_it_is_placed() {
    let folder = tempfile::tempdir().expect("a folder");
    mount(folder.path(), "first", 40);
    let ordering = Process::start(folder.path());
    let env: Arc<dyn bongsu_runtime::ports::env::Env> = Arc::new(TokioEnv::new(None).expect("no crash point"));
    let (broker, _) = bongsu::open_broker(&format!("http://{}", ordering.broker), &env, None).await.expect("a broker");
    let store = Arc::new(MemoryStore::new());
    let product =
        Teller::start("product", Adapters { store, broker, env: env.clone(), http: Arc::new(HyperClient::new()) });
    let price = json!({ "minor": 10_000, "currency": "KRW" });
    let body = json!({ "sku": "TV", "name": "TV", "price": price, "at_ms": 1 });
    product.say("product.product-registered.v1", "TV", body).await.expect("said");
    let patience = std::time::Duration::from_millis(20);
    // Each with a key of its own: what was refused once is refused again under its key.
    let mut tries = 0..LOOKS;
    while ordering
        .ask("POST /orders", &format!("early-{}", tries.next().expect("the price is heard")), &two_tvs().to_string())
        .0
        != 202
    {
        env.sleep(patience).await;
    }
    assert_eq!(ordering.place("one"), (40, "first".into()));
    mount(folder.path(), "second", 50);
    let mut tries = 0..LOOKS;
    while ordering.ask("GET /info", "-", "").2["revision"] != "second" {
        tries.next().expect("the second is taken");
        env.sleep(patience).await;
    }
    assert_eq!(ordering.place("two"), (50, "second".into()));
}
