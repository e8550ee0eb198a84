//! A barista is an instance: hire another one, or kill one while they brew.

use std::{collections::BTreeMap, time::Duration};

use tempfile::tempdir;

use crate::shop::{ONE_AT_A_TIME, Shop, now, until};

const BREW_MS: u64 = 200;

fn flags() -> Vec<String> {
    let brew = format!("service.brew_ms={BREW_MS}");
    ONE_AT_A_TIME.iter().map(|flag| (*flag).to_owned()).chain(["--set".into(), brew]).collect()
}

/// Coffees per second over the next so many coffees.
fn rate(shop: &Shop, coffees: usize) -> f64 {
    let start = shop.buzzers().len();
    // The clock starts with a buzzer, not somewhere within a brew.
    until("the next coffee is ready", || shop.buzzers().len() > start);
    let (from, began) = (shop.buzzers().len(), now());
    until("enough coffees are ready", || shop.buzzers().len() >= from + coffees);
    (shop.buzzers().len() - from) as f64 / began.elapsed().as_secs_f64()
}

#[test]
fn two_baristas_give_at_least_1_7_times_the_throughput_of_one_and_four_3_2_times() {
    let folder = tempdir().unwrap();
    let flags = flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let first = Shop::open(folder.path(), &flags);
    // More than will be brewed: all always have something to do.
    first.orders(360);
    let alone = rate(&first, 15);
    let mut hired = Vec::new();
    for (baristas, least) in [(2, 1.7), (4, 3.2)] {
        while hired.len() + 1 < baristas {
            hired.push(first.hire(folder.path(), &format!("barista-{}", hired.len() + 2), &flags));
        }
        // The queue is shared evenly once those who were there have handed over a share.
        let share = now() + Duration::from_millis(1_500);
        until("they have shared the queue", || now() > share);
        let together = rate(&first, 15 * baristas);
        let ratio = together / alone;
        println!("one barista {alone:.2}/s, {baristas} {together:.2}/s: {ratio:.2} times as many");
        assert!(ratio >= least, "one barista {alone:.2}/s, {baristas} {together:.2}/s: only {ratio:.2} times as many");
    }
}

#[test]
fn killed_while_they_brew_nothing_is_lost_and_no_buzzer_rings_twice() {
    let folder = tempdir().unwrap();
    let flags = flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let first = Shop::open(folder.path(), &flags);
    let second = first.hire(folder.path(), "barista-2", &flags);
    let cups = first.orders(24);
    // Both brew all the time; at any moment each has a cup in hand.
    until("some are ready", || first.buzzers().len() >= 4);
    second.kill();
    until("the first goes on", || first.buzzers().len() >= 8);
    first.kill();

    let again = Shop::open(folder.path(), &flags);
    until("every coffee is ready", || cups.iter().all(|cup| again.is_ready(cup)));
    until("every buzzer has rung", || again.buzzers().len() == cups.len());
    let once: BTreeMap<String, usize> = cups.into_iter().map(|cup| (cup, 1)).collect();
    assert_eq!(again.buzzers(), once);
}

#[test]
fn a_barista_who_dies_with_the_cup_in_hand_brews_again_and_the_buzzer_rings_once() {
    let folder = tempdir().unwrap();
    let quick = ["--set", "service.brew_ms=20"];
    // The process kills itself the moment the second cup is brewed, before that is written down.
    let mut shop = Shop::open_with(folder.path(), &quick, &[("BONGSU_CRASH_AT", "activity.ran:2")]);
    // It may die while it answers.
    for key in ["k0", "k1", "k2"] {
        let _ = shop.try_order("espresso", key);
    }
    until("it has died", || shop.is_gone());

    let again = Shop::open(folder.path(), &quick);
    // A customer who got no answer asks again with the same key.
    let cups = again.orders(3);
    until("every coffee is ready", || cups.iter().all(|cup| again.is_ready(cup)));
    until("every buzzer has rung", || again.buzzers().len() == cups.len());
    assert!(again.buzzers().values().all(|rung| *rung == 1), "{:?}", again.buzzers());
}
