//! What the provider does with charges and refunds, without HTTP.

use money::Money;
use sandbox::provider::{Behaviour, Entry, Mode, Provider, Refusal, Status};

const AMOUNT: Money = Money::krw(20_000);

/// A provider and everything it wrote down.
#[derive(Default)]
struct Books {
    provider: Provider,
    entries: Vec<Entry>,
}

impl Books {
    fn record(&mut self, entries: Vec<Entry>) {
        entries.iter().for_each(|entry| self.provider.apply(entry));
        self.entries.extend(entries);
    }

    fn behave(&mut self, mode: Mode, delay_ms: u32, at_ms: i64) {
        self.record(vec![Entry::Behaves { behaviour: Behaviour { mode, delay_ms }, at_ms }]);
        self.settle(at_ms);
    }

    fn capture(&mut self, key: &str, at_ms: i64) {
        self.capture_until(key, None, at_ms);
    }

    fn capture_until(&mut self, key: &str, not_after_ms: Option<i64>, at_ms: i64) {
        let entries = self.provider.capture(key, &"o1".into(), AMOUNT, not_after_ms, at_ms).expect("a key of its own");
        self.record(entries);
        self.settle(at_ms);
    }

    fn settle(&mut self, now_ms: i64) {
        let entries = self.provider.settle(now_ms);
        self.record(entries);
    }

    fn status(&self, key: &str) -> &Status {
        &self.provider.charge(key).expect("it was asked for").status
    }
}

fn captured(number: u32) -> Status {
    Status::Captured { capture: format!("cap_{number}") }
}

fn declined(reason: &str) -> Status {
    Status::Declined { reason: reason.into() }
}

#[test]
fn a_charge_is_taken_once_however_often_it_is_asked_for() {
    let mut books = Books::default();
    books.capture("k1", 0);
    books.capture("k1", 5);
    books.capture("k2", 6);
    assert_eq!((books.status("k1"), books.status("k2")), (&captured(1), &captured(2)));
    assert_eq!(books.entries.len(), 4);
}

#[test]
fn a_key_names_one_charge_for_ever() {
    let mut books = Books::default();
    books.capture("k1", 0);
    let other_amount = books.provider.capture("k1", &"o1".into(), Money::krw(1), None, 1);
    let other_order = books.provider.capture("k1", &"o2".into(), AMOUNT, None, 1);
    assert_eq!((other_amount, other_order), (Err(Refusal::KeyReused), Err(Refusal::KeyReused)));
}

#[test]
fn a_declining_provider_stays_with_what_it_said() {
    let mut books = Books::default();
    books.behave(Mode::Decline, 0, 0);
    books.capture("k1", 1);
    books.behave(Mode::Ok, 0, 2);
    books.capture("k1", 3);
    assert_eq!(books.status("k1"), &declined("insufficient-funds"));
}

#[test]
fn a_slow_charge_is_settled_when_its_time_has_come() {
    let mut books = Books::default();
    books.behave(Mode::Slow, 500, 0);
    books.capture("k1", 100);
    assert_eq!((books.status("k1"), books.provider.due()), (&Status::Pending, Some(600)));
    books.settle(599);
    assert_eq!(books.status("k1"), &Status::Pending);
    books.settle(600);
    assert_eq!((books.status("k1"), books.provider.due()), (&captured(1), None));
}

#[test]
fn a_charge_that_reached_a_provider_that_was_down_is_settled_when_it_is_up() {
    let mut books = Books::default();
    books.behave(Mode::Down, 0, 0);
    books.capture("k1", 1);
    books.settle(1_000_000);
    assert_eq!((books.status("k1"), books.provider.due()), (&Status::Pending, None));
    books.behave(Mode::Ok, 0, 1_000_001);
    assert_eq!(books.status("k1"), &captured(1));
}

#[test]
fn a_charge_that_arrives_too_late_is_declined_but_one_stored_in_time_is_honoured() {
    let mut books = Books::default();
    books.capture_until("late", Some(10), 11);
    assert_eq!(books.status("late"), &declined("too-late"));
    books.behave(Mode::Down, 0, 12);
    books.capture_until("stored", Some(20), 20);
    books.behave(Mode::Ok, 0, 1_000);
    assert_eq!(books.status("stored"), &captured(1));
}

#[test]
fn a_capture_goes_back_once() {
    let mut books = Books::default();
    books.capture("k1", 0);
    let first = books.provider.refund("r1", "cap_1", 1).expect("it was captured");
    books.record(first);
    assert_eq!(books.provider.refund("r1", "cap_1", 2), Ok(vec![]));
    assert_eq!(books.provider.refund("r2", "cap_1", 2), Err(Refusal::AlreadyRefunded));
    assert_eq!(books.provider.refund("r1", "cap_9", 2), Err(Refusal::KeyReused));
    assert_eq!(books.provider.refund("r3", "cap_9", 2), Err(Refusal::NoSuchCapture));
    assert_eq!(books.provider.refunded("r1").map(|refund| refund.amount), Some(AMOUNT));
}

#[test]
fn the_books_read_back_as_they_were_written() {
    let mut books = Books::default();
    books.capture("k1", 0);
    let refund = books.provider.refund("r1", "cap_1", 1).expect("it was captured");
    books.record(refund);
    books.behave(Mode::Down, 7, 2);
    books.capture("k2", 3);
    let again = Provider::of(&books.entries);
    assert_eq!(again.charges(), books.provider.charges());
    assert_eq!(again.refunds(), books.provider.refunds());
    assert_eq!((again.behaviour(), again.due()), (books.provider.behaviour(), None));
}
