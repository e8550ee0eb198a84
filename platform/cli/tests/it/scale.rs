//! More instances and fewer, ordered while everything runs.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use nix::sys::signal::Signal;

use crate::fixture::{End, Fixture, get, is_alive, send, signal, text};

const DOOR: &str = "
[broker]
start = false
[gateway]
listen = '127.0.0.1:0'
[[service]]
name = 'door'
command = 'FAKE'
idempotent = true
routes = ['/doors']
[[service]]
name = 'bell'
command = 'FAKE'
start = false
";

fn doors() -> Fixture {
    let mut fixture = Fixture::new(DOOR);
    fixture.up();
    fixture
}

fn slots(fixture: &Fixture, name: &str) -> Vec<String> {
    let rows = fixture.ps();
    let mine = rows.iter().filter(|row| row["name"] == name && row["state"] == "ready");
    mine.map(|row| row["instance"].as_str().unwrap().to_owned()).collect()
}

fn scale(fixture: &Fixture, wish: &str) -> String {
    let output = fixture.bongsu(&["scale", wish]);
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout)
}

#[test]
fn a_service_is_scaled_up_and_down_and_the_gateway_follows() {
    let fixture = doors();
    let url = format!("{}/doors", fixture.url("gateway"));
    let first = fixture.pid("door-1");
    let said = scale(&fixture, "door=4");
    assert_eq!(said, "door-1 is ready\ndoor-2 is ready\ndoor-3 is ready\ndoor-4 is ready\n");
    let rows: Vec<String> = fixture.ps().iter().map(|row| row["instance"].as_str().unwrap().to_owned()).collect();
    assert_eq!(rows, ["broker", "door-1", "door-2", "door-3", "door-4", "bell-1", "gateway-1"]);
    let mut served = BTreeSet::new();
    fixture.until("all of them serve", |_| {
        served.insert(get(&url)?.json()["slot"].as_str()?.to_owned());
        (served.len() == 4).then_some(())
    });
    let last = fixture.pid("door-4");
    assert_eq!(scale(&fixture, "door=2"), "door-1 is ready\ndoor-2 is ready\n");
    assert!(!is_alive(last));
    assert_eq!(scale(&fixture, "door=1"), "door-1 is ready\n");
    assert_eq!(fixture.pid("door-1"), first, "who stays is not disturbed");
    fixture.until("only the first serves", |_| (get(&url)?.json()["slot"] == "door-1").then_some(()));
    let logs = text(&fixture.bongsu(&["logs", "supervisor"]).stdout);
    assert!(logs.contains("door is scaled from 1 to 4") && logs.contains("door is scaled from 2 to 1"), "{logs}");
}

#[test]
fn scaling_is_noticed_by_no_reader_and_no_keyed_writer() {
    let fixture = doors();
    let (url, over) = (format!("{}/doors", fixture.url("gateway")), AtomicBool::new(false));
    let asked = [("GET", AtomicU32::new(0)), ("POST", AtomicU32::new(0))];
    let ask = |method: &str, asked: &AtomicU32| {
        let mut failed = Vec::new();
        while !over.load(Ordering::Acquire) {
            let number = asked.fetch_add(1, Ordering::AcqRel);
            let head = if method == "POST" { format!("idempotency-key: {number}\r\n") } else { String::new() };
            match send(&url, method, &head, "") {
                Some(answer) if answer.status == 200 => {}
                other => failed.push(format!("{method} number {number}: {other:?}")),
            }
        }
        failed
    };
    thread::scope(|scope| {
        let ask = &ask;
        let callers: Vec<_> = asked.iter().map(|(method, asked)| scope.spawn(move || ask(method, asked))).collect();
        let _end = End(&over);
        for count in [2, 4, 1, 3, 1] {
            scale(&fixture, &format!("door={count}"));
            for (method, asked) in &asked {
                let before = asked.load(Ordering::Acquire);
                fixture
                    .until(&format!("more {method}s"), |_| (asked.load(Ordering::Acquire) > before + 10).then_some(()));
            }
        }
        over.store(true, Ordering::Release);
        let failed: Vec<String> = callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect();
        assert!(failed.is_empty(), "{failed:#?}");
    });
}

#[test]
fn what_cannot_be_is_refused_in_one_line_and_changes_nothing() {
    let fixture = doors();
    for (wish, code, expected) in [
        ("door=0", 1, "bongsu: door=0: 1 to 64 instances are possible ('bongsu stop door' stops them)\n"),
        ("door=1000", 1, "bongsu: door=1000: 1 to 64 instances are possible\n"),
        ("window=2", 1, "bongsu: no service 'window'; there are door, bell\n"),
        ("door-1=2", 1, "bongsu: no service 'door-1'; there are door, bell\n"),
        ("../stop=2", 1, "bongsu: no service '.._stop'; there are door, bell\n"),
        ("gateway=65", 1, "bongsu: gateway=65: 1 to 64 instances are possible\n"),
        ("gateway-1=2", 1, "bongsu: no service 'gateway-1'; there are door, bell\n"),
        ("broker=2", 1, "bongsu: there is one broker, and no more\n"),
        ("door", 2, "expected NAME=N"),
        ("=2", 2, "the name is missing"),
        ("door=", 2, "'' is no number of instances"),
        ("door=-1", 2, "'-1' is no number of instances"),
        ("door=many", 2, "'many' is no number of instances"),
        ("door=99999999999", 2, "'99999999999' is no number of instances"),
        ("door=2=3", 2, "'2=3' is no number of instances"),
    ] {
        let output = fixture.bongsu(&["scale", wish]);
        let line = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{wish}: {line}");
        assert!(if code == 1 { line == expected } else { line.contains(expected) }, "{wish}: {line}");
    }
    assert_eq!(slots(&fixture, "door"), ["door-1"]);
    assert!(!fixture.data().join("scale.json").exists());
}

#[test]
fn the_number_outlives_the_supervisor_until_the_description_says_another_one() {
    let mut fixture = doors();
    scale(&fixture, "door=3");
    assert!(fixture.bongsu(&["stop"]).status.success());
    fixture.wait();
    fixture.up();
    assert_eq!(slots(&fixture, "door"), ["door-1", "door-2", "door-3"]);
    let children: Vec<u32> = slots(&fixture, "door").iter().map(|slot| fixture.pid(slot)).collect();
    signal(fixture.supervisor(), Signal::SIGKILL);
    fixture.wait();
    fixture.until("nobody is orphaned", |_| (!children.iter().any(|pid| is_alive(*pid))).then_some(()));
    fixture.up();
    assert_eq!(slots(&fixture, "door").len(), 3);
    assert!(fixture.bongsu(&["stop"]).status.success());
    fixture.wait();
    let file = fixture.path("bongsu.toml");
    let described = fs::read_to_string(&file).unwrap().replace("name = 'door'", "name = 'door'\ninstances = 2");
    fs::write(&file, described).unwrap();
    fixture.up();
    assert_eq!(slots(&fixture, "door"), ["door-1", "door-2"]);
}

#[test]
fn a_damaged_note_of_the_number_is_said_and_passed_over() {
    let mut fixture = Fixture::new(DOOR);
    fs::create_dir_all(fixture.data()).unwrap();
    fs::write(fixture.data().join("scale.json"), "{\"door\": 3").unwrap();
    fixture.up();
    assert_eq!(slots(&fixture, "door"), ["door-1"]);
    let logs = text(&fixture.bongsu(&["logs", "supervisor"]).stdout);
    assert!(logs.contains("scale.json is passed over"), "{logs}");
}

#[test]
fn scaling_starts_what_was_stopped() {
    let fixture = doors();
    assert_eq!(fixture.instance("bell-1")["state"], "stopped");
    assert_eq!(scale(&fixture, "bell=2"), "bell-1 is ready\nbell-2 is ready\n");
    fixture.bongsu(&["stop", "bell-1"]);
    assert_eq!(scale(&fixture, "bell=2"), "bell-1 is ready\nbell-2 is ready\n");
}

#[test]
fn a_history_is_adopted_once_by_an_instance_that_can() {
    let fixture = doors();
    scale(&fixture, "door=2");
    // The first cannot say anything yet.
    get(&format!("{}/doors/unready", fixture.url("door-1"))).unwrap();
    let output = fixture.bongsu(&["adopt", "door", "--reason", "the disk is another one"]);
    assert!(output.status.success(), "{output:?}");
    let said = text(&output.stdout);
    assert!(said.contains("door begins history cafe behind position 7"), "{said}");
    let served = |url: &str| get(&format!("{url}/echo")).unwrap().json()["served"].as_u64().unwrap();
    assert_eq!(served(&fixture.url("door-2")), 2, "it adopted once, and answered this");
}
