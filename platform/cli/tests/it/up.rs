//! Starting and stopping a whole system.

use std::fs;
use std::process::Stdio;

use nix::sys::signal::Signal;

use crate::fixture::{Fixture, get, is_alive, signal, text};

const CHAIN: &str = "
[[service]]
name = 'roof'
command = 'FAKE'
args = ['--note', '../order']
after = ['wall']
[[service]]
name = 'wall'
command = 'FAKE'
args = ['--note', '../order', '--ready-after', '150']
after = ['floor']
[[service]]
name = 'floor'
command = 'FAKE'
args = ['--note', '../order', '--ready-after', '150']
[[service]]
name = 'garden'
command = 'FAKE'
start = false
";

fn chain() -> Fixture {
    let fixture = Fixture::of_services(&CHAIN.replace("../order", "ORDER"));
    let file = fixture.path("bongsu.toml");
    let text = fs::read_to_string(&file).unwrap().replace("ORDER", fixture.path("order").to_str().unwrap());
    fs::write(file, text).unwrap();
    fixture
}

#[test]
fn services_start_when_those_before_them_are_truly_ready() {
    let mut fixture = chain();
    fixture.up();
    assert_eq!(fs::read_to_string(fixture.path("order")).unwrap(), "floor-1\nwall-1\nroof-1\n");
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&fixture.bongsu(&["ps", "--json"]).stdout).unwrap();
    assert_eq!(rows, fixture.ps());
    let states: Vec<(String, String)> = rows
        .iter()
        .map(|row| (row["instance"].as_str().unwrap().into(), row["state"].as_str().unwrap().into()))
        .collect();
    let expected = [
        ("broker", "stopped"),
        ("floor-1", "ready"),
        ("garden-1", "stopped"),
        ("wall-1", "ready"),
        ("roof-1", "ready"),
        ("gateway-1", "stopped"),
    ];
    assert_eq!(states, expected.map(|(slot, state)| (slot.to_owned(), state.to_owned())));
    for row in fixture.ps().iter().filter(|row| row["state"] == "ready") {
        assert_eq!(get(row["url"].as_str().unwrap()).unwrap().json()["slot"], row["instance"]);
        assert_eq!(row["restarts"], 0);
    }
    assert!(fixture.said().contains("3 of 3 ready"), "{}", fixture.said());
}

#[test]
fn stop_ends_everything_in_reverse_order_and_leaves_nothing_running() {
    let mut fixture = chain();
    fixture.up();
    let pids = ["floor-1", "wall-1", "roof-1"].map(|slot| fixture.pid(slot));
    let output = fixture.bongsu(&["stop"]);
    assert!(output.status.success(), "{output:?}");
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
    assert!(fixture.wait().success());
    let again = fixture.bongsu(&["ps"]);
    assert!(!again.status.success());
    assert!(text(&again.stderr).starts_with("bongsu: no system is running on "), "{again:?}");
}

#[test]
fn ctrl_c_stops_the_system_cleanly() {
    let mut fixture = chain();
    fixture.up();
    let pid = fixture.pid("roof-1");
    signal(fixture.supervisor(), Signal::SIGINT);
    assert!(fixture.wait().success());
    assert!(!is_alive(pid));
    assert!(fixture.said().ends_with("interrupted: stopping\neverything has stopped\n"), "{}", fixture.said());
}

#[test]
fn a_second_up_on_the_same_data_folder_is_refused_with_one_line() {
    let mut fixture = chain();
    fixture.up();
    let second = fixture.bongsu(&["up"]);
    assert_eq!(second.status.code(), Some(1));
    let line = text(&second.stderr);
    assert!(line.starts_with("bongsu: a system is already running on ") && line.lines().count() == 1, "{line}");
    assert_eq!(fixture.instance("roof-1")["state"], "ready");
}

#[test]
fn a_killed_supervisor_leaves_no_orphans_and_its_data_folder_usable() {
    let mut fixture = chain();
    fixture.up();
    let pids = ["floor-1", "wall-1", "roof-1"].map(|slot| fixture.pid(slot));
    signal(fixture.supervisor(), Signal::SIGKILL);
    fixture.wait();
    fixture.until("the children are gone", |_| pids.iter().all(|pid| !is_alive(*pid)).then_some(()));
    fixture.up();
    assert_eq!(fixture.instance("roof-1")["state"], "ready");
}

#[test]
fn what_did_not_notice_the_end_of_its_supervisor_is_ended_by_the_next_one() {
    let mut fixture = Fixture::of_services("[[service]]\nname = 'wall'\ncommand = 'FAKE'\nargs = ['--deaf']");
    fixture.up();
    let pid = fixture.pid("wall-1");
    fixture.until("the process is written down", |fixture| {
        fs::read_to_string(fixture.data().join("processes")).ok().filter(|text| text.contains(&pid.to_string()))
    });
    signal(fixture.supervisor(), Signal::SIGKILL);
    fixture.wait();
    assert!(is_alive(pid), "a deaf process survives");
    fixture.up();
    assert!(!is_alive(pid));
}

#[test]
fn detached_it_returns_when_everything_is_ready_and_stop_finds_it() {
    let fixture = chain();
    let output = fixture.command(&["up", "--detach"]).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).contains("3 of 3 ready"), "{output:?}");
    let pid = fixture.pid("roof-1");
    assert!(fixture.bongsu(&["stop"]).status.success());
    assert!(!is_alive(pid));
    let failing = Fixture::of_services("[[service]]\nname = 'wall'\ncommand = 'no-such-program'");
    let output = failing.bongsu(&["up", "--detach"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("wall-1 is failing: no program 'no-such-program'"), "{output:?}");
    assert!(failing.bongsu(&["stop"]).status.success());
}

#[test]
fn detached_with_a_service_that_refuses_its_settings_it_says_what_the_foreground_says_and_fails() {
    let fixture = Fixture::new(
        "[broker]\nstart = false\n[gateway]\nlisten = '127.0.0.1:0'\nconfig = { wait_ms = -1 }\n\
         [[service]]\nname = 'wall'\ncommand = 'FAKE'",
    );
    let output = fixture.bongsu(&["up", "--detach"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let (said, complaint) = (text(&output.stdout), text(&output.stderr));
    let mut lines = said.lines();
    let first = lines.next().unwrap();
    assert!(first.starts_with("gateway-1 is not started again: ") && first.contains("service.wait_ms in "), "{said}");
    assert_eq!(lines.next(), Some("house: 1 of 2 ready in the background"));
    let expected = "bongsu: not ready: gateway-1; everything else is left running ('bongsu ps', 'bongsu stop')\n";
    assert_eq!(complaint, expected);
    assert_eq!(fixture.instance("wall-1")["state"], "ready");
    assert!(fixture.bongsu(&["stop"]).status.success());
}

#[test]
fn only_loopback_is_listened_on() {
    let mut fixture = chain();
    fixture.up();
    let mut pids: Vec<u32> = ["floor-1", "wall-1", "roof-1"].map(|slot| fixture.pid(slot)).into();
    pids.push(fixture.supervisor());
    let mut seen = 0;
    for pid in pids {
        for address in listening(pid) {
            assert!(address.starts_with("0100007F:"), "{pid} listens on {address}");
            seen += 1;
        }
    }
    assert!(seen >= 4, "three services and the supervisor listen, {seen} sockets were seen");
}

/// Local addresses of a process's listening sockets, as /proc/net/tcp writes them.
fn listening(pid: u32) -> Vec<String> {
    let sockets: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .flatten()
        .filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.to_str()?.to_owned()))
        .filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let mut found = Vec::new();
    for table in ["tcp", "tcp6"] {
        for line in fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default().lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            // Column 4 is the state (0A = LISTEN), column 10 the inode.
            if words[3] == "0A" && sockets.iter().any(|inode| inode == words[9]) {
                found.push(words[1].to_owned());
            }
        }
    }
    found
}
