//! What one service alone costs: reading a row beside a handler that answers a constant, and taking commands. It is the house of
//! `bongsu`'s examples that counts its visitors, which has a policy and a read model on its own facts.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use system_tests::harness::{system::binary, wait};
use tempfile::TempDir;

use crate::{
    callers::{Ask, Callers, Connection, get, text},
    machine::processor,
    table::{Row, each, median},
};

/// Connections at once, as of the gateway.
const READERS: usize = 64;
/// In a round, of which each has as many in turn.
const READS: u64 = 20_000;
const ROUNDS: usize = 5;
const WARM: u64 = 2_000;
/// Callers that each wait for their answer before the next command.
const CALLERS: usize = 256;
/// About five seconds of them.
const COMMANDS: u64 = 30_000;
/// Each comes again only after many others.
const GUESTS: u64 = 10_000;
/// What was told last is folded by then, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process with a folder of its own.
struct Alone {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Alone {
    /// Starts an example and waits until it says where it listens.
    fn start(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut command = Command::new(binary(&format!("examples/{name}")));
        command.current_dir(folder.path()).env("BONGSU_PARENT_PIPE", "1").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|why| panic!("{name}: {why}"));
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let said = lines.find(|line| line.contains("\"listening\"")).unwrap_or_else(|| panic!("{name} has ended"));
        let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        let address = said["addr"].as_str().and_then(|at| at.parse().ok()).expect("an address");
        // Who says something is heard to the end.
        thread::spawn(move || lines.for_each(drop));
        Self { child, address, _folder: folder }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn visit(number: u64) -> Request<Full<Bytes>> {
    let request = Request::post(format!("/guests/guest-{}", number % GUESTS)).header("x-bongsu-principal", "ann");
    request.header("idempotency-key", format!("visit {number}")).body(Full::default()).expect("a request")
}

fn row(number: u64) -> Request<Full<Bytes>> {
    let mut request = get(&format!("/guests/guest-{}", number % GUESTS), "");
    request.headers_mut().clear();
    request.headers_mut().insert("x-bongsu-principal", "ann".parse().expect("a value"));
    request
}

#[test]
#[ignore = "measures: run it alone, with `make bench`"]
fn reading_a_row() {
    let (visits, constant, callers) = (Alone::start("visits"), Alone::start("constant"), Callers::new());
    callers.at_once(visits.address, READERS, GUESTS, &as_ask(visit)).all_well();
    until_shown(&callers, visits.address, GUESTS - 1, 1);
    let reads = as_ask(row);
    let read = |of: &Alone, count: u64| {
        let before = processor(of.child.id());
        callers.at_once(of.address, READERS, count, &reads).all_well();
        (processor(of.child.id()) - before).as_secs_f64() * 1e6 / count as f64
    };
    for of in [&visits, &constant] {
        read(of, WARM);
    }
    let (ours, theirs): (Vec<f64>, Vec<f64>) =
        (0..ROUNDS).map(|_| (read(&visits, READS), read(&constant, READS))).unzip();
    let ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
    println!("a row over a constant in {ROUNDS} rounds in turns: {}", each(&ratios));
    Row {
        what: "service's processor time per GET of one row",
        gate: "≤ 3 × an axum constant",
        measured: format!("{:.1} µs", median(&ours)),
        beside: format!("axum constant {:.1} µs: {:.2} ×", median(&theirs), median(&ratios)),
    }
    .print();
}

#[test]
#[ignore = "measures: run it alone, with `make bench`"]
fn commands_of_one_service() {
    let (visits, callers) = (Alone::start("visits"), Callers::new());
    let ask = as_ask(visit);
    callers.at_once(visits.address, CALLERS, WARM, &ask).all_well();
    let from_now = as_ask(|number| visit(number + WARM));
    let before = processor(visits.child.id());
    let heard = callers.at_once(visits.address, CALLERS, COMMANDS, &from_now).all_well();
    let last = WARM + COMMANDS - 1;
    let began = wait::now();
    until_shown(&callers, visits.address, last % GUESTS, last / GUESTS + 1);
    let behind = began.elapsed();
    let spent = (processor(visits.child.id()) - before).as_secs_f64() * 1e6 / COMMANDS as f64;
    let rate = COMMANDS as f64 / heard.took.as_secs_f64();
    Row {
        what: "commands/s over HTTP, one service alone with a policy and a read model on its own facts, 256 callers",
        gate: "≥ 10 000",
        measured: format!("{rate:.0}"),
        beside: format!("{spent:.0} µs of processor time each; all folded {:.1} s later", behind.as_secs_f64()),
    }
    .print();
}

fn as_ask(ask: fn(u64) -> Request<Full<Bytes>>) -> Ask {
    Arc::new(ask)
}

/// Waits until the read model shows a guest with so many visits.
fn until_shown(callers: &Callers, at: SocketAddr, guest: u64, visits: u64) {
    let mut connection = Connection::to(at);
    wait::until("the last visit is shown", PATIENCE, || {
        let answer = callers.wait_for(connection.ask(row(guest)))?;
        if text(&answer) == format!("[{visits}]") { Ok(()) } else { Err(text(&answer)) }
    });
}
