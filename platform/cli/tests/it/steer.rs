//! Starting, stopping, restarting and killing parts of a running system.

use crate::house::{House, is_alive, text};

fn two_doors() -> House {
    let mut house = House::of_services("[[service]]\nname = 'door'\ncommand = 'FAKE'\ninstances = 2");
    house.up();
    house
}

#[test]
fn a_stopped_instance_stays_stopped_until_it_is_started() {
    let house = two_doors();
    let pid = house.pid("door-1");
    let output = house.bongsu(&["stop", "door-1"]);
    assert_eq!(text(&output.stdout), "door-1 is stopped\n");
    assert!(!is_alive(pid));
    assert_eq!(house.instance("door-2")["state"], "ready");
    let output = house.bongsu(&["start", "door-1"]);
    assert_eq!(text(&output.stdout), "door-1 is ready\n");
    assert!(is_alive(house.pid("door-1")));
    assert_eq!(house.instance("door-1")["restarts"], 0);
}

#[test]
fn a_service_name_means_all_its_instances() {
    let house = two_doors();
    assert_eq!(text(&house.bongsu(&["stop", "door"]).stdout), "door-1 is stopped\ndoor-2 is stopped\n");
    assert_eq!(text(&house.bongsu(&["start", "door"]).stdout), "door-1 is ready\ndoor-2 is ready\n");
}

#[test]
fn restart_gives_a_new_process_at_the_same_address() {
    let house = two_doors();
    let (pid, url) = (house.pid("door-1"), house.url("door-1"));
    assert!(house.bongsu(&["restart", "door-1"]).status.success());
    assert_ne!(house.pid("door-1"), pid);
    assert_eq!(house.url("door-1"), url);
}

#[test]
fn kill_is_healed_like_any_crash() {
    let house = two_doors();
    let pid = house.pid("door-1");
    assert!(house.bongsu(&["kill", "door-1"]).status.success());
    assert!(!is_alive(pid));
    let row = house.until_state("door-1", "ready");
    assert_eq!(row["restarts"], 1);
}

#[test]
fn an_unknown_name_is_refused_and_the_known_ones_are_told() {
    let house = two_doors();
    let output = house.bongsu(&["kill", "window"]);
    assert_eq!(output.status.code(), Some(1));
    let line = text(&output.stderr);
    assert_eq!(line, "bongsu: no instance 'window'; there are broker, door-1, door-2, gateway\n");
}

#[test]
fn a_process_that_ignores_sigterm_is_killed_after_the_grace() {
    let mut house = House::of_services("[[service]]\nname = 'door'\ncommand = 'FAKE'\nargs = ['--deaf']");
    house.up();
    let pid = house.pid("door-1");
    assert!(house.bongsu(&["stop"]).status.success());
    assert!(!is_alive(pid));
}
