//! `bongsu secret`, and what a running system makes of a new one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::fixture::{Fixture, get, send, text};

const SYSTEM: &str = "[gateway]\nlisten = '127.0.0.1:0'\n[[service]]\nname = 'door'\ncommand = 'FAKE'\nroutes = ['/doors/*']\noperator = ['PUT /doors/*']";

fn printed(fixture: &Fixture, args: &[&str]) -> String {
    let output = fixture.bongsu(args);
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout).trim_end().to_owned()
}

fn head(bearer: &str) -> String {
    format!("authorization: Bearer {bearer}\r\n")
}

#[test]
fn before_the_first_start_there_is_no_secret_and_the_first_start_makes_it_for_its_owner_alone() {
    let mut fixture = Fixture::new(SYSTEM);
    let output = fixture.bongsu(&["secret", "door"]);
    assert_eq!((output.status.code(), text(&output.stderr).lines().count()), (Some(1), 1), "{output:?}");
    fixture.up();
    for name in ["secret", "keys/door.json", "keys/gateway.json", "keys/broker.json"] {
        let mode = fs::metadata(fixture.data().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let bearer = printed(&fixture, &["secret", "door"]);
    assert_eq!(head(&bearer), fixture.key("door", "broker"));
    let operator = printed(&fixture, &["secret", "operator"]);
    assert_eq!(head(&operator), fixture.key("operator", "gateway"));
    assert_eq!(head(&printed(&fixture, &["secret", "operator", "--to", "door"])), fixture.key("operator", "door"));
    for bad in ["Door", "a.b", "", "a/b", "문"] {
        assert_eq!(fixture.bongsu(&["secret", bad]).status.code(), Some(1), "{bad}");
    }
    assert_eq!(fixture.bongsu(&["secret"]).status.code(), Some(2));
    // Nothing of it is on a command line, in an environment or in a log.
    let root = fs::read_to_string(fixture.data().join("secret")).unwrap();
    let digits = bearer.rsplit_once('.').unwrap().1;
    let told = get(&format!("{}/env", fixture.url("door-1"))).unwrap().body;
    let logs = fs::read_dir(fixture.data().join("logs")).unwrap().flatten();
    let mut public: Vec<String> = logs.map(|log| fs::read_to_string(log.path()).unwrap_or_default()).collect();
    public.extend([told, fixture.said()]);
    for slot in ["broker", "gateway", "door-1"] {
        let pid = fixture.pid(slot);
        public.extend(["environ", "cmdline"].map(|file| text(&fs::read(format!("/proc/{pid}/{file}")).unwrap())));
    }
    assert!(public.iter().all(|text| !text.contains(root.trim()) && !text.contains(digits)));
}

#[test]
fn a_route_for_operators_asks_for_their_key() {
    let mut fixture = Fixture::new(SYSTEM);
    fixture.up();
    let url = format!("{}/doors/7", fixture.url("gateway"));
    assert_eq!(send(&url, "PUT", "", "").unwrap().status, 401);
    assert_eq!(send(&url, "PUT", &fixture.key("door", "gateway"), "").unwrap().status, 403);
    let answer = send(&url, "PUT", &fixture.key("operator", "gateway"), "").unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    let headers = &answer.json()["headers"];
    assert_eq!(fixture.named_to("door", headers), "operator");
    assert!(headers["authorization"].is_null(), "{headers}");
    assert_eq!(get(&url).unwrap().status, 200, "others go on as before");
}

#[test]
fn a_secret_is_renewed_while_everything_runs_and_the_old_one_ends_when_it_is_dropped() {
    let mut fixture = Fixture::new(SYSTEM);
    fixture.up();
    let broker = format!("{}/topics", fixture.url("broker"));
    let pids: Vec<u32> = ["broker", "gateway", "door-1"].map(|slot| fixture.pid(slot)).into();
    let old = head(&printed(&fixture, &["secret", "door"]));
    printed(&fixture, &["secret", "--rotate"]);
    let new = head(&printed(&fixture, &["secret", "door"]));
    assert_ne!(old, new);
    let status = |key: &str| send(&broker, "GET", key, "").unwrap().status;
    assert_eq!((status(&old), status(&new)), (200, 200), "who still has the old one goes on");
    printed(&fixture, &["secret", "--drop-old"]);
    assert_eq!((status(&old), status(&new)), (401, 200));
    let put = |key: &str| send(&format!("{}/doors/7", fixture.url("gateway")), "PUT", key, "").unwrap().status;
    assert_eq!(put(&fixture.key("operator", "gateway")), 200, "the gateway has the new one, too");
    let made =
        send(&format!("{broker}/door"), "PUT", &(new + "content-type: application/json\r\n"), r#"{"partitions":1}"#);
    assert_eq!(made.unwrap().status, 200);
    assert_eq!(printed(&fixture, &["facts", "door"]), "", "and the command line");
    let now: Vec<u32> = ["broker", "gateway", "door-1"].map(|slot| fixture.pid(slot)).into();
    assert_eq!(now, pids, "nobody was stopped for it");
}

#[test]
fn a_secret_is_renewed_while_nothing_runs() {
    let mut fixture = Fixture::new(SYSTEM);
    fixture.up();
    assert!(fixture.bongsu(&["stop"]).status.success());
    fixture.wait();
    let old = fixture.key("door", "broker");
    printed(&fixture, &["secret", "--rotate"]);
    assert_ne!(fixture.key("door", "broker"), old);
    // Who forgets the name, or what is to be done, has changed nothing.
    let data = fixture.data().display().to_string();
    for args in [&["secret"][..], &["secret", "--data", &data], &["secret", "--to", "broker"]] {
        let output = fixture.bongsu(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
    }
    fixture.up();
    let broker = format!("{}/topics", fixture.url("broker"));
    for key in [&old, &fixture.key("door", "broker")] {
        assert_eq!(send(&broker, "GET", key, "").unwrap().status, 200);
    }
}

#[test]
fn where_nothing_can_be_written_it_is_said_whether_the_secret_has_changed() {
    let mut fixture = Fixture::new(SYSTEM);
    fixture.up();
    let complaint = |args: &[&str]| {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = fixture.command(args).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{args:?}: {output:?}");
        assert!(said.contains("cannot write to stdout: No space left"), "{said}");
        said
    };
    let root = || fs::read_to_string(fixture.data().join("secret")).unwrap();
    let before = root();
    let said = complaint(&["secret", "door"]);
    assert!(said.contains("the secret is as it was") && root() == before, "{said}");
    let said = complaint(&["secret", "--rotate"]);
    assert!(said.contains("a new secret is in use") && root() != before, "{said}");
    let said = complaint(&["secret", "--drop-old"]);
    assert!(said.contains("keys of the old secret count no longer"), "{said}");
}
