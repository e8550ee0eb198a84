//! A store that is gone, and one that is not the one that published: refused for now, and with what to do about it.

use serde_json::Value;
use tempfile::tempdir;

use crate::process::{Door, Got, PATIENCE};

/// A refusal for now, as problem+json.
#[track_caller]
fn refused(got: &Got) -> Value {
    assert_eq!(got.status, 503, "{}\n{}", got.head, got.body);
    assert!(got.head.contains("content-type: application/problem+json"), "{}", got.head);
    assert!(got.head.contains("retry-after: 30"), "{}", got.head);
    serde_json::from_str(&got.body).unwrap()
}

/// What it says of itself once that names something.
fn until_it_says(door: &Door, what: &str) {
    let deadline = now() + PATIENCE;
    loop {
        let said = door.get("/health/ready").unwrap();
        if said.body.contains(what) {
            return assert_eq!(said.status, if what.contains("restart") { 503 } else { 200 }, "{}", said.body);
        }
        assert!(now() < deadline, "{what:?} is never said: {}", said.body);
        std::thread::yield_now();
    }
}

#[expect(clippy::disallowed_methods, reason = "the processes under test live in real time")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

#[test]
fn a_store_that_is_removed_while_it_is_open_is_refused_for_now_and_its_readiness_says_what_to_do() {
    let folder = tempdir().unwrap();
    let door = Door::start(folder.path());
    assert_eq!(door.open("front", "1").unwrap().status, 202);
    for file in ["house.db", "house.db-wal", "house.db-shm"] {
        std::fs::remove_file(folder.path().join("data").join(file)).unwrap();
    }
    let problem = refused(&door.open("back", "2").unwrap());
    assert_eq!(problem["type"], "/errors/store-damaged");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.starts_with("Nothing was done.")), "{problem}");
    until_it_says(&door, "its file was removed while it was open; bongsu restart house opens it anew");
}

#[test]
fn a_removed_store_is_noticed_though_nobody_asks_for_anything() {
    let folder = tempdir().unwrap();
    let door = Door::start(folder.path());
    std::fs::remove_file(folder.path().join("data/house.db")).unwrap();
    until_it_says(&door, "bongsu restart house");
}

#[test]
fn a_history_that_parted_is_refused_with_what_stands_and_which_command() {
    let folder = tempdir().unwrap();
    let door = Door::start(folder.path());
    assert_eq!(door.open("front", "1").unwrap().status, 202);
    door.signal(nix::sys::signal::Signal::SIGTERM);
    door.ended();
    std::fs::remove_file(folder.path().join("data/house.db")).unwrap();
    let door = Door::start(folder.path());
    let problem = refused(&door.open("back", "2").unwrap());
    assert_eq!(problem["type"], "/errors/history-parted");
    let detail = problem["detail"].as_str().unwrap();
    for said in ["house takes no command now", "`bongsu adopt house --dry-run`", "`bongsu adopt house --reason …`"] {
        assert!(detail.contains(said), "{detail}");
    }
    until_it_says(&door, "bongsu adopt house");
}
