//! The keys of processes as files, across renewals.
#![expect(clippy::unwrap_used, reason = "what a test cannot do ends it")]

use std::path::{Path, PathBuf};

use bongsu_keys::{Caller, GATEWAY, Keys, NotKnown, PROOF, Roots, WINDOW_MS};
use http::{HeaderMap, HeaderValue, header};

const NOW: i64 = 1_732_104_000_000;

/// A system with a file of keys for everybody.
struct System {
    folder: tempfile::TempDir,
    roots: Roots,
}

impl System {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let roots = Roots::open_or_make(folder.path()).unwrap();
        let system = Self { folder, roots };
        system.hand_out();
        system
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.json"))
    }

    fn keys(&self, name: &str) -> Keys {
        Keys::open(&self.path(name)).unwrap()
    }

    fn hand_out(&self) {
        let services = ["door".to_owned(), "bell".to_owned()];
        for name in ["broker", GATEWAY, "door", "bell"] {
            self.roots.write_keys(&self.path(name), name, &services).unwrap();
        }
    }

    fn change(&mut self, change: impl FnOnce(Roots, &Path) -> Roots) {
        self.roots = change(self.roots.clone(), self.folder.path());
        self.hand_out();
    }
}

fn bearing(bearer: &str) -> HeaderMap {
    let value = HeaderValue::from_bytes(format!("Bearer {bearer}").as_bytes()).unwrap();
    HeaderMap::from_iter([(header::AUTHORIZATION, value)])
}

fn proving(proof: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::HeaderName::from_static(PROOF), HeaderValue::from_str(proof).unwrap())])
}

#[test]
fn the_broker_knows_who_speaks() {
    let system = System::new();
    let broker = system.keys("broker");
    let caller = broker.caller(&bearing(&system.keys("door").for_the_broker()));
    assert_eq!(caller, Ok(Caller("door".into())));
    let bell = system.keys("bell");
    assert_eq!(bell.caller(&bearing(&system.keys("door").for_the_broker())), Err(NotKnown), "a key has one lock");
    assert_eq!(broker.caller(&bearing(&System::new().keys("door").for_the_broker())), Err(NotKnown), "other system");
}

#[test]
fn no_bearer_two_bearers_and_garbage_are_nobody() {
    let system = System::new();
    let (broker, right) = (system.keys("broker"), system.keys("door").for_the_broker());
    let mut twice = bearing(&right);
    twice.append(header::AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {right}")).unwrap());
    assert_eq!(broker.caller(&twice), Err(NotKnown));
    assert_eq!(broker.caller(&HeaderMap::new()), Err(NotKnown));
    for garbage in ["", "벨.봉수", "door.", &format!("{right} "), &format!(" {right}"), &"x".repeat(100_000)] {
        assert_eq!(broker.caller(&bearing(garbage)), Err(NotKnown), "{garbage:.50}");
    }
    let mut basic = bearing(&right);
    basic.insert(header::AUTHORIZATION, HeaderValue::from_str(&format!("Basic {right}")).unwrap());
    assert_eq!(broker.caller(&basic), Err(NotKnown));
}

#[test]
fn a_new_root_needs_no_restart_and_the_old_one_counts_until_it_is_dropped() {
    let mut system = System::new();
    let (broker, door) = (system.keys("broker"), system.keys("door"));
    let old = door.for_the_broker();
    system.change(|roots, data| roots.rotate(data).unwrap());
    let new = system.keys("door").for_the_broker();
    assert_ne!(old, new);
    assert_eq!(broker.caller(&bearing(&new)), Ok(Caller("door".into())), "noticed without a restart");
    assert_eq!(broker.caller(&bearing(&old)), Ok(Caller("door".into())), "who still has the old one goes on");
    system.change(|roots, data| roots.drop_previous(data).unwrap());
    assert_eq!(broker.caller(&bearing(&old)), Err(NotKnown));
    assert_eq!(broker.caller(&bearing(&new)), Ok(Caller("door".into())));
    assert_eq!(door.for_the_broker(), new, "who speaks again has the new one");
    std::fs::remove_file(system.path("broker")).unwrap();
    assert_eq!(broker.caller(&bearing(&new)), Ok(Caller("door".into())), "a file that is away changes nothing");
}

#[test]
fn two_renewals_drop_the_root_before_the_last() {
    let mut system = System::new();
    let first = system.keys("door").for_the_broker();
    system.change(|roots, data| roots.rotate(data).unwrap());
    system.change(|roots, data| roots.rotate(data).unwrap());
    assert_eq!(system.keys("broker").caller(&bearing(&first)), Err(NotKnown));
}

#[test]
fn a_principal_is_believed_from_the_gateway_alone_for_one_service_and_a_moment() {
    let mut system = System::new();
    let door = system.keys("door");
    let key = system.keys(GATEWAY).for_service("door").unwrap();
    let proof = key.prove("ann", NOW);
    assert!(door.believes("ann", &proving(&proof), NOW));
    assert!(door.believes("ann", &proving(&proof), NOW + WINDOW_MS) && door.believes("ann", &proving(&proof), NOW - 5));
    assert!(!door.believes("ann", &proving(&proof), NOW + WINDOW_MS + 1), "it is old");
    assert!(!door.believes("ann", &proving(&proof), NOW - WINDOW_MS - 1), "or of the future");
    assert!(!door.believes("bob", &proving(&proof), NOW), "it names somebody else");
    assert!(!system.keys("bell").believes("ann", &proving(&proof), NOW), "it was made for another service");
    let (_, digits) = proof.split_once('.').unwrap();
    for forged in ["", ".", digits, &format!("{}.{digits}", NOW + 1), &format!("+{proof}"), &format!("0{proof}")] {
        assert!(!door.believes("ann", &proving(forged), NOW), "{forged}");
    }
    assert!(!door.believes("ann", &HeaderMap::new(), NOW));
    let mut twice = proving(&proof);
    twice.append(PROOF, HeaderValue::from_str(&proof).unwrap());
    assert!(!door.believes("ann", &twice, NOW));
    assert!(system.keys("bell").for_service("door").is_none(), "a service has no key to another");
    system.change(|roots, data| roots.rotate(data).unwrap());
    assert!(door.believes("ann", &proving(&proof), NOW), "across a renewal");
    assert!(door.believes("ann", &proving(&system.keys(GATEWAY).for_service("door").unwrap().prove("ann", NOW)), NOW));
}

#[test]
fn a_file_of_keys_that_is_none_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("door.json");
    assert!(Keys::open(&path).is_err());
    let system = System::new();
    let whole = std::fs::read_to_string(system.path("door")).unwrap();
    for text in ["", "{}", "[]", &whole.replace("accepts", "accept"), &whole.replace(":[\"", ":[\"x")] {
        std::fs::write(&path, text).unwrap();
        let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
        std::fs::set_permissions(&path, mode).unwrap();
        let line = Keys::open(&path).unwrap_err().to_string();
        assert!(line.contains("is no file of keys") && !line.contains('\n'), "{line}");
    }
}

/// What the client in Node.js says to a principal and a proof.
fn node(system: &System, principal: &str, proof: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/node/principal.mjs");
    let mut command = std::process::Command::new("node");
    let output = command.arg(script).arg(system.path("door")).args([&NOW.to_string(), principal, proof]).output();
    let output = output.expect("Node.js 18 or later is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_service_in_another_language_believes_the_same_proofs() {
    let system = System::new();
    let key = system.keys(GATEWAY).for_service("door").unwrap();
    let proof = key.prove("ann", NOW);
    assert_eq!(node(&system, "ann", &proof), "ann");
    assert_eq!(node(&system, "bob", &proof), "nobody");
    assert_eq!(node(&system, "ann", &key.prove("ann", NOW - WINDOW_MS - 1)), "nobody");
    let bell = system.keys(GATEWAY).for_service("bell").unwrap();
    assert_eq!(node(&system, "ann", &bell.prove("ann", NOW)), "nobody");
    assert_eq!(node(&system, "ann", "garbage"), "nobody");
}
