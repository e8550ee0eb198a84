//! Several gateways behind one address: what a kill breaks, what a restart does not, and what they do together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::fixture::{End, Fixture, PATIENCE, Response, get, is_alive, now, send, signal, text};

const STREET: &str = "
[broker]
start = false
[gateway]
listen = '127.0.0.1:0'
[gateway.config]
rates = [{ name = 'few', per = 'address', path = '/few/*', requests = 20, seconds = 86400 }]
[[service]]
name = 'door'
command = 'FAKE'
routes = ['/doors', '/doors/*', '/few/*']
";

fn street(gateways: u32) -> Fixture {
    let mut fixture = Fixture::new(&STREET.replace("[gateway]", &format!("[gateway]\ninstances = {gateways}")));
    fixture.up();
    fixture
}

fn slots(fixture: &Fixture) -> Vec<String> {
    let rows = fixture.ps();
    let ready = rows.iter().filter(|row| row["name"] == "gateway" && row["state"] == "ready");
    ready.map(|row| row["instance"].as_str().unwrap().to_owned()).collect()
}

/// A connection on which one asks again and again.
struct Line {
    stream: TcpStream,
    is_open: bool,
}

impl Line {
    fn to(url: &str) -> Option<Self> {
        let stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Some(Self { stream, is_open: true })
    }

    /// Status and body.
    fn ask(&mut self, path: &str, head: &str) -> Option<(u16, String)> {
        let asked = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{head}\r\n");
        self.stream.write_all(asked.as_bytes()).ok()?;
        let (mut heard, mut bytes) = (Vec::new(), [0; 65_536]);
        loop {
            let length = self.stream.read(&mut bytes).ok().filter(|length| *length > 0)?;
            heard.extend_from_slice(&bytes[..length]);
            let answer = text(&heard);
            let Some((head, body)) = answer.split_once("\r\n\r\n") else { continue };
            let head = head.to_lowercase();
            let said = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
            if said.is_some_and(|length: usize| body.len() >= length) || body.ends_with("0\r\n\r\n") {
                self.is_open &= !head.contains("connection: close");
                return Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()));
            }
        }
    }
}

/// Which gateway is at the other end, as its metrics say.
fn whose(fixture: &Fixture, line: &mut Line) -> String {
    let (status, body) = line.ask("/bongsu/metrics", &fixture.key("operator", "gateway")).expect("an answer");
    assert_eq!(status, 200, "{body}");
    let after = body.split("gateway=\"").nth(1).expect("a name");
    after.split('"').next().unwrap_or_default().to_owned()
}

/// Connections until each gateway has some.
fn lines(fixture: &Fixture, gateways: usize) -> BTreeMap<String, Vec<Line>> {
    let url = fixture.url("gateway");
    let mut lines: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    fixture.until("every gateway has connections", |fixture| {
        let mut line = Line::to(&url)?;
        lines.entry(whose(fixture, &mut line)).or_default().push(line);
        (lines.len() == gateways && lines.values().all(|some| some.len() >= 3)).then_some(())
    });
    lines
}

#[test]
fn gateways_share_one_address_and_a_killed_one_breaks_its_own_connections_only() {
    let fixture = street(1);
    let url = fixture.url("gateway");
    let first = fixture.pid("gateway-1");
    let output = fixture.bongsu(&["scale", "gateway=2"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stdout), "gateway-1 is ready\ngateway-2 is ready\n");
    assert_eq!((fixture.url("gateway-1"), fixture.url("gateway-2")), (url.clone(), url.clone()));
    assert_eq!(fixture.pid("gateway-1"), first, "who stays is not disturbed");
    let mut lines = lines(&fixture, 2);
    let killed = fixture.pid("gateway-2");
    signal(killed, Signal::SIGKILL);
    fixture.until("it is gone", |_| (!is_alive(killed)).then_some(()));
    // Whoever comes now is answered, by the other one or by the next.
    for _ in 0..20 {
        assert_eq!(get(&format!("{url}/doors")).expect("an answer").status, 200);
    }
    for (slot, lines) in &mut lines {
        for line in lines {
            let answer = line.ask("/doors", "").map(|(status, _)| status);
            assert_eq!(answer, (slot == "gateway-1").then_some(200), "{slot}");
        }
    }
    fixture.until("it is back", |fixture| (slots(fixture).len() == 2).then_some(()));
    assert_eq!(fixture.pid("gateway-1"), first);
    let shown: BTreeSet<String> = text(&fixture.bongsu(&["logs", "gateway"]).stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    assert!(shown.contains("gateway-1") && shown.contains("gateway-2"), "{shown:?}");
    assert!(fixture.bongsu(&["scale", "gateway=1"]).status.success());
    assert_eq!(slots(&fixture), ["gateway-1"]);
    assert_eq!(get(&format!("{url}/doors")).expect("an answer").status, 200);
}

/// Asks until it is over, on a connection for as long as that is said to be good; what went wrong.
fn keep_asking(url: &str, is_kept: bool, over: &AtomicBool, asked: &AtomicU32) -> Vec<String> {
    let mut failed = Vec::new();
    let mut line: Option<Line> = None;
    while !over.load(Ordering::Acquire) {
        let number = asked.fetch_add(1, Ordering::AcqRel);
        if line.as_ref().is_none_or(|line| !line.is_open || !is_kept) {
            line = Line::to(url);
        }
        match line.as_mut().and_then(|line| line.ask("/doors", "")) {
            Some((200, _)) => {}
            other => {
                failed.push(format!("number {number}, kept {is_kept}: {other:?}"));
                line = None;
            }
        }
    }
    failed
}

fn restart_breaks_nothing(gateways: u32) {
    let fixture = street(gateways);
    let (url, over, asked) = (fixture.url("gateway"), AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        let callers: Vec<_> = [true, true, false, false]
            .map(|is_kept| (url.clone(), is_kept, &over, &asked))
            .map(|(url, is_kept, over, asked)| scope.spawn(move || keep_asking(&url, is_kept, over, asked)))
            .into();
        let _end = End(&over);
        for _ in 0..3 {
            let before: BTreeMap<String, u32> =
                slots(&fixture).into_iter().map(|slot| (slot.clone(), fixture.pid(&slot))).collect();
            // On a connection of one that is about to be replaced.
            let mut line = Line::to(&url).expect("a connection");
            assert_eq!(line.ask("/doors", "").expect("an answer").0, 200);
            let slow = scope.spawn(move || line.ask("/doors/slow?1500", ""));
            let output = fixture.bongsu(&["restart", "gateway"]);
            assert!(output.status.success(), "{output:?}");
            assert_eq!(slots(&fixture).len(), gateways as usize);
            for (slot, pid) in before {
                assert_ne!(fixture.pid(&slot), pid, "{slot}");
            }
            assert_eq!(slow.join().unwrap().expect("an answer").0, 200, "what was under way is answered");
            assert_eq!(fixture.url("gateway"), url);
            let seen = asked.load(Ordering::Acquire);
            fixture.until("more is asked", |_| (asked.load(Ordering::Acquire) > seen + 50).then_some(()));
        }
        over.store(true, Ordering::Release);
        let failed: Vec<String> = callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect();
        println!("{gateways} gateways: {} asked, {} failed", asked.load(Ordering::Acquire), failed.len());
        assert!(failed.is_empty(), "{failed:#?}");
    });
    let restarts: u64 = fixture.ps().iter().filter_map(|row| row["restarts"].as_u64()).sum();
    assert_eq!(restarts, 0, "an operator's restart is no death");
}

#[test]
fn a_rolling_restart_of_two_gateways_breaks_nothing() {
    restart_breaks_nothing(2);
}

#[test]
fn a_restart_of_the_only_gateway_breaks_nothing_either() {
    restart_breaks_nothing(1);
}

#[test]
fn one_that_would_not_get_ready_takes_over_from_nobody() {
    let fixture = street(2);
    let (url, pids) = (fixture.url("gateway"), ["gateway-1", "gateway-2"].map(|slot| fixture.pid(slot)));
    let settings = fixture.data().join("config/gateway.toml");
    let good = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, "[service]\nwait_ms = -1\n").unwrap();
    let refused = fixture.bongsu(&["restart", "gateway"]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(
        said.contains("goes on: the one that was to take over was not ready") && said.contains("wait_ms"),
        "{said}"
    );
    assert_eq!(["gateway-1", "gateway-2"].map(|slot| fixture.pid(slot)), pids);
    assert_eq!((slots(&fixture).len(), get(&format!("{url}/doors")).expect("an answer").status), (2, 200));
    fs::write(&settings, good).unwrap();
    assert!(fixture.bongsu(&["restart", "gateway"]).status.success());
    assert_eq!(get(&format!("{url}/doors")).expect("an answer").status, 200);
}

#[test]
fn a_gateway_that_is_stopped_leaves_nobody_waiting_and_comes_back_where_it_was() {
    let fixture = street(1);
    let url = fixture.url("gateway");
    assert!(fixture.bongsu(&["stop", "gateway"]).status.success());
    assert!(Line::to(&url).is_none(), "nobody listens");
    assert!(fixture.bongsu(&["start", "gateway"]).status.success());
    assert_eq!((fixture.url("gateway"), get(&format!("{url}/doors")).expect("an answer").status), (url.clone(), 200));
    // Whoever comes while a killed one is started again waits for it.
    for _ in 0..3 {
        assert!(fixture.bongsu(&["kill", "gateway"]).status.success());
        assert_eq!(get(&format!("{url}/doors")).expect("an answer").status, 200);
        fixture.until_state("gateway-1", "ready");
    }
}

#[test]
fn what_one_gateway_is_told_of_breakers_all_of_them_do_within_a_second() {
    let fixture = street(2);
    let mut lines = lines(&fixture, 2);
    for line in lines.values_mut().flatten() {
        assert_eq!(line.ask("/doors/1", "").expect("an answer").0, 200);
    }
    let shown = text(&fixture.bongsu(&["breakers"]).stdout);
    for slot in ["gateway-1", "gateway-2"] {
        assert!(shown.lines().any(|line| line.starts_with(slot) && line.contains("closed")), "{shown}");
    }
    let held = fixture.bongsu(&["breakers", "door", "--force", "open", "--json"]);
    let held: Vec<Value> = serde_json::from_slice(&held.stdout).unwrap();
    let open: BTreeSet<&str> =
        held.iter().filter(|one| one["state"] == "open").filter_map(|one| one["gateway"].as_str()).collect();
    assert_eq!(open, BTreeSet::from(["gateway-1", "gateway-2"]));
    // Told to one alone, at its own address.
    let own = fixture.instance("gateway-2")["own_url"].as_str().unwrap().to_owned();
    let key = fixture.key("operator", "gateway");
    let told = send(&format!("{own}/bongsu/breakers/door"), "PUT", &key, r#"{"state":"auto"}"#).unwrap();
    let since = now();
    assert_eq!(told.status, 200, "{told:?}");
    let both_are_closed = |_: &Fixture| {
        let mut all = lines.values_mut().map(|some| some[0].ask("/doors/1", "").expect("an answer").0);
        all.all(|status| status == 200).then_some(())
    };
    fixture.until("the other one heard it", both_are_closed);
    assert!(since.elapsed().as_millis() < 1_500, "{:?}", since.elapsed());
}

/// Asks each gateway until it lets nothing through any more; how much all of them did.
fn let_through(fixture: &Fixture, gateways: usize, path: &str) -> u32 {
    let mut lines = lines(fixture, gateways);
    let mut sum = 0;
    for line in lines.values_mut().map(|some| &mut some[0]) {
        loop {
            match line.ask(path, "").expect("an answer") {
                (200, _) => sum += 1,
                (429, _) => break,
                other => panic!("{other:?}"),
            }
        }
    }
    sum
}

#[test]
fn rates_are_shared_by_the_gateways_that_live() {
    for gateways in [2, 3] {
        let fixture = street(gateways);
        let sum = let_through(&fixture, gateways as usize, "/few/1");
        println!("{gateways} gateways let {sum} of 20 through");
        assert!((18..=22).contains(&sum), "{gateways} gateways: {sum}");
    }
}

#[test]
fn when_a_gateway_is_gone_the_others_let_through_what_was_its_share() {
    let fixture = street(3);
    assert!(fixture.bongsu(&["stop", "gateway-3"]).status.success());
    let sum = let_through(&fixture, 2, "/few/1");
    println!("after a stop 2 gateways let {sum} of 20 through");
    assert!((18..=22).contains(&sum), "{sum}");
    let fixture = street(3);
    // Its next run refuses its settings, so that it is not there again at once.
    fs::write(fixture.data().join("config/gateway.toml"), "[service]\nwait_ms = -1\n").unwrap();
    signal(fixture.pid("gateway-2"), Signal::SIGKILL);
    fixture.until_state("gateway-2", "refused");
    let sum = let_through(&fixture, 2, "/few/1");
    println!("after a kill 2 gateways let {sum} of 20 through");
    assert!((18..=22).contains(&sum), "{sum}");
}

const HOUSE: &str = "
[gateway]
listen = '127.0.0.1:0'
instances = 2
[identity]
config = { environment = 'dev', roles = ['guest', 'operator'], newcomers = ['guest'] }
people = [{ email = 'ann@house.example', name = 'Ann', password = 'ann may come in', roles = ['guest'] }]
[[service]]
name = 'door'
command = 'FAKE'
routes = ['/rooms/*']
";

/// What a browser keeps, and which gateway it happens to meet is left to chance.
#[derive(Default)]
struct Cookies(BTreeMap<String, String>);

impl Cookies {
    fn line(&self) -> String {
        let all: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("cookie: {}\r\nsec-fetch-site: same-origin\r\n", all.join("; "))
    }

    fn ask(&mut self, url: &str, method: &str, body: &str) -> Response {
        let head = format!("{}content-type: application/x-www-form-urlencoded\r\n", self.line());
        let answer = send(url, method, &head, body).expect("an answer");
        for line in answer.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")) {
            let (name, value) = line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair");
            match value.is_empty() {
                true => drop(self.0.remove(name)),
                false => drop(self.0.insert(name.to_owned(), value.to_owned())),
            }
        }
        answer
    }

    /// Follows where it leads, and fills the form in on the way.
    fn log_in(&mut self, gateway: &str) {
        let whole = |at: &str| if at.starts_with('/') { format!("{gateway}{at}") } else { at.to_owned() };
        let mut at = format!("{gateway}/login?return=/rooms/7");
        for _ in 0..10 {
            let mut answer = self.ask(&at, "GET", "");
            if answer.status == 200 {
                let fields = [("email", "ann@house.example"), ("password", "ann may come in")];
                let (action, body) = filled_in(&answer.body, &fields);
                answer = self.ask(&whole(&action), "POST", &body);
            }
            assert_eq!(answer.status, 303, "{at}: {answer:?}");
            let next = answer.head.lines().find_map(|line| line.strip_prefix("location: ")).expect("it leads on");
            if next == "/rooms/7" {
                return;
            }
            at = whole(next);
        }
        panic!("it leads in a circle: {at}");
    }
}

/// Where the form of a page goes to, and what it says with its hidden fields and these.
fn filled_in(page: &str, fields: &[(&str, &str)]) -> (String, String) {
    let attribute = |element: &str, name: &str| {
        let value = element.split('>').next()?.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
        Some(value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
    };
    let form = page.split("<form").nth(1).unwrap_or_else(|| panic!("no form: {page}"));
    let hidden = form.split("<input").skip(1).filter(|input| attribute(input, "type").as_deref() == Some("hidden"));
    let hidden = hidden.filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)));
    let written = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let encoded = |text: String| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let all: Vec<String> = hidden.chain(written).map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    (attribute(form, "action").expect("an action"), all.join("&"))
}

#[test]
fn a_session_is_of_all_gateways_outlives_one_of_them_and_ends_at_all() {
    let mut fixture = Fixture::new(HOUSE);
    fixture.up();
    fixture.until("somebody can log in", |fixture| fixture.said().contains("log in as ").then_some(()));
    let gateway = fixture.url("gateway");
    let mut cookies = Cookies::default();
    cookies.log_in(&gateway);
    let mut lines = lines(&fixture, 2);
    let mut everywhere = |cookies: &Cookies| -> BTreeSet<u16> {
        let asked = lines.values_mut().map(|some| some[0].ask("/rooms/7", &cookies.line()).expect("an answer").0);
        asked.collect()
    };
    assert_eq!(everywhere(&cookies), BTreeSet::from([200]));
    assert_eq!(everywhere(&Cookies::default()), BTreeSet::from([401]));
    let pids = ["gateway-1", "gateway-2"].map(|slot| fixture.pid(slot));
    signal(pids[0], Signal::SIGKILL);
    for _ in 0..20 {
        assert_eq!(cookies.ask(&format!("{gateway}/rooms/7"), "GET", "").status, 200, "whoever is logged in stays so");
    }
    fixture.until("the killed one is back", |fixture| (slots(fixture).len() == 2).then_some(()));
    let mut lines = self::lines(&fixture, 2);
    let before = Cookies(cookies.0.clone());
    let left = cookies.ask(&format!("{gateway}/logout"), "POST", "");
    assert!([200, 204, 303].contains(&left.status), "{left:?}");
    let since = now();
    fixture.until("nobody knows it any more", |_| {
        let mut asked = lines.values_mut().map(|some| some[0].ask("/rooms/7", &before.line()).expect("an answer").0);
        asked.all(|status| status == 401).then_some(())
    });
    assert!(since.elapsed().as_secs() < 6, "{:?}", since.elapsed());
}
