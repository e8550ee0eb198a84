//! The real process: it answers over HTTP, keeps its books over `kill -9`, and settles what nobody waits for.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use bongsu_host::HyperClient;
use bongsu_runtime::ports::env::{HttpClient as _, HttpRequest};
use serde_json::{Value, json};

struct Process {
    child: Child,
    url: String,
    http: HyperClient,
}

impl Process {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sandbox"))
            .args(["--store", &format!("sqlite:{}/sandbox.db", folder.display())])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary was built with this test");
        let lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let said = lines.map_while(Result::ok).find_map(|line| {
            let line: Value = serde_json::from_str(&line).ok()?;
            line["addr"].as_str().map(str::to_owned)
        });
        let url = format!("http://{}", said.expect("it says where it listens"));
        Self { child, url, http: HyperClient::new() }
    }

    async fn ask_within(
        &self,
        deadline: Duration,
        method: &'static str,
        path: &str,
        body: Value,
    ) -> Option<(u16, Value)> {
        let url = format!("{}{path}", self.url);
        let request = HttpRequest { method, url, headers: vec![], body: body.to_string().into(), deadline };
        let answer = self.http.send(request).await.ok()?;
        Some((answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null)))
    }

    async fn ask(&self, method: &'static str, path: &str, body: Value) -> (u16, Value) {
        self.ask_within(Duration::from_secs(20), method, path, body).await.expect("an answer")
    }

    fn kill_9(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

fn charge(key: &str) -> Value {
    json!({ "key": key, "order": "o1", "amount": { "minor": 20_000, "currency": "KRW" } })
}

#[tokio::test]
async fn the_books_survive_kill_9_and_charges_reach_their_end_without_the_asker() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sandbox = Process::start(folder.path());
    assert_eq!(sandbox.ask("POST", "/captures", charge("k1")).await.1["status"], "captured");
    sandbox.ask("PUT", "/behaviour", json!({ "mode": "down" })).await;
    assert_eq!(sandbox.ask("POST", "/captures", charge("k2")).await.0, 503);
    let before = sandbox.ask("GET", "/ledger", Value::Null).await;
    sandbox.kill_9();

    let sandbox = Process::start(folder.path());
    assert_eq!(sandbox.ask("GET", "/ledger", Value::Null).await, before);
    assert_eq!(sandbox.ask("POST", "/captures", charge("k2")).await.0, 503);
    sandbox.ask("PUT", "/behaviour", json!({ "mode": "slow", "delay_ms": 300 })).await;
    let gave_up = sandbox.ask_within(Duration::from_millis(50), "POST", "/captures", charge("k3")).await;
    assert_eq!(gave_up, None, "a slow provider answers later");
    sandbox.ask("PUT", "/behaviour", json!({ "mode": "slow", "delay_ms": 301 })).await;
    let settled = async {
        loop {
            let (_, ledger) = sandbox.ask("GET", "/ledger", Value::Null).await;
            if ledger["totals"]["KRW"]["captured"] == 60_000 {
                return ledger;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let ledger = tokio::time::timeout(Duration::from_secs(20), settled).await.expect("all three are captured");
    assert_eq!(ledger["captures"].as_array().map(Vec::len), Some(3));
    sandbox.kill_9();
}

#[test]
fn help_that_cannot_be_printed_is_a_failure() {
    for flag in ["--help", "--version", "--print-config"] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("a full disk");
        let sandbox = Command::new(env!("CARGO_BIN_EXE_sandbox")).arg(flag).stdout(full).output().expect("it runs");
        let said = String::from_utf8_lossy(&sandbox.stderr).into_owned();
        assert_eq!(sandbox.status.code(), Some(1), "{flag}: {said}");
        assert!(said.starts_with("sandbox: cannot write to stdout") && said.lines().count() == 1, "{flag}: {said}");
    }
}
