//! The keys of processes as files, across renewals.
#![expect(clippy::unwrap_used, reason = "what a test cannot do ends it")]

use std::path::{Path, PathBuf};

use bongsu_keys::{Audience, Caller, GATEWAY, Keys, LEEWAY_S, LIFE_S, NotKnown, Roots, Vouched};
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
        for name in ["broker", GATEWAY, "door", "bell", "tower", "well"] {
            self.roots.write_keys(&self.path(name), name).unwrap();
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

fn ann() -> Vouched {
    Vouched { roles: vec!["guest".into(), "keeper".into()], ..Vouched::named("ann") }
}

/// What the gateway of a system says about Ann to a service at some moment.
fn said(system: &System, service: &str, now_ms: i64) -> String {
    system.keys(GATEWAY).vouch(&Audience::one(service), &ann(), now_ms).unwrap().to_string()
}

#[test]
fn the_broker_knows_who_speaks() {
    let system = System::new();
    let broker = system.keys("broker");
    let caller = broker.caller(&bearing(&system.keys("door").for_the_broker()));
    assert_eq!(caller, Ok(Caller("door".into())));
    let bell = system.keys("bell");
    assert_eq!(
        bell.caller(&bearing(&system.keys("door").for_the_broker())),
        Err(NotKnown::WrongKey),
        "a key has one lock"
    );
    assert_eq!(
        broker.caller(&bearing(&System::new().keys("door").for_the_broker())),
        Err(NotKnown::WrongKey),
        "other system"
    );
}

#[test]
fn no_bearer_two_bearers_and_garbage_are_nobody() {
    let system = System::new();
    let (broker, right) = (system.keys("broker"), system.keys("door").for_the_broker());
    let mut twice = bearing(&right);
    twice.append(header::AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {right}")).unwrap());
    assert_eq!(broker.caller(&twice), Err(NotKnown::NoKey));
    assert_eq!(broker.caller(&HeaderMap::new()), Err(NotKnown::NoKey));
    for garbage in ["", "벨.봉수", "door.", &format!("{right} "), &format!(" {right}"), &"x".repeat(100_000)] {
        assert_eq!(broker.caller(&bearing(garbage)), Err(NotKnown::WrongKey), "{garbage:.50}");
    }
    let mut basic = bearing(&right);
    basic.insert(header::AUTHORIZATION, HeaderValue::from_str(&format!("Basic {right}")).unwrap());
    assert_eq!(broker.caller(&basic), Err(NotKnown::NoKey));
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
    assert_eq!(broker.caller(&bearing(&old)), Err(NotKnown::WrongKey));
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
    assert_eq!(system.keys("broker").caller(&bearing(&first)), Err(NotKnown::WrongKey));
}

#[test]
fn a_principal_is_believed_from_the_gateway_alone_for_one_service_and_a_moment() {
    let mut system = System::new();
    let door = system.keys("door");
    let token = said(&system, "door", NOW);
    let second = 1_000;
    assert_eq!(door.vouched(&token, NOW), Some(ann()));
    assert_eq!(door.vouched(&token, NOW + 30 * second), Some(ann()), "it is remembered, and still counts");
    assert_eq!(door.vouched(&token, NOW + (LIFE_S + LEEWAY_S) * second), None, "it is old");
    assert_eq!(door.vouched(&token, NOW - (30 + LEEWAY_S + 1) * second), None, "or of the future");
    assert_eq!(system.keys("bell").vouched(&token, NOW), None, "it was made for another service");
    assert_eq!(System::new().keys("door").vouched(&token, NOW), None, "of another system");
    assert_eq!(system.keys("bell").vouch(&Audience::one("door"), &ann(), NOW), None, "a service names nobody");
    system.change(|roots, data| roots.rotate(data).unwrap());
    assert_eq!(door.vouched(&token, NOW), Some(ann()), "across a renewal");
    let newer = said(&system, "door", NOW);
    assert_ne!(token, newer);
    assert_eq!(door.vouched(&newer, NOW), Some(ann()));
    system.change(|roots, data| roots.drop_previous(data).unwrap());
    assert_eq!((door.vouched(&token, NOW), door.vouched(&newer, NOW)), (None, Some(ann())), "what was dropped ends");
}

#[test]
fn half_a_minute_of_one_person_bears_one_token() {
    let system = System::new();
    let gateway = system.keys(GATEWAY);
    let say = |service: &str, who: &Vouched, at_s: i64| {
        gateway.vouch(&Audience::one(service), who, NOW + at_s * 1_000).unwrap()
    };
    assert_eq!(say("door", &ann(), 0), say("door", &ann(), 29));
    assert_ne!(say("door", &ann(), 0), say("door", &ann(), 30));
    assert_ne!(say("door", &ann(), 0), say("bell", &ann(), 0));
    assert_ne!(say("door", &ann(), 0), say("door", &Vouched::named("ann"), 0), "other roles are another token");
}

#[test]
fn a_token_for_a_service_and_those_it_asks_counts_at_each_of_them_and_nowhere_else() {
    let system = System::new();
    let asks = ["bell".to_owned(), "tower".to_owned()];
    let token = system.keys(GATEWAY).vouch(&Audience::of("door", &asks), &ann(), NOW).unwrap();
    for service in ["door", "bell", "tower"] {
        assert_eq!(system.keys(service).vouched(&token, NOW), Some(ann()), "{service}");
        assert_eq!(system.keys(service).vouched(&token, NOW + (LIFE_S + LEEWAY_S) * 1_000), None, "{service}, later");
    }
    for service in ["well", "broker"] {
        assert_eq!(system.keys(service).vouched(&token, NOW), None, "{service}");
    }
    let nobody: [String; 0] = [];
    let alone = system.keys(GATEWAY).vouch(&Audience::of("door", &nobody), &ann(), NOW).unwrap();
    assert_eq!(&*alone, said(&system, "door", NOW), "whoever asks nobody is told as before");
    assert_eq!(system.keys("bell").vouched(&alone, NOW), None);
}

/// What somebody can send in place of what the gateway signed.
fn forged(system: &System) -> Vec<String> {
    let right = said(system, "door", NOW);
    let parts: Vec<&str> = right.split('.').collect();
    let (head, claims, signature) = (parts[0], parts[1], parts[2]);
    let encoded = |text: &str| {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let bits: Vec<u8> = text.bytes().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)).collect();
        let six = |chunk: &[u8]| (0..6).fold(0_usize, |sum, at| sum << 1 | usize::from(*chunk.get(at).unwrap_or(&0)));
        bits.chunks(6).map(|chunk| char::from(alphabet[six(chunk)])).collect::<String>()
    };
    let none = encoded(r#"{"alg":"none","typ":"JWT"}"#);
    let hmac = encoded(r#"{"alg":"HS256","typ":"JWT"}"#);
    let root = encoded(r#"{"iss":"gateway","aud":"door","sub":"root","iat":1732104000,"exp":1732104060}"#);
    let wider = encoded(r#"{"iss":"gateway","aud":["bell","door"],"sub":"ann","iat":1732104000,"exp":1732104060}"#);
    let bell = said(system, "bell", NOW);
    let (_, bells) = bell.rsplit_once('.').unwrap();
    vec![
        String::new(),
        ".".into(),
        "..".into(),
        "garbage".into(),
        "벨.봉수.문".into(),
        format!("{head}.{claims}"),
        format!("{head}.{claims}."),
        format!("{head}.{claims}.{}", &signature[1..]),
        format!("{head}.{root}.{signature}"),
        format!("{none}.{claims}."),
        format!("{head}.{wider}.{signature}"),
        format!("{head}.{wider}.{bells}"),
        bell.clone(),
        format!("{none}.{root}.{signature}"),
        format!("{hmac}.{root}.{signature}"),
        format!("{right}.{signature}"),
        format!(" {right}"),
        format!("{right} "),
        format!("{head}.{claims}.{}", "A".repeat(1 << 20)),
        said(&System::new(), "door", NOW),
    ]
}

#[test]
fn nobody_is_named_by_anybody_else() {
    let system = System::new();
    let door = system.keys("door");
    for token in forged(&system) {
        assert_eq!(door.vouched(&token, NOW), None, "{token:.120}");
    }
    let gateway = system.keys(GATEWAY);
    assert_eq!(gateway.vouched(&said(&system, GATEWAY, NOW), NOW), None, "the gateway believes nobody so");
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

/// What the client in Node.js says to a token.
fn node(system: &System, token: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/node/principal.mjs");
    let mut command = std::process::Command::new("node");
    let output = command.arg(script).arg(system.path("door")).args([&NOW.to_string(), token]).output();
    let output = output.expect("Node.js 18 or later is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_service_in_another_language_believes_the_same_tokens() {
    let mut system = System::new();
    let token = said(&system, "door", NOW);
    assert_eq!(node(&system, &token), "ann guest keeper");
    assert_eq!(node(&system, &said(&system, "bell", NOW)), "nobody");
    let tower_asks = |name: &str| system.keys(GATEWAY).vouch(&Audience::of("tower", &[name.to_owned()]), &ann(), NOW);
    assert_eq!(node(&system, &tower_asks("door").unwrap()), "ann guest keeper", "door is among those whom tower asks");
    assert_eq!(node(&system, &tower_asks("bell").unwrap()), "nobody");
    assert_eq!(node(&system, &said(&system, "door", NOW - 2 * LIFE_S * 1_000)), "nobody");
    for token in forged(&system).into_iter().filter(|token| token.len() < 100_000) {
        assert_eq!(node(&system, &token), "nobody", "{token:.120}");
    }
    system.change(|roots, data| roots.rotate(data).unwrap());
    assert_eq!((node(&system, &token), node(&system, &said(&system, "door", NOW))).0, "ann guest keeper");
}

#[test]
fn a_visitor_stays_who_he_is_for_a_month_and_through_a_new_root() {
    let mut system = System::new();
    let gateway = system.keys(GATEWAY);
    let token = gateway.sign_visitor("vis_1", NOW).expect("the gateway signs");
    let is = |keys: &Keys, token: &str, at: i64| keys.visitor(token, at).map(|visitor| visitor.id);
    assert_eq!(is(&gateway, &token, NOW + 29 * 86_400_000).as_deref(), Some("vis_1"));
    assert_eq!(is(&gateway, &token, NOW + 30 * 86_400_000), None, "it ends");
    assert_eq!(is(&gateway, &token, NOW - 60_000), None, "it is of the future");
    let door = system.keys("door");
    assert_eq!((door.sign_visitor("vis_1", NOW), is(&door, &token, NOW)), (None, None), "only the gateway does");
    assert_eq!(door.vouched(&token, NOW), None, "it names nobody to a service");
    for forged in forged(&system).iter().chain([&said(&system, GATEWAY, NOW), &token[1..].to_owned()]) {
        assert_eq!(is(&gateway, forged, NOW), None, "{forged:.120}");
    }
    assert_eq!(
        gateway.sign_visitor("usr_1", NOW).and_then(|token| is(&gateway, &token, NOW)),
        None,
        "no person is one"
    );
    system.change(|roots, data| roots.rotate(data).unwrap());
    assert_eq!(is(&system.keys(GATEWAY), &token, NOW).as_deref(), Some("vis_1"));
    system.change(|roots, data| roots.drop_previous(data).unwrap());
    assert_eq!(is(&system.keys(GATEWAY), &token, NOW), None);
}

#[test]
fn a_proof_is_of_one_system_purpose_and_text() {
    let (system, other) = (System::new(), System::new());
    let proof = |system: &System, purpose: &str, text: &str| system.keys(GATEWAY).proof(purpose, text);
    let one = proof(&system, "login", "a");
    assert!(one.is_some() && one == proof(&system, "login", "a"));
    assert_ne!(one, proof(&system, "login", "b"));
    assert_ne!(one, proof(&system, "other", "a"));
    assert_ne!(one, proof(&other, "login", "a"));
    assert_eq!(system.keys("door").proof("login", "a"), None, "no service makes one");
}
