//! People who log in: the identity provider and the gateway of a real system.

use serde_json::Value;

use crate::fixture::{Fixture, get, send, signal, text};
use nix::sys::signal::Signal;

const HOUSE: &str = "
[gateway]
listen = '127.0.0.1:0'
[identity]
config = { environment = 'dev', roles = ['guest', 'keeper', 'operator'], newcomers = ['guest'] }
people = [
    { email = 'ann@house.example', name = 'Ann', password = 'ann may come in', roles = ['guest'] },
    { email = 'kim@house.example', name = 'Kim', password = 'kim keeps the door', roles = ['guest', 'keeper'] },
    { email = 'otto@house.example', name = 'Otto', password = 'otto may do it all', roles = ['operator'] },
]
[[service]]
name = 'door'
command = 'FAKE'
routes = ['/doors/*', '/rooms/*']
public = ['GET /doors/*']
operator = ['DELETE /doors/*']
roles = { keeper = ['PUT /doors/*'] }
";

/// The system, and a head for each of its people.
fn house() -> (Fixture, [String; 3]) {
    let mut fixture = Fixture::new(HOUSE);
    fixture.up();
    fixture.until("somebody can log in", |fixture| fixture.said().contains("log in as ").then_some(()));
    let people = ["ann", "kim", "otto"].map(|name| bearer(&fixture, name));
    (fixture, people)
}

fn bearer(fixture: &Fixture, name: &str) -> String {
    let given = fixture.bongsu(&["token", "--as", &format!("{name}@house.example")]);
    assert!(given.status.success(), "{given:?}");
    format!("authorization: Bearer {}\r\n", text(&given.stdout).trim())
}

#[test]
fn people_log_in_and_routes_say_who_may() {
    let (fixture, [ann, kim, otto]) = house();
    let said = fixture.said();
    assert!(said.contains("log in as ann@house.example with the password 'ann may come in'"), "{said}");
    let gateway = fixture.url("gateway");
    let status =
        |method: &str, path: &str, head: &str| send(&format!("{gateway}{path}"), method, head, "").unwrap().status;
    let key = fixture.key("operator", "gateway");
    for (method, path, expected) in [
        ("GET", "/doors/7", [200, 200, 200, 200, 200]),
        ("GET", "/rooms/7", [401, 200, 200, 200, 200]),
        ("POST", "/doors/7", [401, 200, 200, 200, 200]),
        ("PUT", "/doors/7", [401, 403, 200, 403, 200]),
        ("DELETE", "/doors/7", [401, 403, 403, 200, 200]),
        ("GET", "/identity/persons/usr_x", [401, 403, 403, 404, 404]),
    ] {
        let people = ["", &ann, &kim, &otto, &key];
        assert_eq!(people.map(|head| status(method, path, head)), expected, "{method} {path}");
    }
    assert_eq!(get(&format!("{gateway}/identity/.well-known/openid-configuration")).unwrap().status, 200);
}

#[test]
fn a_service_hears_an_opaque_person_and_never_an_address() {
    let (fixture, [ann, kim, _]) = house();
    let room = format!("{}/rooms/7", fixture.url("gateway"));
    let heard = |head: &str| {
        let seen: Value = send(&room, "GET", head, "").unwrap().json();
        assert!(seen["headers"]["authorization"].is_null(), "{seen}");
        fixture.named_to("door", &seen["headers"])
    };
    let names = [heard(&ann), heard(&kim)];
    assert!(names.iter().all(|name| name.starts_with("usr_") && !name.contains("house")), "{names:?}");
    assert_ne!(names[0], names[1]);
    assert_eq!(heard(&bearer(&fixture, "ann")), names[0], "another token, the same person");
    let bad = send(&room, "GET", "authorization: Bearer x.y.z\r\n", "").unwrap();
    assert!(bad.status == 401 && bad.body.contains("/errors/invalid-token"), "{bad:?}");
}

#[test]
fn what_clients_show_to_the_provider_reaches_it() {
    let (fixture, [ann, ..]) = house();
    let at = |path: &str| format!("{}/identity/{path}", fixture.url("gateway"));
    let form = "content-type: application/x-www-form-urlencoded\r\nauthorization: Basic bm9ib2R5OnNlY3JldA==\r\n";
    let refused = send(&at("token"), "POST", form, "grant_type=client_credentials").unwrap();
    assert_eq!((refused.status, refused.json()["error"].as_str()), (401, Some("invalid_client")), "{refused:?}");
    let other = send(&at("userinfo"), "GET", "authorization: Bearer x.y.z\r\n", "").unwrap();
    assert!(other.status == 401 && !other.body.contains("/errors/invalid-token"), "{other:?}");
    let info = send(&at("userinfo"), "GET", &ann, "").unwrap();
    assert!([200, 403].contains(&info.status), "{info:?}");
}

#[test]
fn with_the_provider_down_whoever_is_logged_in_goes_on() {
    let (fixture, [ann, ..]) = house();
    let room = format!("{}/rooms/7", fixture.url("gateway"));
    assert_eq!(send(&room, "GET", &ann, "").unwrap().status, 200);
    let stopped = fixture.bongsu(&["stop", "identity"]);
    assert!(stopped.status.success(), "{stopped:?}");
    fixture.until_state("identity-1", "stopped");
    assert_eq!(send(&room, "GET", &ann, "").unwrap().status, 200);
    let none = fixture.bongsu(&["token", "--as", "ann@house.example"]);
    assert_eq!((none.status.code(), text(&none.stderr).lines().count()), (Some(1), 1), "{none:?}");
}

#[test]
fn who_was_there_is_there_after_a_kill_and_another_start() {
    let (mut fixture, [ann, ..]) = house();
    let name = |fixture: &Fixture, head: &str| {
        let seen = send(&format!("{}/rooms/7", fixture.url("gateway")), "GET", head, "").unwrap();
        assert_eq!(seen.status, 200, "{seen:?}");
        fixture.named_to("door", &seen.json()["headers"])
    };
    let before = name(&fixture, &ann);
    signal(fixture.pid("identity-1"), Signal::SIGKILL);
    fixture.until("the provider is back", |fixture| {
        Some(fixture.instance("identity-1")).filter(|row| row["state"] == "ready" && row["restarts"] == 1)
    });
    let again = bearer(&fixture, "ann");
    assert_eq!(name(&fixture, &again), before);
    assert!(fixture.bongsu(&["stop"]).status.success());
    assert!(fixture.wait().success());
    fixture.up();
    let again = bearer(&fixture, "ann");
    assert_eq!(name(&fixture, &again), before, "nobody is made twice");
}

#[test]
fn nobody_is_there_from_the_beginning_where_people_are_real() {
    let fixture = Fixture::new(&HOUSE.replace("environment = 'dev', ", ""));
    let refused = fixture.bongsu(&["up"]);
    let line = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{line}");
    assert!(line.contains("environment = 'dev'") && line.lines().count() == 1, "{line}");
    let (without, _) = HOUSE.split_once("people = [").unwrap();
    let (_, rest) = HOUSE.split_once("]\n[[service]]").unwrap();
    let mut fixture = Fixture::new(&format!("{without}[[service]]{rest}").replace("environment = 'dev', ", ""));
    fixture.up();
    let none = fixture.bongsu(&["token", "--as", "ann@house.example"]);
    let line = text(&none.stderr);
    assert!(none.status.code() == Some(1) && line.lines().count() == 1, "{line}");
}

#[test]
fn whoever_left_it_in_the_background_can_log_in_at_once() {
    let fixture = Fixture::new(HOUSE);
    let up = fixture.bongsu(&["up", "--detach"]);
    let said = text(&up.stdout);
    assert!(up.status.success() && said.contains("log in as ann@house.example"), "{up:?}");
    // The last of them.
    bearer(&fixture, "otto");
    assert!(fixture.bongsu(&["stop"]).status.success());
}
