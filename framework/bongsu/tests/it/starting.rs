//! What a process says when it starts, and why it may not.

use std::{net::TcpListener, process::Command};

use serde_json::Value;
use tempfile::tempdir;

use crate::process::{Door, door};

/// Runs to the end: (exit code, stdout, stderr).
fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// It must fail with exactly one line.
#[track_caller]
fn refused(command: &mut Command) -> String {
    ends(command, 1)
}

/// As [`refused`], by its settings: whoever started it knows that another start would not help.
#[track_caller]
fn misconfigured(command: &mut Command) -> String {
    ends(command, 78)
}

#[track_caller]
fn ends(command: &mut Command, expected: i32) -> String {
    let (code, stdout, stderr) = run(command);
    assert_eq!((code, stdout.as_str()), (Some(expected), ""), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr.trim_end().to_owned()
}

#[test]
fn it_announces_its_address_and_its_readiness_in_json_lines() {
    let folder = tempdir().unwrap();
    let door = Door::start(folder.path());
    assert!(door.addr.ip().is_loopback());
    assert_eq!(door.get("/health/ready").unwrap().status, 200);
    let info: Value = serde_json::from_str(&door.get("/info").unwrap().body).unwrap();
    assert_eq!((info["name"].as_str(), info["slot"].as_str()), (Some("house"), Some("house-1")));
    assert_eq!(door.open("front", "1").unwrap().status, 202);
    let access = door.line(|line| line["target"] == "access" && line["method"] == "POST");
    assert_eq!((&access["route"], &access["status"]), (&Value::from("/doors/{door}/open"), &Value::from(202)));
    assert_eq!((access["service"].as_str(), access["trace_id"].as_str().map(str::len)), (Some("house"), Some(32)));
}

#[test]
fn print_config_shows_everything_but_secrets_and_opens_nothing() {
    let folder = tempdir().unwrap();
    let (code, stdout, stderr) =
        run(door(folder.path()).args(["--print-config", "--set", "service.bell_password=hunter2"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    for line in ["name = \"house\"", "store = \"sqlite:./data/house.db\"", "[limits]", "greeting = \"welcome\""] {
        assert!(stdout.contains(line), "{line} is not in\n{stdout}");
    }
    assert!(stdout.contains("bell_password = \"***\"") && !stdout.contains("hunter2"), "{stdout}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_keeps_it_from_starting_is_one_line() {
    let folder = tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let door = || door(folder.path());
    assert_eq!(
        misconfigured(door().args(["--set", "limits.body_byte=1"])),
        "house: unknown key limits.body_byte in the flags; did you mean limits.body_bytes?"
    );
    assert_eq!(
        misconfigured(door().env("BONGSU_SERVICE_GREETINGS", "hi")),
        "house: unknown key service.greetings in the environment (BONGSU_SERVICE_GREETINGS); did you mean service.greeting?"
    );
    assert_eq!(
        refused(door().args(["--listen", &addr])),
        format!("house: cannot listen on {addr}: Address already in use (os error 98)")
    );
    assert_eq!(
        refused(door().args(["--broker", "carrier-pigeon:"])),
        "house: no broker understands \"carrier-pigeon:\"; there is http://HOST:PORT and embedded:PATH"
    );
    assert_eq!(
        refused(door().args(["--store", "stone:"])),
        "house: no store understands \"stone:\"; there is sqlite:PATH"
    );
    assert!(refused(door().env("BONGSU_CRASH_AT", "soon")).contains("BONGSU_CRASH_AT is \"soon\""));
    assert!(refused(door().args(["--set", "log=[["])).contains("log is \"[[\""));
}

#[test]
fn a_store_whose_header_was_overwritten_is_refused_with_one_line_that_names_it() {
    let folder = tempdir().unwrap();
    drop(Door::start(folder.path()));
    let file = folder.path().join("data/house.db");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[..16].copy_from_slice(b"nonsense nonsens");
    std::fs::write(&file, &bytes).unwrap();
    let said = refused(&mut door(folder.path()));
    assert!(said.starts_with("house: cannot open the store sqlite:./data/house.db: "), "{said}");
    assert_eq!(std::fs::read(&file).unwrap(), bytes, "it is not touched");
}
