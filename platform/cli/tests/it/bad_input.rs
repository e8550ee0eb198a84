//! What a user or a machine gets wrong: one clear line each, and nothing crash-loops.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::fixture::{Fixture, now, signal, text};

fn refused(fixture: &Fixture, args: &[&str]) -> String {
    let output = fixture.bongsu(args);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let line = text(&output.stderr);
    assert_eq!(line.lines().count(), 1, "{line}");
    line
}

#[test]
fn a_missing_binary_is_one_clear_line_and_the_rest_runs() {
    let mut fixture = Fixture::of_services(
        "[[service]]\nname = 'door'\ncommand = 'no-such-program'\n[[service]]\nname = 'wall'\ncommand = 'FAKE'",
    );
    fixture.up();
    let said = fixture.said();
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("no-such-program")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].starts_with("door-1 is failing: no program 'no-such-program' in "), "{said}");
    assert_eq!(fixture.instance("wall-1")["state"], "ready");
}

#[test]
fn settings_that_cannot_be_meant_are_refused_once_by_the_file_they_were_written_in() {
    let mut fixture =
        Fixture::new("[broker]\nstart = false\n[gateway]\nlisten = '127.0.0.1:0'\nconfig = { wait_ms = 1e9 }");
    fixture.up();
    let file = fixture.path("bongsu.toml").canonicalize().unwrap();
    let why = format!(
        "service.wait_ms in {} (config of gateway): must be a whole number from 0 to 60000, not one with a point or an \
         exponent",
        file.display()
    );
    let row = fixture.instance("gateway");
    assert_eq!(row["state"], "refused", "{row}");
    assert!(row["detail"].as_str().unwrap().ends_with(&why), "{row}");
    let said = fixture.said();
    assert_eq!(said.lines().filter(|line| line.contains(&why)).count(), 1, "{said}");
    assert!(said.contains("gateway-1 is not started again: "), "{said}");
    let again = fixture.bongsu(&["start", "gateway"]);
    assert!(!again.status.success() && text(&again.stdout).contains(&why), "{again:?}");
    assert_eq!(fixture.instance("gateway")["restarts"], 0, "it was started again only when an operator asked for that");
}

#[test]
fn what_only_one_service_can_mean_in_the_environment_is_said_once_for_all() {
    let mut fixture = Fixture::of_services("[[service]]\nname = 'wall'\ncommand = 'FAKE'");
    fixture.give("BONGSU_SERVICE_HOST", "10.0.0.1");
    fixture.give("BONGSU_SERVICE_PORT", "80");
    for args in [&["up"][..], &["up", "--detach"]] {
        let line = refused(&fixture, args);
        assert!(line.starts_with("bongsu: BONGSU_SERVICE_HOST, BONGSU_SERVICE_PORT in the environment: "), "{line}");
    }
    fixture.give("BONGSU_PORT", "tcp://10.0.0.1:80");
    fixture.up();
    fixture.give("BONGSU_WHATEVER", "1");
    let line = refused(&fixture, &["up"]);
    assert_eq!(line, "bongsu: unknown key BONGSU_WHATEVER in the environment\n");
}

#[test]
fn a_number_that_is_larger_than_any_is_refused_with_the_line_that_says_it() {
    for number in ["9223372036854775808", "18446744073709551616", "-99999999999999999999999999"] {
        let fixture =
            Fixture::of_services(&format!("[[service]]\nname = 'door'\ncommand = 'FAKE'\nconfig = {{ a = {number} }}"));
        let line = refused(&fixture, &["up"]);
        assert!(line.contains(&format!(":9: a number that is larger than any: config = {{ a = {number} }}")), "{line}");
    }
}

#[test]
fn what_caused_an_error_is_said_once() {
    let fixture = Fixture::of_services("");
    let line = refused(&fixture, &["up", "--file", "nope"]);
    assert_eq!(line, "bongsu: cannot read nope: No such file or directory (os error 2)\n");
}

#[test]
fn an_adoption_that_hangs_on_the_broker_names_the_broker() {
    let mut fixture = Fixture::new("[gateway]\nstart = false\n[[service]]\nname = 'door'\ncommand = 'FAKE'");
    fixture.up();
    let (broker, door) = (fixture.pid("broker"), fixture.pid("door-1"));
    // As a service that waits for the broker.
    signal(door, Signal::SIGSTOP);
    signal(broker, Signal::SIGSTOP);
    let asked = now();
    let line = refused(&fixture, &["adopt", "door", "--dry-run"]);
    assert!(line.contains(&format!("the broker (process {broker}) does not answer")), "{line}");
    // It says "within 3s"; the service would have been waited for 10 s.
    assert!(line.contains("3s") && asked.elapsed() < Duration::from_secs(8), "{:?}: {line}", asked.elapsed());
    signal(broker, Signal::SIGCONT);
    signal(door, Signal::SIGCONT);
}

#[test]
fn a_description_with_an_unknown_key_is_refused_with_its_line() {
    let fixture = Fixture::of_services("[[service]]\nname = 'door'\ncomand = 'FAKE'");
    let line = refused(&fixture, &["up"]);
    assert!(line.starts_with("bongsu: ./bongsu.toml:8: unknown field `comand`"), "{line}");
}

#[test]
fn a_missing_or_ambiguous_description_is_refused() {
    let fixture = Fixture::of_services("");
    fs::remove_file(fixture.path("bongsu.toml")).unwrap();
    assert!(refused(&fixture, &["up"]).starts_with("bongsu: no bongsu.toml here or one folder down"));
    for folder in ["a", "b"] {
        fs::create_dir(fixture.path(folder)).unwrap();
        fs::write(fixture.path(folder).join("bongsu.toml"), "").unwrap();
    }
    let line = refused(&fixture, &["ps"]);
    assert_eq!(line, "bongsu: several systems here, name one with --file: ./a/bongsu.toml, ./b/bongsu.toml\n");
}

#[test]
fn a_data_folder_that_cannot_be_written_is_refused() {
    let fixture = Fixture::of_services("");
    // Root may write everywhere but through a file and into /proc.
    fs::write(fixture.data(), "a file in its place").unwrap();
    assert!(refused(&fixture, &["up"]).contains("cannot write the data folder"));
    assert!(refused(&fixture, &["up", "--data", "/proc/house"]).contains("cannot write the data folder /proc/house"));
}

#[test]
fn a_path_that_is_no_text_is_refused_by_every_command_and_none_of_it_is_lost() {
    use std::os::unix::ffi::OsStrExt as _;
    let fixture = Fixture::of_services("");
    let path = std::ffi::OsStr::from_bytes(b"caf\xe9");
    let run = |args: &[&str]| fixture.command(args).arg("--data").arg(path).output().unwrap();
    for args in [&["up"][..], &["ps"], &["logs"], &["parked"], &["stop"], &["secret", "door"], &["backup", "copy"]] {
        let output = run(args);
        let line = text(&output.stderr);
        assert_eq!((output.status.code(), line.lines().count()), (Some(1), 1), "{args:?}: {line}");
        assert!(line.contains(r"caf\xE9") && line.contains("is not UTF-8"), "{args:?}: {line}");
    }
    let file = fixture.command(&["ps", "--file"]).arg(path).output().unwrap();
    assert!(text(&file.stderr).contains(r"caf\xE9"), "{file:?}");
}

#[test]
fn a_wrong_command_line_is_explained() {
    let fixture = Fixture::of_services("");
    let output = fixture.bongsu(&["upp"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("unrecognized subcommand 'upp'"), "{output:?}");
}

#[test]
fn the_control_api_answers_only_with_the_token() {
    let mut fixture = Fixture::of_services("");
    fixture.up();
    let address: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(fixture.data().join("supervisor.json")).unwrap()).unwrap();
    let url = format!("{}/instances", address["url"].as_str().unwrap());
    let ask =
        |token: &str| crate::fixture::send(&url, "GET", &format!("authorization: Bearer {token}\r\n"), "").unwrap();
    assert_eq!(ask("wrong").status, 401);
    assert_eq!(crate::fixture::get(&url).unwrap().status, 401);
    assert_eq!(ask(address["token"].as_str().unwrap()).status, 200);
    let mode = Command::new("stat").args(["-c", "%a"]).arg(fixture.data().join("supervisor.json")).output().unwrap();
    assert_eq!(text(&mode.stdout), "600\n");
}

#[test]
fn a_taken_port_is_replaced_by_a_free_one() {
    let mut fixture = Fixture::of_services("[[service]]\nname = 'door'\ncommand = 'FAKE'");
    fixture.up();
    let url = fixture.url("door-1");
    fixture.bongsu(&["stop", "door"]);
    let thief = TcpListener::bind(url.strip_prefix("http://").unwrap()).unwrap();
    assert!(fixture.bongsu(&["start", "door"]).status.success());
    assert_ne!(fixture.url("door-1"), url);
    let said = text(&fixture.bongsu(&["logs", "supervisor"]).stdout);
    assert!(said.contains("is not free"), "{said}");
    drop(thief);
}
