//! The broker, and the commands that show what travels through it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::fixture::{Fixture, get, send, signal, text};

const SYSTEM: &str = "
[gateway]
start = false
[[service]]
name = 'door'
command = 'FAKE'
config = { deadline_ms = 30, colours = ['red'] }
[[service]]
name = 'foreign'
command = 'FAKE'
start = false
";

fn fixture() -> Fixture {
    let mut fixture = Fixture::new(SYSTEM);
    fixture.up();
    for topic in ["gate", "door"] {
        let json = &(fixture.key(topic, "broker") + "content-type: application/json\r\n");
        let url = format!("{}/topics/{topic}", fixture.url("broker"));
        assert_eq!(send(&url, "PUT", json, r#"{"partitions":8}"#).unwrap().status, 200);
    }
    fixture
}

/// Facts as other services would publish them; each has its second as its time.
fn publish(fixture: &Fixture, topic: &str, second: u32, id: &str, cause: &str, key: &str) {
    let event = json!({
        "specversion": "1.0", "id": id, "source": topic, "type": format!("{topic}.{id}.v1"), "subject": format!("x/{key}"),
        "sequence": second, "partitionkey": key, "time": format!("2026-01-01T00:00:{second:02}.000Z"),
        "correlationid": key, "causationid": cause, "data": {"n": second},
    });
    let url = format!("{}/topics/{topic}/events", fixture.url("broker"));
    let head = fixture.key(topic, "broker") + "content-type: application/cloudevents+json\r\n";
    let answer = send(&url, "POST", &head, &event.to_string()).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn lines(fixture: &Fixture, args: &[&str]) -> Vec<String> {
    let output = fixture.bongsu(args);
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn a_service_is_told_its_place_its_store_the_broker_and_its_settings() {
    let fixture = fixture();
    let told = get(&format!("{}/env", fixture.url("door-1"))).unwrap().json();
    let data = fixture.data().canonicalize().unwrap();
    assert_eq!(told["BONGSU_NAME"], "door");
    assert_eq!(told["BONGSU_SLOT"], "door-1");
    assert_eq!(told["BONGSU_LISTEN"], "127.0.0.1:0");
    assert_eq!(told["BONGSU_STORE"], format!("sqlite:{}", data.join("door.db").display()));
    assert_eq!(told["BONGSU_BROKER"], fixture.url("broker"));
    assert_eq!(told["BONGSU_PARENT_PIPE"], "1");
    assert_eq!(told["BONGSU_KEYS"], data.join("keys/door.json").display().to_string());
    let config = fs::read_to_string(told["BONGSU_CONFIG"].as_str().unwrap()).unwrap();
    assert_eq!(config, "[service]\ncolours = [\"red\"]\ndeadline_ms = 30\n");
}

#[test]
fn facts_of_a_key_are_shown_under_what_caused_them_also_through_private_events() {
    let fixture = fixture();
    publish(&fixture, "gate", 1, "f-1", "command", "7");
    publish(&fixture, "door", 2, "f-2", "f-1", "7");
    publish(&fixture, "door", 3, "f-3", "private-2", "7");
    publish(&fixture, "gate", 4, "other", "command", "8");
    publish(&fixture, "gate", 5, "f-4", "f-1", "7");
    let expected = [
        r#"00:00:01.000 gate.f-1.v1 x/7 {"n":1}"#,
        r#"00:00:02.000 └─ door.f-2.v1 x/7 {"n":2}"#,
        r#"00:00:03.000    └─ door.f-3.v1 x/7 {"n":3}"#,
        r#"00:00:05.000 └─ gate.f-4.v1 x/7 {"n":5}"#,
    ];
    assert_eq!(lines(&fixture, &["events", "--key", "7"]), expected);
    assert_eq!(lines(&fixture, &["events", "door", "--order", "7"]), expected[1..3]);
    let first: Value = serde_json::from_str(&lines(&fixture, &["events", "--key", "7", "--json"])[2]).unwrap();
    assert_eq!((&first["depth"], &first["fact"]["id"]), (&json!(2), &json!("f-3")));
}

#[test]
fn following_a_key_prints_each_fact_as_it_happens_also_of_a_topic_that_is_new() {
    let fixture = fixture();
    publish(&fixture, "gate", 1, "f-1", "command", "7");
    let mut follow = fixture.command(&["events", "--follow", "--order", "7"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut shown = BufReader::new(follow.stdout.take().unwrap()).lines();
    assert_eq!(shown.next().unwrap().unwrap(), r#"00:00:01.000 gate.f-1.v1 x/7 {"n":1}"#);
    publish(&fixture, "gate", 2, "f-2", "f-1", "7");
    assert_eq!(shown.next().unwrap().unwrap(), r#"00:00:02.000 └─ gate.f-2.v1 x/7 {"n":2}"#);
    let json = &(fixture.key("bell", "broker") + "content-type: application/json\r\n");
    send(&format!("{}/topics/bell", fixture.url("broker")), "PUT", json, r#"{"partitions":8}"#).unwrap();
    publish(&fixture, "bell", 3, "f-3", "f-2", "7");
    assert_eq!(shown.next().unwrap().unwrap(), r#"00:00:03.000    └─ bell.f-3.v1 x/7 {"n":3}"#);
    follow.kill().unwrap();
    follow.wait().unwrap();
}

#[test]
fn facts_of_a_topic_survive_kill_9_of_the_broker() {
    let fixture = fixture();
    publish(&fixture, "gate", 1, "f-1", "command", "7");
    publish(&fixture, "gate", 2, "f-2", "command", "8");
    let (pid, url) = (fixture.pid("broker"), fixture.url("broker"));
    signal(pid, Signal::SIGKILL);
    fixture.until("the broker is back", |fixture| {
        Some(fixture.instance("broker")).filter(|row| row["restarts"] == 1 && row["state"] == "ready")
    });
    assert_eq!(fixture.url("broker"), url);
    assert_eq!(fixture.instance("door-1")["restarts"], 0);
    let mut ids: Vec<Value> = lines(&fixture, &["facts", "gate", "--json"])
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone())
        .collect();
    ids.sort_by_key(ToString::to_string);
    assert_eq!(ids, ["f-1", "f-2"]);
    assert_eq!(lines(&fixture, &["facts", "gate", "--key", "8"]), [r#"00:00:02.000 gate.f-2.v1 x/8 {"n":2}"#]);
    let unknown = fixture.bongsu(&["facts", "window"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert_eq!(text(&unknown.stderr).lines().count(), 1, "{unknown:?}");
}

#[test]
fn services_follow_a_broker_that_lost_its_port() {
    let fixture = fixture();
    let (door, url) = (fixture.pid("door-1"), fixture.url("broker"));
    fixture.bongsu(&["stop", "broker"]);
    let thief = TcpListener::bind(url.strip_prefix("http://").unwrap()).unwrap();
    assert!(fixture.bongsu(&["start", "broker"]).status.success());
    let moved = fixture.url("broker");
    assert_ne!(moved, url);
    fixture.until("the door is told", |fixture| {
        let row = Some(fixture.instance("door-1")).filter(|row| row["state"] == "ready" && row["pid"] != door)?;
        Some(get(&format!("{}/env", row["url"].as_str()?))?.json()).filter(|told| told["BONGSU_BROKER"] == moved)
    });
    drop(thief);
}

#[test]
fn a_service_is_told_where_another_listens_and_follows_it() {
    let service = |name: &str, more: &str| format!("[[service]]\nname = '{name}'\ncommand = 'FAKE'\n{more}\n");
    let asks = "after = ['bell']\nenv = { BONGSU_BELL = '${url:bell}/ring' }";
    let mut fixture = Fixture::of_services(&(service("door", asks) + &service("bell", "")));
    fixture.up();
    let told = |fixture: &Fixture| Some(get(&format!("{}/env", fixture.instance("door-1")["url"].as_str()?))?.json());
    let url = fixture.url("bell-1");
    assert_eq!(told(&fixture).unwrap()["BONGSU_BELL"], format!("{url}/ring"));
    fixture.bongsu(&["stop", "bell"]);
    assert!(fixture.bongsu(&["restart", "door"]).status.success(), "its last address is still known");
    let thief = TcpListener::bind(url.strip_prefix("http://").unwrap()).unwrap();
    assert!(fixture.bongsu(&["start", "bell"]).status.success());
    let moved = format!("{}/ring", fixture.url("bell-1"));
    fixture.until("the door is told", |fixture| told(fixture).filter(|told| told["BONGSU_BELL"] == moved));
    drop(thief);
}

#[test]
fn a_contexts_own_events_are_shown_in_the_order_of_its_store() {
    let fixture = fixture();
    assert_eq!(
        lines(&fixture, &["events", "door"]),
        ["       1 door/7@1 opened.v1 {}", "       2 door/7@2 opened.v1 {}"]
    );
    let json = lines(&fixture, &["events", "door", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&json[1]).unwrap()["meta"]["id"], "private-2");
    let unknown = fixture.bongsu(&["events", "window"]);
    assert_eq!(text(&unknown.stderr), "bongsu: no service 'window'; there are broker, door, foreign, gateway\n");
    let unknown = fixture.bongsu(&["events", "window", "--key", "7"]);
    assert_eq!((unknown.status.code(), text(&unknown.stdout)), (Some(1), String::new()));
    assert_eq!(text(&unknown.stderr), "bongsu: no service 'window'; there are broker, door, foreign, gateway\n");
    fixture.bongsu(&["stop", "door"]);
    assert_eq!(text(&fixture.bongsu(&["events", "door"]).stderr), "bongsu: door is stopped\n");
    assert!(fixture.bongsu(&["events", "door", "--key", "nobody's"]).status.success(), "what it told is there");
}

#[test]
fn what_is_parked_is_shown_and_can_be_tried_again() {
    let fixture = fixture();
    fixture.bongsu(&["start", "foreign"]);
    let output = fixture.bongsu(&["parked", "--json"]);
    assert_eq!(text(&output.stderr), "", "a process without such a page is not worth a word");
    let parked: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&parked[0]["service"], &parked[0]["id"]), (&json!("door"), &json!("bell/7")));
    let shown = lines(&fixture, &["parked"]);
    let cells: Vec<&str> = shown[1].split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let row =
        ["door", "fact", "7", "2", "5", "2026-01-02T03:04:05.678Z", trace, "bell/7", "bell.rung.v2 bell/7@3", "no"];
    assert_eq!(cells, row);
    assert_eq!(lines(&fixture, &["unpark", "door", "bell/7"]), ["bell/7 is tried again"]);
    let unknown = fixture.bongsu(&["unpark", "door", "bell/8"]);
    assert_eq!(text(&unknown.stderr), "bongsu: nothing called 'bell/8' is parked in door\n");
    let evict = |id: &str, reason: &[&str]| fixture.bongsu(&[&["evict", "door", id, "--as", "ann"], reason].concat());
    assert_eq!(text(&evict("bell/7", &["--reason", "too loud"]).stdout), "bell/7 is given up\n");
    assert_eq!(text(&evict("bell/7", &["--reason", "x"]).stderr), "bongsu: bell/7: too short\n");
    assert_eq!(
        text(&evict("bell/8", &["--reason", "x"]).stderr),
        "bongsu: nothing called 'bell/8' is parked in door\n"
    );
    let without = text(&evict("bell/7", &[]).stderr);
    assert!(without.contains("--reason"), "{without}");
}

/// What an adoption of the gate left with the door, of a consumer that has a parked fact, too.
const NOTE: &str = "orphan/ring/gate/door/3@9";

#[test]
fn what_could_not_be_asked_is_not_said_to_have_nothing_parked() {
    let mut fixture = Fixture::of_services("[[service]]\nname = 'torn'\ncommand = 'FAKE'");
    fixture.up();
    let output = fixture.bongsu(&["parked"]);
    let (said, complaint) = (text(&output.stdout), text(&output.stderr));
    assert_eq!((output.status.code(), said.as_str()), (Some(1), "nothing is parked where that could be asked\n"));
    assert!(complaint.starts_with("bongsu: torn: ") && complaint.lines().count() == 1, "{complaint}");
}

#[test]
fn of_what_is_parked_the_chosen_is_done_each_once_and_no_other() {
    let fixture = fixture();
    let evict = |chosen: &[&str]| {
        let output = fixture.bongsu(&[&["evict", "door", "--as", "ann", "--reason", "too loud"], chosen].concat());
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let fine = |said: &str| (Some(0), said.to_owned(), String::new());
    assert_eq!(
        lines(&fixture, &["evict", "door", "--consumer", "chime", "--dry-run"]),
        ["chime/1 would be given up", "1 would be given up; nothing was changed"]
    );
    assert_eq!(evict(&["--consumer", "chime"]), fine("chime/1 is given up\n"));
    let all = format!("bell/7 is given up\nchime/1 is given up\n{NOTE} is given up\n3 of 3 are given up\n");
    assert_eq!(evict(&["--all"]), fine(&all));
    let (code, said, complaint) = evict(&["bell/7", "bell/8", "bell/7", "chime/1"]);
    assert_eq!((code, said.as_str()), (Some(1), "bell/7 is given up\nchime/1 is given up\n2 of 3 are given up\n"));
    assert_eq!(complaint, "bongsu: nothing called 'bell/8' is parked in door\n");
    assert_eq!(evict(&["--consumer", "gong"]).2, "bongsu: nothing of 'gong' is parked in door\n");
    for contradiction in
        [&[][..], &["--all", "bell/7"], &["--consumer", "chime", "bell/7"], &["--all", "--consumer", "chime"]]
    {
        assert_eq!(evict(contradiction).0, Some(2), "{contradiction:?}");
    }
    assert_eq!(lines(&fixture, &["unpark", "door", "--consumer", "chime"]), ["chime/1 is tried again"]);
    let note = format!("{NOTE} is tried again");
    let all = ["bell/7 is tried again", "chime/1 is tried again", &note, "3 of 3 are tried again"];
    assert_eq!(lines(&fixture, &["unpark", "door"]), all);
    let unknown = fixture.bongsu(&["unpark", "door", "--dry-run", "bell/7", "bell/8"]);
    assert_eq!(text(&unknown.stderr), "bongsu: nothing called 'bell/8' is parked in door\n");
}

#[test]
fn all_notes_of_one_adoption_are_given_up_by_the_context_that_was_adopted_and_nothing_else() {
    let fixture = fixture();
    let evict = |chosen: &[&str]| {
        fixture.bongsu(&[&["evict", "door", "--as", "ann", "--reason", "looked at"], chosen].concat())
    };
    let dry = lines(&fixture, &["evict", "door", "--adopted", "gate", "--dry-run"]);
    assert_eq!(dry, [&format!("{NOTE} would be given up"), "1 would be given up; nothing was changed"]);
    assert_eq!(text(&evict(&["--adopted", "gate"]).stdout), format!("{NOTE} is given up\n"));
    let nothing = evict(&["--adopted", "ring"]);
    assert_eq!(text(&nothing.stderr), "bongsu: no note about an adoption of 'ring' is parked in door\n");
    for other in [&["bell/7"][..], &["--consumer", "chime"], &["--all"]] {
        let both = evict(&[&["--adopted", "gate"], other].concat());
        assert_eq!(both.status.code(), Some(2), "{other:?}");
    }
}

#[test]
fn a_stream_is_shown_with_its_snapshot_and_who_did_what() {
    let fixture = fixture();
    let expected = [
        "door/7: version 2, snapshot at 1, 1 events folded",
        r#"       2 00:00:02.000 ann opened.v1 by door.open.v1 {"by":"me"}"#,
    ];
    assert_eq!(lines(&fixture, &["stream", "door", "door/7"]), expected);
    let json: Value = serde_json::from_str(&lines(&fixture, &["stream", "door", "door/7", "--json"])[0]).unwrap();
    assert_eq!((&json["folded"], &json["snapshot"]["version"]), (&json!(1), &json!(1)));
    let unknown = fixture.bongsu(&["stream", "door", "door/8"]);
    assert_eq!(text(&unknown.stderr), "bongsu: door has no stream 'door/8'\n");
}

#[test]
fn snapshots_are_taken_part_by_part_until_all_are() {
    let fixture = fixture();
    assert_eq!(lines(&fixture, &["snapshot", "door"]), ["4 snapshots written, 3 were current, 0 failed"]);
    assert_eq!(lines(&fixture, &["snapshot", "door"]), ["0 snapshots written, 1 were current, 0 failed"]);
    assert_eq!(fixture.bongsu(&["snapshot", "window"]).status.code(), Some(1));
}
