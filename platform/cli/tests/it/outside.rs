//! The smallest inputs from outside that once went wrong: signals, limits, devices, clocks.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::fixture::{Fixture, PATIENCE, get, now, signal, text};

const WALL: &str = "[[service]]\nname = 'wall'\ncommand = 'FAKE'";

/// `bongsu up` started by a shell that first does something to itself.
fn up_after(fixture: &Fixture, words: &str) -> Command {
    let mut command = Command::new("sh");
    let bongsu = env!("CARGO_BIN_EXE_bongsu");
    command.args(["-c", &format!("{words}; exec '{bongsu}' up")]).current_dir(fixture.path("."));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_hangup_that_was_ignored_stays_ignored() {
    let fixture = Fixture::of_services(WALL);
    let mut up = up_after(&fixture, "trap '' HUP").spawn().unwrap();
    fixture.until_state("wall-1", "ready");
    signal(up.id(), Signal::SIGHUP);
    // Were it heard, this would find a system that stops.
    for _ in 0..3 {
        assert!(fixture.bongsu(&["restart", "wall"]).status.success());
    }
    assert_eq!(up.try_wait().unwrap(), None);
    assert!(fixture.bongsu(&["stop"]).status.success());
    assert!(up.wait().unwrap().success());
}

#[test]
fn a_hangup_that_was_not_ignored_stops_the_system() {
    let mut fixture = Fixture::of_services(WALL);
    fixture.up();
    signal(fixture.supervisor(), Signal::SIGHUP);
    assert!(fixture.wait().success());
    assert!(fixture.said().contains("the terminal is gone: stopping"), "{}", fixture.said());
}

#[test]
fn a_supervisor_that_stands_still_is_said_in_one_line() {
    let mut fixture = Fixture::of_services(WALL);
    fixture.up();
    let pid = fixture.supervisor();
    signal(pid, Signal::SIGSTOP);
    for args in [
        &["ps"][..],
        &["logs"],
        &["parked"],
        &["restart", "wall"],
        &["scale", "wall=2"],
        &["secret", "--rotate"],
        &["stop"],
    ] {
        let began = now();
        let output = fixture.bongsu(args);
        let line = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
        assert!(line.contains(&format!("(process {pid}) does not answer within 3s")), "{args:?}: {line}");
        assert_eq!(line.lines().count(), 1, "{args:?}: {line}");
        assert!(began.elapsed() < PATIENCE, "{args:?} took {:?}", began.elapsed());
    }
    signal(pid, Signal::SIGCONT);
    assert!(fixture.bongsu(&["ps"]).status.success());
}

#[test]
fn connections_on_which_nobody_asks_keep_no_command_out() {
    let mut fixture = Fixture::of_services(WALL);
    fixture.up();
    let address: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(fixture.data().join("supervisor.json")).unwrap()).unwrap();
    let address = address["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    let open = || (0..300).map(|_| TcpStream::connect(&address).unwrap()).collect::<Vec<_>>();
    let idle = open();
    let output = fixture.bongsu(&["ps"]);
    assert!(output.status.success(), "{output:?}");
    let more = open();
    assert!(fixture.bongsu(&["stop"]).status.success());
    assert!(fixture.wait().success());
    drop((idle, more));
}

#[test]
fn connections_that_were_answered_keep_no_command_out_either() {
    let mut fixture = Fixture::of_services(WALL);
    fixture.up();
    let address = address(&fixture);
    let answered: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = TcpStream::connect(&address).unwrap();
            stream.write_all(format!("GET /instances HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes()).unwrap();
            let mut first = [0; 12];
            stream.read_exact(&mut first).unwrap();
            assert_eq!(&first, b"HTTP/1.1 401", "nobody without the token is told anything");
            stream
        })
        .collect();
    let output = fixture.bongsu(&["ps"]);
    assert!(output.status.success(), "{output:?}");
    drop(answered);
}

#[test]
fn a_limit_of_open_files_that_is_too_low_is_refused_by_name() {
    let fixture = Fixture::of_services(WALL);
    let output = up_after(&fixture, "ulimit -n 40").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let line = text(&output.stderr);
    assert!(line.contains("open files, this process may have 40: raise the limit"), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
}

#[test]
fn under_the_lowest_limit_of_open_files_that_is_taken_the_control_api_answers() {
    let fixture = Fixture::of_services(WALL);
    let mut up = up_after(&fixture, "ulimit -n 128").spawn().unwrap();
    fixture.until_state("wall-1", "ready");
    // More than may be open at once: idle connections do not keep others out for long.
    let address = address(&fixture);
    let idle: Vec<TcpStream> = (0..100).filter_map(|_| TcpStream::connect(&address).ok()).collect();
    fixture
        .until("it answers beside idle connections", |fixture| fixture.bongsu(&["ps"]).status.success().then_some(()));
    drop(idle);
    let output = fixture.bongsu(&["scale", "wall=64"]);
    assert!(text(&output.stderr).contains("open files, this process may have 128"), "{output:?}");
    assert!(fixture.bongsu(&["stop"]).status.success());
    assert!(up.wait().unwrap().success());
}

fn address(fixture: &Fixture) -> String {
    let text = fs::read_to_string(fixture.data().join("supervisor.json")).unwrap();
    let address: serde_json::Value = serde_json::from_str(&text).unwrap();
    address["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned()
}

#[test]
fn a_head_that_never_ends_is_not_waited_for() {
    let mut fixture = Fixture::of_services("");
    fixture.up();
    let mut slow = TcpStream::connect(address(&fixture)).unwrap();
    slow.set_read_timeout(Some(PATIENCE)).unwrap();
    slow.write_all(b"GET /instances HTTP/1.1\r\nhost: x\r\n").unwrap();
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).expect("the connection is closed, not kept for ever");
}

#[test]
fn a_data_folder_whose_path_is_not_text_is_refused_with_one_line() {
    let fixture = Fixture::of_services(WALL);
    let mut command = fixture.command(&["up", "--data"]);
    let output = command.arg(std::ffi::OsStr::from_bytes(b"caf\xe9")).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let line = text(&output.stderr);
    assert!(line.contains("is not UTF-8") && line.lines().count() == 1, "{line}");
}

/// One fact of the door.
fn publish(fixture: &Fixture) {
    let json = &(fixture.key("door", "broker") + "content-type: application/json\r\n");
    let topic = format!("{}/topics/door", fixture.url("broker"));
    assert_eq!(crate::fixture::send(&topic, "PUT", json, r#"{"partitions":8}"#).unwrap().status, 200);
    let fact = r#"{"specversion":"1.0","id":"f-1","source":"door","type":"door.opened.v1","subject":"x/7","sequence":1,
        "partitionkey":"7","time":"2026-01-01T00:00:01.000Z","correlationid":"7","causationid":"c","data":{}}"#;
    let kind = &(fixture.key("door", "broker") + "content-type: application/cloudevents+json\r\n");
    assert_eq!(crate::fixture::send(&format!("{topic}/events"), "POST", kind, fact).unwrap().status, 200);
}

#[test]
fn what_cannot_be_printed_fails_every_command_that_prints() {
    let mut fixture = Fixture::new("[gateway]\nstart = false\n[[service]]\nname = 'door'\ncommand = 'FAKE'");
    fixture.up();
    publish(&fixture);
    let commands: [&[&str]; 15] = [
        &["ps"],
        &["ps", "--json"],
        &["logs"],
        &["logs", "--json"],
        &["facts", "door"],
        &["facts", "door", "--json"],
        &["events", "door"],
        &["events", "door", "--json"],
        &["events", "--key", "7"],
        &["parked"],
        &["parked", "--json"],
        &["stream", "door", "door/7"],
        &["restart", "door"],
        &["--help"],
        &["--version"],
    ];
    for args in commands {
        let printed = fixture.bongsu(args);
        assert!(printed.status.success() && !printed.stdout.is_empty(), "{args:?}: {printed:?}");
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = fixture.command(args).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let line = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
        assert!(
            line.contains("cannot write to stdout: No space left") && line.lines().count() == 1,
            "{args:?}: {line}"
        );
        // Nobody who reads any more is no mistake.
        let Output { status, stderr, .. } = unread(fixture.command(args));
        assert!(status.success() && stderr.is_empty(), "{args:?}: {status} {}", text(&stderr));
    }
}

#[test]
fn a_system_whose_lines_cannot_be_written_says_so_once_and_runs() {
    let fixture = Fixture::of_services("[[service]]\nname = 'wall'\ncommand = 'FAKE'");
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let up = fixture.command(&["up"]).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    fixture.until_state("wall-1", "ready");
    assert!(fixture.bongsu(&["stop"]).status.success());
    let output = up.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write to stdout: No space left") && said.lines().count() == 1, "{said}");
}

#[test]
fn what_the_environment_says_wrongly_of_every_process_is_said_once() {
    let fixture = Fixture::of_services("[[service]]\nname = 'wall'\ncommand = 'FAKE'\ninstances = 2");
    let output = fixture.command(&["up"]).env("BONGSU_LIMITS_STREAMS", "0").output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("limits.streams in the environment (BONGSU_LIMITS_STREAMS): must be"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

/// A command whose reader has gone before it prints.
fn unread(mut command: Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    child.wait_with_output().unwrap()
}

#[test]
fn an_instance_that_stops_in_the_midst_of_its_turn_is_ended_and_the_others_go_on() {
    let mut fixture = Fixture::of_services("[[service]]\nname = 'wall'\ncommand = 'FAKE'\ninstances = 2");
    fixture.up();
    let (stops, waits) = (fixture.url("wall-1"), fixture.url("wall-2"));
    let pid = fixture.pid("wall-1");
    let asked = std::thread::spawn(move || get(&format!("{stops}/stop-in-turn")));
    fixture.until("it has stopped", |_| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')).then_some(())
    });
    let began = now();
    assert_eq!(get(&format!("{waits}/turn")).expect("it gets its turn").status, 200);
    // Five seconds are promised; the rest is for a machine that is busy.
    assert!(began.elapsed() < Duration::from_secs(10), "took {:?}", began.elapsed());
    assert!(asked.join().unwrap().is_none());
    let said = text(&fixture.bongsu(&["logs", "supervisor"]).stdout);
    assert!(said.contains("wall-1 holds the file of wall, for which others wait, and does not move"), "{said}");
    let told = "wall-1 holds the file of wall, for which others wait, and does not move: it is killed";
    assert!(fixture.said().contains(told), "{}", fixture.said());
    assert_ne!(fixture.until_state("wall-1", "ready")["pid"], pid);
    assert_eq!(fixture.instance("wall-2")["restarts"], 0);
}
