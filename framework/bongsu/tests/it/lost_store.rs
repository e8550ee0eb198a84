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

/// Looks again and again until it is so.
fn until(what: &str, look: impl Fn() -> bool) {
    let deadline = now() + PATIENCE;
    while !look() {
        assert!(now() < deadline, "in vain: {what}");
        std::thread::yield_now();
    }
}

/// Waits until it says that of itself; the status it says it with.
fn until_it_says(door: &Door, what: &str) -> u16 {
    let ask = || door.get("/health/ready").unwrap();
    until(what, || ask().body.contains(what));
    ask().status
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
    let said = "its file was removed while it was open; bongsu restart house opens it anew";
    assert_eq!(until_it_says(&door, said), 503, "it is not ready");
}

#[test]
fn a_removed_store_is_noticed_though_nobody_asks_for_anything() {
    let folder = tempdir().unwrap();
    let door = Door::start(folder.path());
    std::fs::remove_file(folder.path().join("data/house.db")).unwrap();
    assert_eq!(until_it_says(&door, "bongsu restart house"), 503, "it is not ready");
}

#[test]
fn a_store_that_cannot_be_written_is_named_as_long_as_that_is_so_and_said_once() {
    let folder = tempdir().unwrap();
    let door = Door::start(folder.path());
    let held = std::fs::File::open(folder.path().join("data/house.db.lock")).unwrap();
    held.lock().unwrap();
    assert_eq!(
        until_it_says(&door, "the store is unavailable: another process kept "),
        200,
        "what is read is answered"
    );
    // Waited for in vain twice more.
    let unavailable = door.open("front", "1").unwrap();
    assert_eq!(unavailable.status, 503, "{}", unavailable.body);
    assert_eq!(door.open("front", "2").unwrap().status, 503);
    drop(held);
    until("it is written again", || !door.get("/health/ready").unwrap().body.contains("unavailable"));
    assert_eq!(door.open("front", "3").unwrap().status, 202);
    let mut renewed = Vec::new();
    while renewed.last().is_none_or(|line: &Value| line["message"] != "leases are renewed again") {
        renewed.push(door.line(|line| line["message"].as_str().is_some_and(|said| said.starts_with("leases "))));
    }
    assert_eq!(renewed.len(), 2, "said once: {renewed:?}");
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
    assert_eq!(until_it_says(&door, "bongsu adopt house"), 200, "what is read is answered");
}
