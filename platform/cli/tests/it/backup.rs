//! `bongsu backup` and `bongsu restore`, on a broker and whatever else is in a data folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::house::{House, send, text};

const HOUSE: &str = "
[gateway]
start = false
[[service]]
name = 'door'
command = 'FAKE'
";

fn house() -> House {
    let mut house = House::new(HOUSE);
    house.up();
    let topic = format!("{}/topics/door", house.url("broker"));
    let json = format!("content-type: application/json\r\n{}", house.key("door", "broker"));
    assert_eq!(send(&topic, "PUT", &json, r#"{"partitions":1}"#).unwrap().status, 200);
    house
}

fn publish(house: &House, id: u32) {
    let event = format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"door","type":"door.opened.v1","subject":"x/7","sequence":{id},
        "partitionkey":"7","time":"2026-01-01T00:00:01.000Z","correlationid":"7","causationid":"c","data":{{}}}}"#
    );
    let url = format!("{}/topics/door/events", house.url("broker"));
    let head = format!("content-type: application/cloudevents+json\r\n{}", house.key("door", "broker"));
    assert_eq!(send(&url, "POST", &head, &event).unwrap().status, 200);
}

fn facts(house: &House, data: &Path) -> usize {
    let output = house.bongsu(&["facts", "door", "--json", "--data", data.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout).lines().count()
}

fn refused(output: Output, why: &str) {
    let line = text(&output.stderr);
    assert_eq!((output.status.code(), line.lines().count()), (Some(1), 1), "{output:?}");
    assert!(line.contains(why), "{line}");
}

#[test]
fn a_backup_of_a_running_system_starts_as_it_was_then() {
    let house = house();
    (1..=3).for_each(|id| publish(&house, id));
    let (backup, data) = (house.path("backup"), house.path("restored"));
    let (to, restored) = (backup.to_str().unwrap(), data.to_str().unwrap());
    // What somebody else keeps there outlives a run, too.
    fs::create_dir(house.data().join("notes")).unwrap();
    fs::write(house.data().join("notes/door"), "opens").unwrap();
    let output = house.bongsu(&["backup", to]);
    assert!(output.status.success(), "{output:?}");
    publish(&house, 4);
    let manifest: Value = serde_json::from_slice(&fs::read(backup.join("backup.json")).unwrap()).unwrap();
    assert_eq!((&manifest["system"], &manifest["format"]), (&"house".into(), &1.into()));
    let names: Vec<&str> = manifest["files"].as_array().unwrap().iter().filter_map(|it| it["name"].as_str()).collect();
    assert!(["broker.db", "notes/door"].iter().all(|name| names.contains(name)), "{names:?}");
    let of_a_run = |name: &&str| name.contains("supervisor") || name.contains("lock") || name.ends_with("-wal");
    assert_eq!(names.iter().find(|name| of_a_run(name)), None);
    for name in ["", "broker.db", "notes", "notes/door", "backup.json"] {
        let mode = backup.join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} has mode {mode:o}");
    }
    refused(house.bongsu(&["backup", to]), "is not empty: name another folder");
    let output = house.bongsu(&["restore", to, "--data", restored]);
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).starts_with("house is in "), "{output:?}");
    assert_eq!(fs::read_to_string(data.join("notes/door")).unwrap(), "opens");
    let output = house.bongsu(&["up", "--detach", "--data", restored]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!((facts(&house, &data), facts(&house, &house.data())), (3, 4));
    refused(house.bongsu(&["restore", to, "--data", restored]), "is not empty: name another folder");
    assert!(house.bongsu(&["stop", "--data", restored]).status.success());
    assert_eq!(house.instance("door-1")["restarts"], 0);
}

#[test]
fn a_stopped_system_is_backed_up_as_well() {
    let mut house = house();
    (1..=2).for_each(|id| publish(&house, id));
    assert!(house.bongsu(&["stop"]).status.success());
    assert!(house.wait().success());
    let (backup, data) = (house.path("backup"), house.path("restored"));
    let (to, restored) = (backup.to_str().unwrap(), data.to_str().unwrap());
    assert!(house.bongsu(&["backup", to]).status.success());
    assert!(house.bongsu(&["restore", to, "--data", restored]).status.success());
    assert!(house.bongsu(&["up", "--detach", "--data", restored]).status.success());
    assert_eq!(facts(&house, &data), 2);
    assert!(house.bongsu(&["stop", "--data", restored]).status.success());
}

#[test]
fn what_is_no_backup_or_no_place_for_one_is_refused_and_nothing_is_left() {
    let house = house();
    let inside = house.data().join("backup");
    refused(house.bongsu(&["backup", inside.to_str().unwrap()]), "is inside the data folder");
    refused(house.bongsu(&["backup", "x", "--data", "nowhere"]), "there is no data folder");
    refused(house.bongsu(&["restore", ".bongsu", "--data", "restored"]), "is no backup");
    let beside = house.data().join("door.bells");
    fs::create_dir(&beside).unwrap();
    refused(house.bongsu(&["backup", "backup"]), "door.db is not there, and was");
    fs::remove_dir(&beside).unwrap();
    assert!(house.bongsu(&["backup", "backup"]).status.success());
    let file = house.path("backup/broker.db");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes).unwrap();
    refused(house.bongsu(&["restore", "backup", "--data", "restored"]), "broker.db is not what was backed up");
    fs::remove_file(&file).unwrap();
    refused(house.bongsu(&["restore", "backup", "--data", "restored"]), "cannot read");
    let description = house.path("bongsu.toml");
    let other = fs::read_to_string(&description).unwrap().replace("name = 'house'", "name = 'tower'");
    fs::write(&description, other).unwrap();
    refused(house.bongsu(&["restore", "backup", "--data", "restored"]), "is a backup of house, and this is tower");
    let left: Vec<_> = fs::read_dir(house.path(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "the description, the data folder, the backup: {left:?}");
    assert!(house.bongsu(&["stop"]).status.success());
}
