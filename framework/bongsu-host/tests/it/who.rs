//! Who may do what at a service that was given keys; being on the same machine is nothing.

use std::time::{SystemTime, UNIX_EPOCH};

use bongsu_host::config::Loaded;
use bongsu_keys::{Audience, GATEWAY, Keys, OPERATOR, Roots, Vouched};
use tempfile::TempDir;

use crate::{
    client::{Ask, Got},
    fixture::Fixture,
};

/// The house as a part of a system.
struct System {
    fixture: Fixture,
    roots: Roots,
    folder: TempDir,
}

impl System {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let roots = Roots::open_or_make(folder.path()).unwrap();
        let file = folder.path().join("house.json");
        roots.write_keys(&file, "house").unwrap();
        let fixture = Fixture::with(|config| config.keys = file.display().to_string()).await;
        Self { fixture, roots, folder }
    }

    async fn ask(&self, ask: Ask) -> Got {
        ask.of(self.fixture.addr).await
    }

    fn bearer(&self, from: &str, to: &str) -> String {
        format!("Bearer {}", self.roots.key(from, to).bearer())
    }

    /// What the gateway said to a service so long ago.
    fn said(&self, service: &str, principal: &str, ago_ms: i64) -> String {
        let file = self.folder.path().join("gateway.json");
        self.roots.write_keys(&file, GATEWAY).unwrap();
        let gateway = Keys::open(&file).unwrap();
        gateway.vouch(&Audience::one(service), &Vouched::named(principal), now_ms() - ago_ms).unwrap().to_string()
    }
}

#[expect(clippy::disallowed_methods, reason = "a gateway outside the process that Env describes")]
fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

/// Everything an operator may ask.
fn deeds() -> Vec<Ask> {
    let reads = ["status", "metrics", "events", "parked", "republish", "projections", "streams/door%2Fa"];
    let deeds = ["parked/a/retry", "parked/a/evict", "republish", "snapshot", "rebuild/x", "projections/x@1/drop"];
    let reads = reads.iter().map(|path| Ask::get(&format!("/bongsu/{path}")));
    reads.chain(deeds.iter().map(|path| Ask::new("POST", &format!("/bongsu/{path}")).json("{}"))).collect()
}

#[tokio::test]
async fn what_operators_do_needs_an_operators_key_to_this_service() {
    let system = System::start().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Roots::open_or_make(elsewhere.path()).unwrap();
    let nobodies = [
        String::new(),
        "Bearer operator".to_owned(),
        format!("Bearer operator.{}", "0".repeat(64)),
        format!("Bearer operator.{}", "f".repeat(5_000)),
        format!("Bearer {}", other.key(OPERATOR, "house").bearer()),
        // What another service, or the gateway, was shown by the operator.
        system.bearer(OPERATOR, "bell"),
        system.bearer(OPERATOR, GATEWAY),
        system.bearer("house", "broker"),
    ];
    for bearer in nobodies {
        for ask in deeds() {
            system.ask(ask.header("authorization", &bearer)).await.problem(401, "key-needed");
        }
    }
    for ask in deeds() {
        let bell = system.bearer("bell", "house");
        system.ask(ask.header("authorization", &bell)).await.problem(403, "operators-only");
    }
    let operator = system.bearer(OPERATOR, "house");
    assert_eq!(system.ask(Ask::get("/bongsu/metrics").header("authorization", &operator)).await.status, 200);
    for open in ["/health/live", "/health/ready", "/info"] {
        assert_eq!(system.ask(Ask::get(open)).await.status, 200, "{open} is for everybody");
    }
}

#[tokio::test]
async fn a_principal_is_nobody_unless_the_gateway_signed_it() {
    let system = System::start().await;
    let named = |token: &str| Ask::get("/callers").header("x-bongsu-principal", token);
    let right = system.said("house", "ann", 0);
    let answer = system.ask(named(&right)).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"ann"[..]));
    let forged = [
        String::new(),
        "ann".to_owned(),
        "a.b.c".to_owned(),
        right.replace('.', ".."),
        system.said("bell", "ann", 0),
        system.said("house", "ann", 120_000),
        system.said("house", "ann", -120_000),
        system.said("house", "a b", 0),
    ];
    for token in &forged {
        system.ask(named(token)).await.problem(401, "unauthenticated");
        let command = Ask::new("POST", "/doors/a/open").json("{}").header("idempotency-key", "k");
        system.ask(command.header("x-bongsu-principal", token)).await.problem(401, "unauthenticated");
    }
    let twice = named(&right).header("x-bongsu-principal", "bob");
    system.ask(twice).await.problem(401, "unauthenticated");
    system.ask(named("ann").header("x-bongsu-roles", "operator")).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn keys_of_a_dropped_secret_end_while_the_service_runs() {
    let system = System::start().await;
    let (folder, old) = (system.folder.path(), system.bearer(OPERATOR, "house"));
    let status =
        async |bearer: &str| system.ask(Ask::get("/bongsu/status").header("authorization", bearer)).await.status;
    let roots = system.roots.clone().rotate(folder).unwrap();
    roots.write_keys(&folder.join("house.json"), "house").unwrap();
    let new = format!("Bearer {}", roots.key(OPERATOR, "house").bearer());
    assert_eq!((status(&old).await, status(&new).await), (200, 200));
    let roots = roots.drop_previous(folder).unwrap();
    roots.write_keys(&folder.join("house.json"), "house").unwrap();
    assert_eq!((status(&old).await, status(&new).await), (401, 200));
}

#[tokio::test]
async fn a_page_whose_name_was_made_to_lead_here_reads_nothing() {
    let fixture = Fixture::open().await;
    for host in ["evil.example", "localhost.evil.example:80", "house"] {
        for path in ["/bongsu/events", "/callers", "/info", "/health/ready"] {
            let head = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
            Got::parse(&crate::client::exchange(fixture.addr, head.as_bytes()).await).problem(421, "wrong-host");
        }
    }
    let named = Fixture::with(|config| config.hosts = "house.example, street".into()).await;
    let head = "GET /info HTTP/1.1\r\nhost: house.example\r\nconnection: close\r\n\r\n";
    assert_eq!(Got::parse(&crate::client::exchange(named.addr, head.as_bytes()).await).status, 200);
}

#[test]
fn without_keys_only_loopback_is_served_and_keys_that_are_missing_keep_it_from_starting() {
    let load = |args: &[&str]| Loaded::load("house", [&["house"], args].concat(), []);
    let line = load(&["--listen", "0.0.0.0:0"]).unwrap_err().to_string();
    assert!(line.contains("listen") && line.contains("without keys"), "{line}");
    let with_keys = load(&["--listen", "0.0.0.0:0", "--set", "keys=/nowhere/house.json"]).unwrap();
    let line = with_keys.config.open_keys().unwrap_err().to_string();
    assert!(line.contains("/nowhere") && !line.contains('\n'), "{line}");
    assert!(load(&["--listen", "127.0.0.1:0"]).unwrap().config.open_keys().unwrap().is_none());
}
