//! What callers of the gateway notice of `kill -9`: nothing.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::fixture::{End, Fixture, now, send, signal};

const ROUNDS: u32 = 10;
/// A process that ran for a second is started again at once.
const BETWEEN: Duration = Duration::from_millis(1_100);

const STREET: &str = "
[broker]
start = false
[gateway]
listen = '127.0.0.1:0'
[[service]]
name = 'door'
command = 'FAKE'
instances = 2
idempotent = true
routes = ['/doors']
[[service]]
name = 'bell'
command = 'FAKE'
idempotent = true
routes = ['/bells']
";

/// Asks again and again; how often, and what was not answered with 200.
fn ask(url: &str, method: &str, over: &AtomicBool) -> (u32, Vec<String>) {
    let (mut asked, mut failed) = (0, Vec::new());
    while !over.load(Ordering::Acquire) {
        asked += 1;
        let head = if method == "POST" { format!("idempotency-key: {asked}\r\n") } else { String::new() };
        let body = if method == "POST" { "ding" } else { "" };
        match send(url, method, &head, body) {
            Some(answer) if answer.status == 200 => {}
            other => failed.push(format!("{method} {url} number {asked}: {other:?}")),
        }
    }
    (asked, failed)
}

fn all_ready(fixture: &Fixture) {
    ["bell-1", "door-1", "door-2"].into_iter().for_each(|slot| drop(fixture.until_state(slot, "ready")));
}

#[test]
fn twenty_kills_behind_the_gateway_are_noticed_by_no_reader_and_no_keyed_writer() {
    let mut fixture = Fixture::new(STREET);
    fixture.up();
    let (url, over, asked) = (fixture.url("gateway"), AtomicBool::new(false), AtomicU32::new(0));
    let failed = thread::scope(|scope| {
        let callers: Vec<_> = ["/doors", "/bells"]
            .into_iter()
            .flat_map(|path| ["GET", "POST"].map(|method| (format!("{url}{path}"), method)))
            .map(|(url, method)| (url, method, &over))
            .map(|(url, method, over)| scope.spawn(move || ask(&url, method, over)))
            .collect();
        // Also when this fails, or the callers would be waited for in vain.
        let _end = End(&over);
        for round in 0..ROUNDS {
            // A start takes what it takes on a busy machine; a process runs well from when it is ready.
            all_ready(&fixture);
            let until = now() + BETWEEN;
            fixture.until("they ran well", |_| (now() >= until).then_some(()));
            for slot in ["bell-1".to_owned(), format!("door-{}", round % 2 + 1)] {
                signal(fixture.pid(&slot), Signal::SIGKILL);
            }
        }
        all_ready(&fixture);
        over.store(true, Ordering::Release);
        let heard = callers.into_iter().map(|caller| caller.join().unwrap());
        heard.fold(Vec::new(), |mut all, (count, failed)| {
            asked.fetch_add(count, Ordering::Relaxed);
            all.extend(failed);
            all
        })
    });
    let asked = asked.into_inner();
    println!("{} kills, {asked} GETs and keyed POSTs, {} failed", 2 * ROUNDS, failed.len());
    assert!(asked > 40 * ROUNDS, "hardly anything was asked: {asked}");
    assert!(failed.is_empty(), "{failed:#?}");
    let restarts: u64 = fixture.ps().iter().filter_map(|row| row["restarts"].as_u64()).sum();
    assert_eq!(restarts, u64::from(2 * ROUNDS));
}
