//! What the processes say.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::fixture::{Fixture, text};

fn three() -> Fixture {
    let service = |name: &str| format!("[[service]]\nname = '{name}'\ncommand = 'FAKE'\n");
    let mut fixture = Fixture::of_services(&(service("door") + &service("wall") + &service("roof")));
    fixture.up();
    fixture
}

#[test]
fn logs_of_several_services_are_merged_and_only_those_asked_for_are_shown() {
    let fixture = three();
    let shown = text(&fixture.bongsu(&["logs", "door", "wall-1"]).stdout);
    assert!(shown.contains("door-1           | 00:00:00.000 INFO door-1 says hello\n"), "{shown}");
    assert!(shown.contains("wall-1           | 00:00:00.000 INFO wall-1 says hello\n"), "{shown}");
    assert!(!shown.contains("roof"), "{shown}");
    let all = text(&fixture.bongsu(&["logs"]).stdout);
    assert!(["door-1 says", "wall-1 says", "roof-1 says"].iter().all(|words| all.contains(words)), "{all}");
    let refused = fixture.bongsu(&["logs", "window"]);
    assert_eq!(text(&refused.stderr), "bongsu: no instance 'window'\n");
}

#[test]
fn following_shows_new_lines_of_all_as_they_come() {
    let fixture = three();
    let mut follow =
        fixture.command(&["logs", "-f", "-n", "0", "--json", "door", "wall"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    // Both say hello when they start; the one asked for last shows that the first was not all there is.
    fixture.bongsu(&["restart", "door"]);
    fixture.bongsu(&["restart", "wall"]);
    let mut heard = Vec::new();
    while heard.len() < 2 {
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let inner: Value = serde_json::from_str(line["line"].as_str().unwrap()).unwrap();
        if inner["message"].as_str().is_some_and(|message| message.ends_with("says hello")) {
            heard.push(line["instance"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(heard, ["door-1", "wall-1"]);
    follow.kill().unwrap();
    follow.wait().unwrap();
}

#[test]
fn lines_are_kept_in_a_file_per_instance_and_every_one_is_json() {
    let fixture = three();
    for slot in ["door-1", "wall-1", "roof-1"] {
        let kept = fs::read_to_string(fixture.data().join(format!("logs/{slot}.jsonl"))).unwrap();
        let messages: Vec<Value> =
            kept.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["message"].clone()).collect();
        assert!(messages.contains(&format!("{slot} says hello").into()), "{kept}");
        assert!(messages.contains(&"not json at all".into()), "{kept}");
    }
}

#[test]
fn logs_can_still_be_read_when_the_system_has_stopped() {
    let fixture = three();
    fixture.bongsu(&["stop"]);
    let shown = text(&fixture.bongsu(&["logs", "door"]).stdout);
    assert!(shown.contains("door-1           | 00:00:00.000 INFO door-1 says hello\n"), "{shown}");
    assert!(!shown.contains("wall"), "{shown}");
    assert_eq!(fixture.bongsu(&["logs", "-f"]).status.code(), Some(1));
    let unknown = fixture.bongsu(&["logs", "window", "door"]);
    assert_eq!((unknown.status.code(), text(&unknown.stdout)), (Some(1), String::new()));
    assert!(text(&unknown.stderr).starts_with("bongsu: no logs of 'window' in "), "{unknown:?}");
}
