//! A copy of a data folder is a system of its own, and everything in one is its owner's alone.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::fixture::{Fixture, is_alive, text};

const SYSTEM: &str = "
[gateway]
listen = '127.0.0.1:0'
[[service]]
name = 'door'
command = 'FAKE'
instances = 2
routes = ['/*']
";

/// Another `bongsu up` of the same description on another data folder.
struct Beside {
    up: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Beside {
    fn up(fixture: &Fixture, data: &Path) -> Self {
        let mut command = fixture.command(&["up", "--data", data.to_str().unwrap()]);
        let mut up = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut this = Self { said: BufReader::new(up.stdout.take().unwrap()), up };
        let mut line = String::new();
        while !line.contains(" ready in ") {
            line.clear();
            assert!(this.said.read_line(&mut line).unwrap() > 0, "it ended");
        }
        this
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.up.kill();
        let _ = self.up.wait();
    }
}

fn pids(rows: &[Value]) -> Vec<u32> {
    rows.iter().filter_map(|row| Some(row["pid"].as_u64()? as u32)).collect()
}

fn copied(fixture: &Fixture) -> PathBuf {
    let copy = fixture.path("copy");
    assert!(Command::new("cp").arg("-a").arg(fixture.data()).arg(&copy).status().unwrap().success());
    copy
}

fn ps(fixture: &Fixture, data: &Path) -> Vec<Value> {
    let output = fixture.bongsu(&["ps", "--json", "--data", data.to_str().unwrap()]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn a_copy_of_a_running_systems_folder_runs_beside_it_and_touches_nothing_of_it() {
    let mut fixture = Fixture::new(SYSTEM);
    fixture.up();
    let first = pids(&fixture.ps());
    assert_eq!(first.len(), 4);
    fixture.until("the processes are written down", |fixture| {
        let list = fs::read_to_string(fixture.data().join("processes")).ok()?;
        first.iter().all(|pid| list.contains(&pid.to_string())).then_some(())
    });
    let copy = copied(&fixture);
    // Nobody runs there, whatever the copied files say.
    let data = copy.to_str().unwrap();
    for args in [&["ps", "--data", data][..], &["stop", "--data", data], &["kill", "door", "--data", data]] {
        let output = fixture.bongsu(args);
        assert!(text(&output.stderr).starts_with("bongsu: no system is running on "), "{output:?}");
    }
    let beside = Beside::up(&fixture, &copy);
    let second = pids(&ps(&fixture, &copy));
    assert_eq!(second.len(), 4);
    assert!(second.iter().all(|pid| !first.contains(pid)), "{first:?} {second:?}");
    let untouched = || {
        let rows = fixture.ps();
        assert_eq!(pids(&rows), first, "{rows:?}");
        assert!(rows.iter().all(|row| row["state"] == "ready" && row["restarts"] == 0), "{rows:?}");
    };
    untouched();
    assert!(fixture.bongsu(&["stop", "--data", data]).status.success());
    assert!(second.iter().all(|pid| !is_alive(*pid)));
    untouched();
    drop(beside);
}

#[test]
fn a_copy_made_while_the_first_was_killed_ends_nothing_of_the_first_ones_next_run() {
    let mut fixture = Fixture::of_services("[[service]]\nname = 'wall'\ncommand = 'FAKE'\nargs = ['--deaf']");
    fixture.up();
    let deaf = fixture.pid("wall-1");
    fixture.until("the process is written down", |fixture| {
        fs::read_to_string(fixture.data().join("processes")).ok().filter(|list| list.contains(&deaf.to_string()))
    });
    let copy = copied(&fixture);
    crate::fixture::signal(fixture.supervisor(), nix::sys::signal::Signal::SIGKILL);
    fixture.wait();
    assert!(is_alive(deaf));
    // Its supervisor is gone, but this is another folder.
    let beside = Beside::up(&fixture, &copy);
    assert!(is_alive(deaf), "a process of another folder was ended");
    // Deaf as well: it would outlive this test.
    let deaf_too = pids(&ps(&fixture, &copy));
    drop(beside);
    deaf_too.into_iter().for_each(|pid| crate::fixture::signal(pid, nix::sys::signal::Signal::SIGKILL));
    fixture.up();
    assert!(!is_alive(deaf), "its own successor ends it");
}

#[test]
fn every_file_of_a_data_folder_is_its_owners_alone() {
    let mut fixture = Fixture::new(SYSTEM);
    let mut up = fixture.command(&["up", "--detach"]);
    // Whatever its caller allows.
    up.stdout(Stdio::null());
    assert!(up.status().unwrap().success());
    let mut left = vec![fixture.data()];
    let mut seen = 0;
    while let Some(path) = left.pop() {
        let found = path.symlink_metadata().unwrap();
        let mode = found.permissions().mode() & 0o7777;
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
        seen += 1;
        if found.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    assert!(seen >= 12, "folders, lock, address, list, settings, logs, the broker's file and log: {seen} were seen");
    assert!(fixture.bongsu(&["stop"]).status.success());
    // One of an earlier release is tightened.
    let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    [fixture.data(), fixture.data().join("broker.db"), fixture.data().join("logs")].iter().for_each(|path| open(path));
    fixture.up();
    for name in ["", "broker.db", "logs", "logs/gateway-1.jsonl"] {
        let mode = fixture.data().join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} has mode {mode:o}");
    }
}

#[test]
fn a_clean_stop_leaves_no_log_without_which_a_database_would_be_older() {
    let mut fixture = Fixture::new(SYSTEM);
    fixture.up();
    let json = &(fixture.key("gate", "broker") + "content-type: application/json\r\n");
    let url = format!("{}/topics/gate", fixture.url("broker"));
    assert_eq!(crate::fixture::send(&url, "PUT", json, r#"{"partitions":8}"#).unwrap().status, 200);
    let log = fixture.data().join("broker.db-wal");
    assert!(log.metadata().is_ok_and(|log| log.len() > 0));
    // Even of one that cannot put its files in order itself.
    let broker = fixture.pid("broker");
    crate::fixture::signal(broker, nix::sys::signal::Signal::SIGSTOP);
    assert!(fixture.bongsu(&["stop"]).status.success());
    assert!(fixture.wait().success());
    assert_eq!(log.metadata().map_or(0, |log| log.len()), 0);
}
