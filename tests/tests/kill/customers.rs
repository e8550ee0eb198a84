//! Customers at a steady pace, who ask again under the same key until they are answered.

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use system_tests::{
    evidence::Heard,
    harness::{Mall, wait::now},
};

/// Between two customers: twenty a second.
const PACE: Duration = Duration::from_millis(50);
/// Between two attempts of one.
const PAUSE: Duration = Duration::from_millis(100);
/// A customer goes home after so long.
const PATIENCE: Duration = Duration::from_secs(15);
/// Customers at a time.
const QUEUES: usize = 24;

/// What customers were told.
#[derive(Default)]
pub(crate) struct Outcomes {
    accepted: u32,
    refused: u32,
    given_up: u32,
    again: u32,
    cancelled: u32,
    too_late: u32,
    cancel_unheard: u32,
}

/// Says that it is over when it is dropped.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Places so many orders, some of which are cancelled, then says that it is over.
pub(crate) fn buy(mall: &Mall, orders: u32, over: &AtomicBool) -> String {
    let (next, told, began) = (AtomicU32::new(0), Mutex::new(Outcomes::default()), now());
    let queue = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= orders {
                break;
            }
            wait_until(began + PACE * number);
            serve(mall, number, &told);
        }
    };
    // Also when a customer is told what must not be, or the killer would never end.
    let end = End(over);
    thread::scope(|scope| (0..QUEUES).for_each(|_| drop(scope.spawn(queue))));
    drop(end);
    let told = told.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(told.accepted + told.refused + told.given_up, orders);
    assert!(told.accepted > orders * 9 / 10, "hardly anybody was served: {told}");
    told.to_string()
}

/// One customer: orders, and if it is that kind, wants it back.
fn serve(mall: &Mall, number: u32, told: &Mutex<Outcomes>) {
    let note = |write: &dyn Fn(&mut Outcomes)| write(&mut told.lock().unwrap_or_else(PoisonError::into_inner));
    let lines = wanted(number);
    let key = format!("kill matrix {number}");
    let deadline = now() + PATIENCE;
    let placed = loop {
        let placed = mall.place(&key, &lines);
        if placed.heard != Heard::Nothing || now() > deadline {
            break placed;
        }
        note(&|told| told.again += 1);
        wait_until(now() + PAUSE);
    };
    match placed.heard {
        Heard::Accepted => note(&|told| told.accepted += 1),
        Heard::Refused => panic!("a good order was refused: {placed:?}"),
        Heard::Nothing => note(&|told| told.given_up += 1),
    }
    if placed.heard == Heard::Accepted && number % 7 == 3 {
        match call_back(mall, &placed.order) {
            Some(202) => note(&|told| told.cancelled += 1),
            Some(409) => note(&|told| told.too_late += 1),
            Some(status) => panic!("to cancel {} was answered {status}", placed.order),
            None => note(&|told| told.cancel_unheard += 1),
        }
    }
}

/// Asks for an order back until there is an answer; the status.
fn call_back(mall: &Mall, order: &str) -> Option<u16> {
    let (path, key) = (format!("/orders/{order}/cancel"), format!("cancel {order}"));
    let deadline = now() + PATIENCE;
    while now() < deadline {
        match mall.ask("POST", &path, Some(&key), Some(&serde_json::json!({}))) {
            Ok(answer) if answer.status < 500 => return Some(answer.status),
            _ => wait_until(now() + PAUSE),
        }
    }
    None
}

/// What a customer puts into the order: one to three lines; every twelfth wants more TVs than there will ever be.
fn wanted(number: u32) -> Vec<(&'static str, u32)> {
    const GOODS: [&str; 4] = ["MASK", "NOTEBOOK", "TABLE", "CLOCK"];
    let good = |step: u32| GOODS[((number + step) % 4) as usize];
    match number % 12 {
        0 => vec![("TV", 50)],
        1 | 2 => vec![("TV", 1), (good(0), 1)],
        3..=5 => vec![(good(0), 1 + number % 3), (good(1), 2)],
        6 => vec![(good(0), 1), (good(1), 1), (good(2), 1)],
        _ => vec![(good(0), 1 + number % 4)],
    }
}

fn wait_until(when: Instant) {
    while let Some(rest) = when.checked_duration_since(now()).filter(|rest| !rest.is_zero()) {
        thread::park_timeout(rest);
    }
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} orders accepted, {} refused, {} given up, {} attempts repeated; cancelled {}, too late {}, unheard {}",
            self.accepted, self.refused, self.given_up, self.again, self.cancelled, self.too_late, self.cancel_unheard
        )
    }
}
