//! What happens when processes die.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::fixture::{Fixture, get, now, signal, text};

#[test]
fn a_killed_service_is_ready_again_within_a_second_at_the_same_address() {
    let mut fixture = Fixture::of_services("[[service]]\nname = 'door'\ncommand = 'FAKE'");
    fixture.up();
    let url = fixture.url("door-1");
    let mut quickest = Duration::MAX;
    for restarts in 1..=5 {
        let pid = fixture.pid("door-1");
        let killed = now();
        signal(pid, Signal::SIGKILL);
        fixture.until("the door answers again", |_| {
            get(&format!("{url}/health/ready")).filter(|answer| answer.status == 200)
        });
        let took = killed.elapsed();
        let row = fixture.until("the restart is counted", |fixture| {
            Some(fixture.instance("door-1")).filter(|row| row["restarts"] == restarts && row["state"] == "ready")
        });
        assert_eq!(row["url"], url.as_str());
        // The fifth death in a row right after a start costs 800 ms of pause; the first two cost nothing. One of them may
        // meet a busy moment of the machine.
        if restarts <= 2 {
            quickest = quickest.min(took);
        }
    }
    assert!(quickest < Duration::from_secs(1), "{quickest:?}");
    assert!(fixture.said().contains("door-1 killed by SIGKILL; starting it again"), "{}", fixture.said());
}

#[test]
fn a_crash_loop_is_capped_and_called_failing_with_its_reason() {
    let mut fixture = Fixture::of_services(
        "[[service]]\nname = 'door'\ncommand = 'FAKE'\nargs = ['--crash']\n\
         [[service]]\nname = 'wall'\ncommand = 'FAKE'\nafter = ['door']",
    );
    fixture.up();
    let row = fixture.until_state("door-1", "failing");
    assert_eq!(row["detail"], "exited with status 3: the hinge is broken");
    assert_eq!(fixture.instance("wall-1")["state"], "ready", "one that fails holds nobody back");
    let lines = fixture.said().lines().filter(|line| line.starts_with("door-1 is failing")).count();
    assert_eq!(lines, 1, "{}", fixture.said());
    assert!(row["restarts"].as_u64().unwrap() <= 7, "{row}");
    let kept = text(&fixture.bongsu(&["logs", "supervisor"]).stdout);
    assert!(kept.contains("WARN door-1 is failing: exited with status 3: the hinge is broken"), "{kept}");
}

#[test]
fn an_instance_that_says_it_is_not_ready_is_shown_as_such() {
    let mut fixture = Fixture::of_services("[[service]]\nname = 'door'\ncommand = 'FAKE'");
    fixture.up();
    get(&format!("{}/unready", fixture.url("door-1"))).unwrap();
    let row = fixture.until_state("door-1", "unready");
    assert_eq!(row["detail"], "warming up");
}

#[test]
fn a_paused_instance_is_not_ready_until_it_goes_on() {
    let mut fixture = Fixture::of_services("[[service]]\nname = 'door'\ncommand = 'FAKE'");
    fixture.up();
    let pid = fixture.pid("door-1");
    signal(pid, Signal::SIGSTOP);
    fixture.until_state("door-1", "unready");
    signal(pid, Signal::SIGCONT);
    assert_eq!(fixture.until_state("door-1", "ready")["pid"], pid);
}

#[test]
fn starting_a_failing_service_tries_it_once_more_and_says_what_came_of_it() {
    let mut fixture = Fixture::of_services("[[service]]\nname = 'door'\ncommand = './later'");
    fixture.up();
    let output = fixture.bongsu(&["start", "door"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).starts_with("door-1 is failing: no program at "), "{output:?}");
    std::fs::copy(crate::fixture::fake_service(), fixture.path("later")).unwrap();
    assert_eq!(text(&fixture.bongsu(&["start", "door"]).stdout), "door-1 is ready\n");
}

#[test]
fn a_failing_service_recovers_by_itself_once_the_cause_is_gone() {
    let mut fixture = Fixture::of_services("[[service]]\nname = 'door'\ncommand = './later'");
    fixture.up();
    let row = fixture.until_state("door-1", "failing");
    assert!(row["detail"].as_str().unwrap().starts_with("no program at "), "{row}");
    std::fs::copy(crate::fixture::fake_service(), fixture.path("later")).unwrap();
    fixture.until_state("door-1", "ready");
}
