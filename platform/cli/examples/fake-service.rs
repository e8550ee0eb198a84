//! A service as the platform sees one: a real process with a real socket that keeps to the protocol of a child
//! (address, announcements, parent pipe, readiness) and misbehaves on request. Used by the tests of the platform;
//! plain threads, so that nothing but the protocol is shared with real services.
//!
//! Flags: `--ready-after MS`, `--crash`, `--crash-after MS`, `--deaf` (ignores SIGTERM and its pipe),
//! `--note FILE` (appends its slot there once it is ready).

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// The operator's view of a service that put a fact and a timer aside, and was left a note by an adoption of the gate.
const PARKED: &str = r#"[{"id":"bell/7","kind":"fact","whose":"ring","key":"7","what":"bell.rung.v2 bell/7@3","waiting":2,"attempts":5,
       "since":"2026-01-02T03:04:05.678Z","trace":"0af7651916cd43dd8448eb211c80319c","error":"no"},
       {"id":"orphan/ring/gate/door/3@9","kind":"fact","whose":"ring","adopted":"gate","key":"door/3","what":"a fact that is orphaned",
       "waiting":0,"attempts":1,"since":"2026-01-02T03:04:05.678Z","trace":"","error":"it acted on gate door/3@1"},
       {"id":"chime/1","kind":"timer","whose":"chime","key":"1","what":"strike","waiting":0,"attempts":5,
       "since":"2026-01-02T03:04:05.678Z","trace":"","error":"no"}]"#;

/// The operator's view of a stream.
const STREAM: &str = r#"{"stream":"door/7","version":2,"snapshot":{"version":1},"folded":1,"next":2,"events":[
    {"version":2,"name":"opened","schema":1,"data":{"by":"me"},
     "meta":{"time":"2026-01-01T00:00:02.000Z","actor":"ann","command":"door.open.v1"}}]}"#;

struct Fake {
    slot: String,
    ready: AtomicBool,
    served: AtomicU64,
}

struct Asked {
    method: String,
    target: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

fn main() {
    let flags: Vec<String> = std::env::args().skip(1).collect();
    let flag = |name: &str| flags.iter().position(|flag| flag == name);
    let value = |name: &str| flag(name).and_then(|at| flags.get(at + 1)).cloned();
    let millis = |name: &str| value(name).and_then(|text| text.parse().ok()).map(Duration::from_millis);
    if flag("--crash").is_some() {
        eprintln!("the hinge is broken");
        exit(3);
    }
    if flag("--deaf").is_some() {
        ignore_sigterm();
    } else if variable("BONGSU_PARENT_PIPE").as_deref() == Some("1") {
        thread::spawn(stop_with_the_parent);
    }
    let wished = variable("BONGSU_LISTEN").and_then(|text| text.parse().ok());
    let listener = TcpListener::bind(wished.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)))).expect("an address");
    let addr = listener.local_addr().expect("a bound address");
    let slot = variable("BONGSU_SLOT").unwrap_or_default();
    let fake = Arc::new(Fake { slot: slot.clone(), ready: AtomicBool::new(false), served: AtomicU64::new(0) });
    println!("{{\"event\":\"listening\",\"addr\":\"{addr}\"}}");
    println!("{{\"ts\":\"2026-01-01T00:00:00.000Z\",\"level\":\"INFO\",\"message\":\"{slot} says hello\"}}");
    println!("not json at all");
    let serving = fake.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let fake = serving.clone();
            thread::spawn(move || fake.serve(stream));
        }
    });
    pause(millis("--ready-after").unwrap_or_default());
    if let Some(file) = value("--note") {
        let mut file = OpenOptions::new().create(true).append(true).open(file).expect("a file for notes");
        writeln!(file, "{slot}").expect("a note");
    }
    fake.ready.store(true, Ordering::SeqCst);
    println!("{{\"event\":\"ready\"}}");
    if let Some(after) = millis("--crash-after") {
        pause(after);
        exit(4);
    }
    loop {
        thread::park();
    }
}

impl Fake {
    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
        let mut stream = stream;
        while let Some(asked) = read(&mut reader) {
            let last = asked.headers.get("connection").is_some_and(|value| value == "close");
            if self.answer(&asked, &mut stream).is_err() || last {
                return;
            }
        }
    }

    fn answer(&self, asked: &Asked, stream: &mut TcpStream) -> std::io::Result<()> {
        let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
        let last = path.rsplit('/').next().unwrap_or_default();
        match (path, last) {
            ("/health/ready", _) if self.ready.load(Ordering::SeqCst) => plain(stream, "200 OK", "{}"),
            ("/health/ready", _) => plain(stream, "503 Service Unavailable", r#"{"reasons":["warming up"]}"#),
            (_, "die") => exit(5),
            (_, "unready") => {
                self.ready.store(false, Ordering::SeqCst);
                plain(stream, "200 OK", "{}")
            }
            (_, "slow") => {
                pause(Duration::from_millis(query.parse().unwrap_or(1000)));
                plain(stream, "200 OK", "{}")
            }
            (_, "garbage") => {
                stream.write_all(b"\x00\x01 this is not HTTP\r\n\r\n")?;
                Err(std::io::ErrorKind::InvalidData.into())
            }
            (_, "half") => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")?;
                stream.shutdown(std::net::Shutdown::Both)?;
                Err(std::io::ErrorKind::InvalidData.into())
            }
            (_, "error") => plain(stream, "500 Internal Server Error", "stack trace: line 42"),
            (path, _) if path.starts_with("/bongsu/") => self.operated(asked, path, query, stream),
            ("/env", _) => plain(stream, "200 OK", &environment()),
            ("/turn" | "/stop-in-turn", _) => take_turn(path == "/stop-in-turn", stream),
            (_, "stream") => self.stream(stream),
            _ => self.echo(asked, stream),
        }
    }

    /// What only operators ask.
    fn operated(&self, asked: &Asked, path: &str, query: &str, stream: &mut TcpStream) -> std::io::Result<()> {
        match path {
            // The history of its store and of the broker parted; only a ready instance knows what to do about it.
            "/bongsu/adopt" if !self.ready.load(Ordering::SeqCst) => {
                plain(stream, "503 Service Unavailable", r#"{"title":"Not available at the moment"}"#)
            }
            "/bongsu/adopt" if asked.method == "GET" => {
                plain(stream, "200 OK", r#"{"history":null,"position":7,"orphans":1,"orphaned":[]}"#)
            }
            "/bongsu/adopt" => {
                self.served.fetch_add(1, Ordering::SeqCst);
                plain(stream, "200 OK", r#"{"history":"cafe","position":7,"orphans":1,"orphaned":[]}"#)
            }
            "/bongsu/status" if self.ready.load(Ordering::SeqCst) => {
                plain(stream, "200 OK", r#"{"ready":true,"reasons":[]}"#)
            }
            "/bongsu/status" => plain(stream, "200 OK", r#"{"ready":false,"reasons":["warming up"]}"#),
            "/bongsu/events" => plain(stream, "200 OK", &events(query)),
            "/bongsu/parked" if self.slot.starts_with("foreign") => plain(stream, "404 Not Found", "{}"),
            "/bongsu/parked" if self.slot.starts_with("torn") => plain(stream, "503 Service Unavailable", "{}"),
            "/bongsu/parked" => plain(stream, "200 OK", PARKED),
            "/bongsu/streams/door%2F7" => plain(stream, "200 OK", STREAM),
            "/bongsu/streams/door%2F8" => plain(stream, "404 Not Found", "{}"),
            "/bongsu/snapshot" => plain(stream, "200 OK", &self.walk()),
            _ if path.starts_with("/bongsu/parked/") => self.deed(asked, path, stream),
            _ => self.echo(asked, stream),
        }
    }

    /// What is done with something parked.
    fn deed(&self, asked: &Asked, path: &str, stream: &mut TcpStream) -> std::io::Result<()> {
        match path {
            "/bongsu/parked/bell%2F7/retry" => plain(stream, "204 No Content", ""),
            "/bongsu/parked/bell%2F7/evict" if asked.body.starts_with(br#"{"actor":"ann","reason":"too loud"#) => {
                plain(stream, "204 No Content", "")
            }
            "/bongsu/parked/bell%2F7/evict" => {
                plain(stream, "422 Unprocessable Content", r#"{"errors":[{"pointer":"/reason","detail":"too short"}]}"#)
            }
            "/bongsu/parked/chime%2F1/retry" | "/bongsu/parked/chime%2F1/evict" => plain(stream, "204 No Content", ""),
            _ if path.starts_with("/bongsu/parked/orphan%2Fring%2Fgate%2Fdoor%2F3%409/") => {
                plain(stream, "204 No Content", "")
            }
            "/bongsu/parked/bell%2F8/retry" | "/bongsu/parked/bell%2F8/evict" => plain(stream, "404 Not Found", "{}"),
            _ => self.echo(asked, stream),
        }
    }

    /// The first two parts of a walk wrote two snapshots each; from the third on nothing is left.
    fn walk(&self) -> String {
        let walked = self.served.fetch_add(1, Ordering::SeqCst) + 1;
        let written = if walked < 3 { 2 } else { 0 };
        let done = walked >= 3;
        format!("{{\"written\":{written},\"current\":1,\"failed\":0,\"done\":{done}}}")
    }

    /// Three events, 100 ms apart: a reader that gets the first late has met a buffer.
    fn stream(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")?;
        for number in 1..=3 {
            let event = format!("data: {number}\n\n");
            write!(stream, "{:x}\r\n{event}\r\n", event.len())?;
            stream.flush()?;
            pause(Duration::from_millis(100));
        }
        stream.write_all(b"0\r\n\r\n")
    }

    /// Tells what arrived, so that a test can see what the gateway made of a request.
    fn echo(&self, asked: &Asked, stream: &mut TcpStream) -> std::io::Result<()> {
        let served = self.served.fetch_add(1, Ordering::SeqCst) + 1;
        let mut headers: Vec<String> =
            asked.headers.iter().map(|(name, value)| format!("{name:?}:{value:?}")).collect();
        headers.sort();
        let slot = &self.slot;
        let method = &asked.method;
        let target = &asked.target;
        let body = String::from_utf8_lossy(&asked.body);
        let text = format!(
            "{{\"slot\":{slot:?},\"served\":{served},\"method\":{method:?},\"target\":{target:?},\"body\":{body:?},\"headers\":{{{}}}}}",
            headers.join(",")
        );
        plain(stream, "200 OK", &text)
    }
}

/// Two private events; the second was caused by the first, the first by the fact `f-2`.
fn events(query: &str) -> String {
    // Those of one correlation are asked for by whoever looks for causes; all, by whoever wants all.
    let of_seven = query == "after=0&limit=1000&correlation=7";
    if !of_seven && (!query.starts_with("after=0&") || query.contains("correlation=")) {
        return r#"{"events":[],"next":2}"#.to_owned();
    }
    let event = |position: u32, cause: &str| {
        format!(
            "{{\"position\":{position},\"stream\":\"door/7\",\"version\":{position},\"name\":\"opened\",\"schema\":1,\
             \"data\":{{}},\"meta\":{{\"id\":\"private-{position}\",\"causation\":\"{cause}\"}},\"tags\":[],\"commit\":\"0\"}}"
        )
    };
    format!("{{\"events\":[{},{}],\"next\":2}}", event(1, "f-2"), event(2, "private-1"))
}

/// Takes its turn at its store's file, as every instance does before it writes; may stop in the midst of it.
fn take_turn(stops: bool, stream: &mut TcpStream) -> std::io::Result<()> {
    let turn = turn();
    if stops {
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP)?;
    }
    drop(turn);
    plain(stream, "200 OK", "{}")
}

fn turn() -> File {
    let store = variable("BONGSU_STORE").unwrap_or_default();
    let path = format!("{}.lock", store.trim_start_matches("sqlite:"));
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).expect("a lock file");
    file.lock().expect("a lock");
    file
}

/// What it was told when it was started.
fn environment() -> String {
    let told = std::env::vars().filter(|(name, _)| name.starts_with("BONGSU_"));
    let members: Vec<String> = told.map(|(name, value)| format!("{name:?}:{value:?}")).collect();
    format!("{{{}}}", members.join(","))
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let line = line(reader)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let line = self::line(reader)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = Vec::new();
    if let Some(length) = headers.get("content-length").and_then(|text| text.parse().ok()) {
        body.resize(length, 0);
        reader.read_exact(&mut body).ok()?;
    } else if headers.contains_key("transfer-encoding") {
        loop {
            let size = usize::from_str_radix(&self::line(reader)?, 16).ok()?;
            let mut chunk = vec![0; size];
            reader.read_exact(&mut chunk).ok()?;
            self::line(reader)?;
            if size == 0 {
                break;
            }
            body.extend(chunk);
        }
    }
    Some(Asked { method, target, headers, body })
}

fn line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    Some(line.trim_end().to_owned())
}

fn plain(stream: &mut TcpStream, status: &str, body: &str) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads its pipe to the end, which is the end of the parent.
fn stop_with_the_parent() {
    let mut rest = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut rest);
    exit(0);
}

/// SIGTERM blocked for every thread started from here on, and nobody fetches it.
fn ignore_sigterm() {
    use nix::sys::signal::{SigSet, Signal};
    let mut set = SigSet::empty();
    set.add(Signal::SIGTERM);
    set.thread_block().expect("a valid signal set");
}

#[expect(clippy::disallowed_methods, reason = "a process of its own, simulated by nobody")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[expect(clippy::disallowed_methods, reason = "a process of its own, simulated by nobody")]
fn pause(how_long: Duration) {
    thread::sleep(how_long);
}
