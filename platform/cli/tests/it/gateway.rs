//! The gateway in front of real services.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::fixture::{Fixture, PATIENCE, Response, get, now, raw, send, signal, text};

const DOORS: &str = "
[broker]
start = false
[gateway]
listen = '127.0.0.1:0'
env = { BONGSU_LIMITS_BODY_BYTES = '1000', BONGSU_LIMITS_REQUEST_TIMEOUT_MS = '700', BONGSU_LIMITS_CONCURRENCY = '4', BONGSU_LIMITS_HEADER_TIMEOUT_MS = '300' }
[[service]]
name = 'door'
command = 'FAKE'
instances = 2
routes = ['/doors', '/doors/*']
[[service]]
name = 'bell'
command = 'FAKE'
routes = ['/bells/*']
";

fn doors() -> Fixture {
    let mut fixture = Fixture::new(DOORS);
    fixture.up();
    fixture
}

fn problem(answer: &Response, status: u16, code: &str) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.head.contains("content-type: application/problem+json"), "{answer:?}");
    let problem = answer.json();
    assert_eq!(problem["type"], format!("/errors/{code}"), "{problem}");
    let trace = problem["traceId"].as_str().unwrap();
    assert!(trace.len() == 32 && answer.head.contains(trace), "{answer:?}");
    problem
}

#[test]
fn requests_are_shared_evenly_among_ready_instances() {
    let fixture = doors();
    let url = fixture.url("gateway");
    let mut served: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..20 {
        let answer = get(&format!("{url}/doors/7")).unwrap();
        *served.entry(answer.json()["slot"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(served, BTreeMap::from([("door-1".to_owned(), 10), ("door-2".to_owned(), 10)]));
}

#[test]
fn what_arrives_is_what_was_sent_with_an_identity_and_a_trace_and_no_lies() {
    let fixture = doors();
    let head = "x-bongsu-principal: admin\r\nx-forwarded-for: 10.0.0.1\r\nconnection: x-secret\r\nx-secret: 1\r\n\
                te: trailers\r\nx-mine: kept\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    let answer = send(&format!("{}/bells/a%20b?x=1&y=2", fixture.url("gateway")), "POST", head, "ding").unwrap();
    let seen = answer.json();
    assert_eq!(
        (&seen["method"], &seen["target"], &seen["body"]),
        (&"POST".into(), &"/bells/a%20b?x=1&y=2".into(), &"ding".into())
    );
    let headers = seen["headers"].as_object().unwrap();
    assert_eq!(fixture.named_to("bell", &seen["headers"]), "demo");
    assert_eq!(headers["x-forwarded-for"], "127.0.0.1");
    assert_eq!(headers["x-mine"], "kept");
    assert!(!headers.contains_key("x-secret") && !headers.contains_key("te"), "{headers:?}");
    let trace = headers["traceparent"].as_str().unwrap();
    assert!(
        trace.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && !trace.contains("00f067aa0ba902b7"),
        "{trace}"
    );
    let left: u64 = headers["x-bongsu-deadline-ms"].as_str().unwrap().parse().unwrap();
    assert!(left <= 700, "{left}");
    let less =
        send(&format!("{}/bells/x", fixture.url("gateway")), "GET", "x-bongsu-deadline-ms: 200\r\n", "").unwrap();
    let left: u64 = less.json()["headers"]["x-bongsu-deadline-ms"].as_str().unwrap().parse().unwrap();
    assert!(left <= 200, "{left}");
}

#[test]
fn a_path_that_belongs_to_nobody_is_404() {
    let fixture = doors();
    let url = fixture.url("gateway");
    for path in ["/", "/windows", "/doorstep", "/bells", "/bongsu/events"] {
        problem(&get(&format!("{url}{path}")).unwrap(), 404, "not-found");
    }
}

#[test]
fn a_slow_service_is_504_when_the_deadline_is_over() {
    let fixture = doors();
    let began = now();
    problem(&get(&format!("{}/bells/slow?5000", fixture.url("gateway"))).unwrap(), 504, "timeout");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn a_service_that_answers_garbage_breaks_off_or_crashes_is_502() {
    let fixture = doors();
    let url = fixture.url("gateway");
    problem(&get(&format!("{url}/bells/garbage")).unwrap(), 502, "upstream-garbage");
    // Without a key it may not be sent again.
    problem(&send(&format!("{url}/bells/die"), "POST", "", "").unwrap(), 502, "upstream-lost");
    fixture.until("the bell is back", |fixture| {
        Some(fixture.instance("bell-1")).filter(|row| row["restarts"] == 1 && row["state"] == "ready")
    });
    // A head that promised more than came is cut off, never padded.
    let half = get(&format!("{url}/bells/half")).unwrap();
    assert_eq!((half.status, half.body.as_str()), (200, "half"));
}

#[test]
fn what_a_500_says_stays_inside() {
    let fixture = doors();
    let answer = get(&format!("{}/bells/error", fixture.url("gateway"))).unwrap();
    problem(&answer, 500, "internal");
    assert!(!answer.body.contains("stack trace"), "{answer:?}");
}

#[test]
fn a_service_that_is_stopped_is_503_with_retry_after() {
    let fixture = doors();
    fixture.bongsu(&["stop", "bell"]);
    let answer = send(&format!("{}/bells/x", fixture.url("gateway")), "POST", "", "").unwrap();
    problem(&answer, 503, "unavailable");
    assert!(answer.head.contains("retry-after: 1"), "{answer:?}");
}

#[test]
fn a_keyed_request_waits_while_the_only_instance_restarts() {
    let fixture = doors();
    let url = format!("{}/bells/x", fixture.url("gateway"));
    for (restarts, (method, head)) in [("GET", ""), ("POST", "idempotency-key: 1\r\n")].into_iter().enumerate() {
        signal(fixture.pid("bell-1"), Signal::SIGKILL);
        // Not before the death is noticed: a connection that breaks under way is the client's to repeat.
        fixture.until("the death is noticed", |fixture| {
            (fixture.instance("bell-1")["restarts"].as_u64()? == restarts as u64 + 1).then_some(())
        });
        let answer = send(&url, method, head, "").unwrap();
        assert_eq!(answer.status, 200, "{method}: {answer:?}");
        assert_eq!(answer.json()["served"], 1, "a new process");
    }
}

#[test]
fn a_killed_instance_gets_nothing_more_and_the_other_serves() {
    let fixture = doors();
    let url = format!("{}/doors", fixture.url("gateway"));
    fixture.bongsu(&["stop", "door-1"]);
    for _ in 0..10 {
        assert_eq!(get(&url).unwrap().json()["slot"], "door-2");
    }
}

#[test]
fn limits_are_answered_as_problems() {
    let fixture = doors();
    let url = fixture.url("gateway");
    let address = url.strip_prefix("http://").unwrap();
    let long = "x".repeat(1001);
    problem(&send(&format!("{url}/bells/x"), "POST", "", &long).unwrap(), 413, "body-too-large");
    let chunked = format!(
        "POST /bells/x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n{long}\r\n0\r\n\r\n"
    );
    problem(&raw(address, chunked.as_bytes()).unwrap(), 413, "body-too-large");
    let head = format!("x-long: {}\r\n", "x".repeat(17 << 10));
    problem(&send(&format!("{url}/bells/x"), "GET", &head, "").unwrap(), 431, "headers-too-large");
    assert_eq!(raw(address, b"\x16\x03\x01 no http\r\n\r\n").unwrap().status, 400);
}

#[test]
fn a_request_with_two_lengths_smuggles_nothing_behind_it() {
    let fixture = doors();
    let url = fixture.url("gateway");
    let two = "POST /bells/x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 49\r\n\
               transfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /bells/smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let seen = raw(url.strip_prefix("http://").unwrap(), two.as_bytes()).unwrap().json();
    assert_eq!(seen["body"], "");
    let headers = seen["headers"].as_object().unwrap();
    assert!(!(headers.contains_key("content-length") && headers.contains_key("transfer-encoding")), "{headers:?}");
    assert_eq!(get(&format!("{url}/bells/next")).unwrap().json()["served"], 2);
}

#[test]
fn more_at_once_than_allowed_is_503() {
    let fixture = doors();
    let url = fixture.url("gateway");
    let slow: Vec<_> = (0..12)
        .map(|_| {
            let url = format!("{url}/doors/slow?500");
            thread::spawn(move || get(&url).unwrap())
        })
        .collect();
    let answers: Vec<Response> = slow.into_iter().map(|asked| asked.join().unwrap()).collect();
    let shed: Vec<&Response> = answers.iter().filter(|answer| answer.status == 503).collect();
    let served = answers.iter().filter(|answer| answer.status != 503).count();
    assert!(served >= 4 && !shed.is_empty(), "{answers:?}");
    for answer in shed {
        problem(answer, 503, "overloaded");
        assert!(answer.head.contains("retry-after: 1"), "{answer:?}");
    }
    assert_eq!(get(&format!("{url}/doors")).unwrap().status, 200, "afterwards all is well");
}

#[test]
fn a_client_that_never_finishes_its_head_is_hung_up_on() {
    let fixture = doors();
    let url = fixture.url("gateway");
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET /doors HTTP/1.1\r\nhost:").unwrap();
    let mut rest = Vec::new();
    // Ends by EOF, not by our own patience.
    stream.read_to_end(&mut rest).unwrap();
}

#[test]
fn server_sent_events_pass_unbuffered() {
    let fixture = doors();
    let url = fixture.url("gateway");
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET /bells/stream HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let (mut seen, mut bytes) = (String::new(), [0; 1024]);
    let mut first = None;
    loop {
        let length = stream.read(&mut bytes).unwrap();
        if length == 0 {
            break;
        }
        seen.push_str(&text(&bytes[..length]));
        if seen.contains("data: 1") && first.is_none() {
            first = Some(seen.contains("data: 3"));
        }
    }
    assert_eq!(first, Some(false), "the first event came before the last: {seen}");
    assert!(seen.contains("data: 3"), "{seen}");
}

#[test]
fn every_request_leaves_an_access_log_line_with_its_trace() {
    let fixture = doors();
    let answer = get(&format!("{}/bells/x?secret=1", fixture.url("gateway"))).unwrap();
    let trace = answer.json()["headers"]["traceparent"].as_str().unwrap()[3..35].to_owned();
    let line = fixture.until("the line is logged", |fixture| {
        let shown = text(&fixture.bongsu(&["logs", "gateway"]).stdout);
        shown.lines().find(|line| line.contains(&trace)).map(str::to_owned)
    });
    for part in ["INFO request", "method=GET", "path=/bells/x", "status=200", "upstream=bell"] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!line.contains("secret"), "{line}");
}

#[test]
fn a_taken_gateway_port_is_replaced_and_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let mut fixture = Fixture::new(&DOORS.replace("127.0.0.1:0", &address.to_string()));
    fixture.up();
    let url = fixture.url("gateway");
    assert_ne!(url, format!("http://{address}"));
    fixture.until("it is said", |fixture| {
        fixture.said().contains(&format!("http://{address} was not free: the gateway listens on {url}")).then_some(())
    });
    assert_eq!(get(&format!("{url}/doors")).unwrap().status, 200);
}

#[test]
fn an_operator_sees_the_breakers_of_a_running_gateway_and_holds_those_of_one_service() {
    let fixture = doors();
    let url = fixture.url("gateway");
    assert_eq!(get(&format!("{url}/bells/1")).unwrap().status, 200);
    let shown = text(&fixture.bongsu(&["breakers"]).stdout);
    assert!(shown.lines().any(|line| line.starts_with("bell     /bells/*  closed")), "{shown}");
    let held = fixture.bongsu(&["breakers", "bell", "--force", "open", "--minutes", "2", "--json"]);
    let held: Value = serde_json::from_slice(&held.stdout).unwrap();
    assert_eq!((&held[0]["state"], &held[0]["forced"]), (&"open".into(), &true.into()), "{held}");
    problem(&get(&format!("{url}/bells/1")).unwrap(), 503, "circuit-open");
    assert_eq!(get(&format!("{url}/doors/1")).unwrap().status, 200, "another service's");
    assert!(fixture.bongsu(&["breakers", "bell", "--force", "auto"]).status.success());
    assert_eq!(get(&format!("{url}/bells/1")).unwrap().status, 200);
    let refused = fixture.bongsu(&["breakers", "nobody", "--force", "open"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("No service with a route has this name."), "{refused:?}");
}
