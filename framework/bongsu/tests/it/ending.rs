//! It ends when asked, whoever asks, and leaves nothing half done.

use std::process::Stdio;

use nix::sys::signal::Signal;
use tempfile::tempdir;

use crate::process::{Door, door};

#[test]
fn the_end_of_the_parents_pipe_stops_it() {
    let folder = tempdir().unwrap();
    let mut door = Door::start(folder.path());
    door.let_go();
    assert_eq!(door.ended().code(), Some(0));
    let said = door.last_words();
    assert!(
        said.iter().any(|line| line["message"] == "stopping" && line["reason"] == "the parent has gone"),
        "{said:?}"
    );
    assert_eq!(said.last().unwrap()["message"], "stopped", "its last words are not lost");
}

#[test]
fn without_a_parent_the_end_of_stdin_means_nothing() {
    let folder = tempdir().unwrap();
    let door = Door::with(folder.path(), |command| {
        command.env_remove("BONGSU_PARENT_PIPE").stdin(Stdio::null());
    });
    assert_eq!(door.open("front", "1").unwrap().status, 202);
}

#[test]
fn sigterm_and_sigint_stop_it_and_what_was_answered_is_kept() {
    let folder = tempdir().unwrap();
    for (signal, key) in [(Signal::SIGTERM, "1"), (Signal::SIGINT, "2")] {
        let door = Door::start(folder.path());
        assert_eq!(door.open(key, key).unwrap().status, 202);
        door.signal(signal);
        assert_eq!(door.ended().code(), Some(0));
        let again = Door::start(folder.path());
        let got = again.open(key, key).unwrap();
        assert!(got.status == 202 && got.head.contains("idempotency-replayed: true"), "{}", got.head);
        assert_eq!(again.open(key, &format!("other-{key}")).unwrap().status, 409);
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = tempdir().unwrap();
    let door = Door::with(folder.path(), |command| {
        command.args(["--set", "shutdown.unready_ms=600000"]);
    });
    door.signal(Signal::SIGTERM);
    door.line(|line| line["message"] == "stopping");
    door.signal(Signal::SIGTERM);
    assert_eq!(door.ended().code(), Some(130));
}

#[test]
fn nobody_reading_its_log_does_not_stop_it_from_serving_or_ending() {
    let folder = tempdir().unwrap();
    let unread = Door::with(folder.path(), |command| {
        // Half a page of text per request fills the pipe after some dozens.
        command.args(["--set", "log=trace"]);
    });
    let paused = unread.pause_reading();
    for at in 0..400 {
        assert_eq!(unread.open(&format!("d{at}"), &format!("k{at}")).unwrap().status, 202);
    }
    unread.signal(Signal::SIGTERM);
    assert_eq!(unread.ended().code(), Some(0));
    drop(paused);
    let said = unread.last_words();
    assert!(said.iter().all(|line| line["message"] != "stopped"), "its stdout was full to the end");
}

#[test]
fn a_process_whose_slot_another_one_takes_ends_with_one_clear_line() {
    let folder = tempdir().unwrap();
    let slot = ["--set", "slot=door-7"];
    let old = Door::with(folder.path(), |command| {
        command.args(slot);
    });
    let broker = old.said.iter().find(|line| line["message"] == "a broker runs inside this process").unwrap();
    let broker = format!("http://{}", broker["addr"].as_str().unwrap());
    let new = Door::with(folder.path(), |command| {
        command.args(slot).args(["--broker", &broker]);
    });
    assert_eq!(old.ended().code(), Some(1));
    let said = old.last_words();
    let line = said.iter().find(|line| line["code"] == "superseded").unwrap_or_else(|| panic!("{said:?}"));
    assert_eq!((&line["level"], &line["slot"]), (&"ERROR".into(), &"door-7".into()));
    assert_eq!(new.open("front", "1").unwrap().status, 202, "and the other one serves");
}

#[test]
fn a_process_that_was_told_another_number_of_partitions_ends_and_names_the_topic() {
    let folder = tempdir().unwrap();
    let first = Door::start(folder.path());
    first.signal(Signal::SIGTERM);
    assert_eq!(first.ended().code(), Some(0));
    for told in [4, 16] {
        let mut command = door(folder.path());
        command.args(["--set", &format!("partitions={told}")]);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let why = format!("topic house has 8 partitions, and the configuration says partitions = {told}");
        assert!(said.lines().last().is_some_and(|line| line.ends_with(&why)), "{said}");
    }
}
