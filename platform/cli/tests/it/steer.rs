//! Starting, stopping, restarting and killing parts of a running system.

use crate::fixture::{Fixture, is_alive, text};

fn two_doors() -> Fixture {
    let mut fixture = Fixture::of_services("[[service]]\nname = 'door'\ncommand = 'FAKE'\ninstances = 2");
    fixture.up();
    fixture
}

#[test]
fn a_stopped_instance_stays_stopped_until_it_is_started() {
    let fixture = two_doors();
    let pid = fixture.pid("door-1");
    let output = fixture.bongsu(&["stop", "door-1"]);
    assert_eq!(text(&output.stdout), "door-1 is stopped\n");
    assert!(!is_alive(pid));
    assert_eq!(fixture.instance("door-2")["state"], "ready");
    let output = fixture.bongsu(&["start", "door-1"]);
    assert_eq!(text(&output.stdout), "door-1 is ready\n");
    assert!(is_alive(fixture.pid("door-1")));
    assert_eq!(fixture.instance("door-1")["restarts"], 0);
}

#[test]
fn a_service_name_means_all_its_instances() {
    let fixture = two_doors();
    assert_eq!(text(&fixture.bongsu(&["stop", "door"]).stdout), "door-1 is stopped\ndoor-2 is stopped\n");
    assert_eq!(text(&fixture.bongsu(&["start", "door"]).stdout), "door-1 is ready\ndoor-2 is ready\n");
}

#[test]
fn restart_gives_a_new_process_at_the_same_address() {
    let fixture = two_doors();
    let (pid, url) = (fixture.pid("door-1"), fixture.url("door-1"));
    assert!(fixture.bongsu(&["restart", "door-1"]).status.success());
    assert_ne!(fixture.pid("door-1"), pid);
    assert_eq!(fixture.url("door-1"), url);
}

#[test]
fn kill_is_healed_like_any_crash() {
    let fixture = two_doors();
    let pid = fixture.pid("door-1");
    assert!(fixture.bongsu(&["kill", "door-1"]).status.success());
    assert!(!is_alive(pid));
    let row = fixture.until_state("door-1", "ready");
    assert_eq!(row["restarts"], 1);
}

#[test]
fn an_unknown_name_is_refused_and_the_known_ones_are_told() {
    let fixture = two_doors();
    let output = fixture.bongsu(&["kill", "window"]);
    assert_eq!(output.status.code(), Some(1));
    let line = text(&output.stderr);
    assert_eq!(line, "bongsu: no instance 'window'; there are broker, door-1, door-2, gateway-1\n");
}

#[test]
fn a_process_that_ignores_sigterm_is_killed_after_the_grace() {
    let mut fixture = Fixture::of_services("[[service]]\nname = 'door'\ncommand = 'FAKE'\nargs = ['--deaf']");
    fixture.up();
    let pid = fixture.pid("door-1");
    assert!(fixture.bongsu(&["stop"]).status.success());
    assert!(!is_alive(pid));
}
