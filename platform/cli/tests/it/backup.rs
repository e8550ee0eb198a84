//! `bongsu backup` and `bongsu restore`, on a broker and whatever else is in a data folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::fixture::{Fixture, send, text};

const SYSTEM: &str = "
[gateway]
start = false
[[service]]
name = 'door'
command = 'FAKE'
";

fn fixture() -> Fixture {
    let mut fixture = Fixture::new(SYSTEM);
    fixture.up();
    let topic = format!("{}/topics/door", fixture.url("broker"));
    let json = format!("content-type: application/json\r\n{}", fixture.key("door", "broker"));
    assert_eq!(send(&topic, "PUT", &json, r#"{"partitions":1}"#).unwrap().status, 200);
    fixture
}

fn publish(fixture: &Fixture, id: u32) {
    let event = format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"door","type":"door.opened.v1","subject":"x/7","sequence":{id},
        "partitionkey":"7","time":"2026-01-01T00:00:01.000Z","correlationid":"7","causationid":"c","data":{{}}}}"#
    );
    let url = format!("{}/topics/door/events", fixture.url("broker"));
    let head = format!("content-type: application/cloudevents+json\r\n{}", fixture.key("door", "broker"));
    assert_eq!(send(&url, "POST", &head, &event).unwrap().status, 200);
}

fn facts(fixture: &Fixture, data: &Path) -> usize {
    let output = fixture.bongsu(&["facts", "door", "--json", "--data", data.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout).lines().count()
}

fn refused(output: Output, why: &str) {
    let line = text(&output.stderr);
    assert_eq!((output.status.code(), line.lines().count()), (Some(1), 1), "{output:?}");
    assert!(line.contains(why), "{line}");
}

fn is_its_owners_alone(backup: &Path) {
    for name in ["", "broker.db", "notes", "notes/door", "backup.json"] {
        let mode = backup.join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} has mode {mode:o}");
    }
}

#[test]
fn a_backup_of_a_running_system_starts_as_it_was_then() {
    let fixture = fixture();
    (1..=3).for_each(|id| publish(&fixture, id));
    let (backup, data) = (fixture.path("backup"), fixture.path("restored"));
    let (to, restored) = (backup.to_str().unwrap(), data.to_str().unwrap());
    // What somebody else keeps there outlives a run, too.
    fs::create_dir(fixture.data().join("notes")).unwrap();
    fs::write(fixture.data().join("notes/door"), "opens").unwrap();
    let output = fixture.bongsu(&["backup", to]);
    assert!(output.status.success(), "{output:?}");
    publish(&fixture, 4);
    let manifest: Value = serde_json::from_slice(&fs::read(backup.join("backup.json")).unwrap()).unwrap();
    assert_eq!((&manifest["system"], &manifest["format"]), (&"house".into(), &1.into()));
    let names: Vec<&str> = manifest["files"].as_array().unwrap().iter().filter_map(|it| it["name"].as_str()).collect();
    assert!(["broker.db", "notes/door"].iter().all(|name| names.contains(name)), "{names:?}");
    let of_a_run = |name: &&str| name.contains("supervisor") || name.contains("lock") || name.ends_with("-wal");
    assert_eq!(names.iter().find(|name| of_a_run(name)), None);
    is_its_owners_alone(&backup);
    refused(fixture.bongsu(&["backup", to]), "is not empty: name another folder");
    let output = fixture.bongsu(&["restore", to, "--data", restored]);
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).starts_with("house is in "), "{output:?}");
    assert_eq!(fs::read_to_string(data.join("notes/door")).unwrap(), "opens");
    let output = fixture.bongsu(&["up", "--detach", "--data", restored]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!((facts(&fixture, &data), facts(&fixture, &fixture.data())), (3, 4));
    refused(fixture.bongsu(&["restore", to, "--data", restored]), "is not empty: name another folder");
    assert!(fixture.bongsu(&["stop", "--data", restored]).status.success());
    assert_eq!(fixture.instance("door-1")["restarts"], 0);
}

#[test]
fn a_stopped_system_is_backed_up_as_well() {
    let mut fixture = fixture();
    (1..=2).for_each(|id| publish(&fixture, id));
    assert!(fixture.bongsu(&["stop"]).status.success());
    assert!(fixture.wait().success());
    let (backup, data) = (fixture.path("backup"), fixture.path("restored"));
    let (to, restored) = (backup.to_str().unwrap(), data.to_str().unwrap());
    assert!(fixture.bongsu(&["backup", to]).status.success());
    assert!(fixture.bongsu(&["restore", to, "--data", restored]).status.success());
    assert!(fixture.bongsu(&["up", "--detach", "--data", restored]).status.success());
    assert_eq!(facts(&fixture, &data), 2);
    assert!(fixture.bongsu(&["stop", "--data", restored]).status.success());
}

#[test]
fn what_is_no_backup_or_no_place_for_one_is_refused_and_nothing_is_left() {
    let fixture = fixture();
    let inside = fixture.data().join("backup");
    refused(fixture.bongsu(&["backup", inside.to_str().unwrap()]), "is inside the data folder");
    refused(fixture.bongsu(&["backup", "x", "--data", "nowhere"]), "there is no data folder");
    refused(fixture.bongsu(&["restore", ".bongsu", "--data", "restored"]), "is no backup");
    let beside = fixture.data().join("door.bells");
    fs::create_dir(&beside).unwrap();
    refused(fixture.bongsu(&["backup", "backup"]), "door.db is not there, and was");
    fs::remove_dir(&beside).unwrap();
    assert!(fixture.bongsu(&["backup", "backup"]).status.success());
    let file = fixture.path("backup/broker.db");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes).unwrap();
    refused(fixture.bongsu(&["restore", "backup", "--data", "restored"]), "broker.db is not what was backed up");
    fs::remove_file(&file).unwrap();
    refused(fixture.bongsu(&["restore", "backup", "--data", "restored"]), "cannot read");
    let description = fixture.path("bongsu.toml");
    let other = fs::read_to_string(&description).unwrap().replace("name = 'house'", "name = 'tower'");
    fs::write(&description, other).unwrap();
    refused(fixture.bongsu(&["restore", "backup", "--data", "restored"]), "is a backup of house, and this is tower");
    let left: Vec<_> = fs::read_dir(fixture.path(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "the description, the data folder, the backup: {left:?}");
    assert!(fixture.bongsu(&["stop"]).status.success());
}

#[test]
fn a_backup_whose_last_lines_cannot_be_written_is_whole_and_says_so() {
    let fixture = fixture();
    publish(&fixture, 1);
    let backup = fixture.path("copy");
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = fixture.command(&["backup", "copy"]).stdout(full).output().unwrap();
    refused(output, &format!("the backup is whole in {}; cannot write to stdout", backup.display()));
    assert_eq!(facts(&fixture, &fixture.data()), 1);
    let restored = fixture.bongsu(&["restore", "copy", "--data", fixture.path("again").to_str().unwrap()]);
    assert!(restored.status.success(), "{restored:?}");
}
