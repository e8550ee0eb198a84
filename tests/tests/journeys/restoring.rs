//! A store that is not the one that published: restored from a copy, thrown away, without the end of its log, one of two
//! copies started in turn, or left behind by a copy that ran ahead. Each is loud, takes no order that nobody would hear of,
//! and goes on after `bongsu adopt`.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use rusqlite::Connection;
use serde_json::Value;
use system_tests::{
    evidence::Heard,
    harness::{Mall, orders::order_of, system::System, wait::until},
};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_store_restored_from_a_copy_refuses_orders_until_it_is_adopted_and_then_every_order_is_confirmed() {
    let mall = opened();
    confirm(&mall, "before", 3);
    let copy = mall.system().folder().join("copy.db");
    backup(&store(&mall), &copy);
    // Under load: what comes after the copy will be orphaned.
    load(&mall, 8);
    let lost = mall.buy("lost", &[("LANTERN", 1)]);
    mall.until_order(&lost, &["CONFIRMED"]);
    mall.until_shown(&lost, "preparing");
    mall.stop("ordering");
    replace(&mall, Some(&copy));
    mall.start_again("ordering");
    parted(&mall);
    let survey: Value =
        serde_json::from_str(&mall.said_by(&["adopt", "ordering", "--dry-run", "--json"])).expect("JSON");
    let names =
        |list: &str, of: &str| survey[list].as_array().is_some_and(|all| all.iter().any(|one| one["subject"] == of));
    let stream = format!("order/{lost}");
    assert!(names("orphaned", &stream) && names("applied", &stream), "{survey}");
    adopt(&mall);
    assert_eq!(mall.get(&format!("/orders/{lost}")).status, 404, "this store has never heard of it");
    confirm(&mall, "after", 5);
    until("MyPage has forgotten the orphan", PATIENCE, || {
        let shown = mall.get(&format!("/mypage/orders/{lost}"));
        if shown.status == 404 { Ok(()) } else { Err(shown.json().to_string()) }
    });
    let parked = mall.said_by(&["parked"]);
    assert!(parked.contains(&stream), "whoever acted on the orphan is named: {parked}");
}

#[test]
fn a_store_thrown_away_refuses_orders_until_it_is_adopted() {
    let mall = opened();
    confirm(&mall, "before", 2);
    mall.stop("ordering");
    replace(&mall, None);
    mall.start_again("ordering");
    parted(&mall);
    adopt(&mall);
    confirm(&mall, "after", 3);
}

#[test]
fn a_store_that_lost_the_end_of_its_log_says_so() {
    let mall = opened();
    confirm(&mall, "before", 2);
    mall.stop("ordering");
    let copy = mall.system().folder().join("copy.db");
    fs::copy(store(&mall), &copy).expect("a stopped store is one whole file");
    mall.start_again("ordering");
    confirm(&mall, "in the log only", 2);
    // The process is killed, and what is left is the file without its log.
    mall.kill("ordering");
    mall.stop("ordering");
    replace(&mall, Some(&copy));
    mall.start_again("ordering");
    parted(&mall);
    adopt(&mall);
    confirm(&mall, "after", 2);
}

#[test]
fn of_two_copies_started_in_turn_the_one_that_published_goes_on_and_the_other_is_refused() {
    let mall = opened();
    confirm(&mall, "before", 2);
    mall.stop("ordering");
    let [one, two] = ["one.db", "two.db"].map(|name| mall.system().folder().join(name));
    fs::copy(store(&mall), &one).expect("a stopped store is one whole file");
    mall.start_again("ordering");
    confirm(&mall, "in the first", 2);
    mall.stop("ordering");
    fs::copy(store(&mall), &two).expect("a stopped store is one whole file");
    replace(&mall, Some(&one));
    mall.start_again("ordering");
    parted(&mall);
    mall.stop("ordering");
    replace(&mall, Some(&two));
    mall.start_again("ordering");
    confirm(&mall, "in the first again", 2);
    assert!(mall.bongsu(&["adopt", "ordering", "--reason", "no need"]).status.code() != Some(0), "nothing to adopt");
}

fn opened() -> Mall {
    let system = System::of_the_mall().set("ordering", "window_ms", 120_000);
    let system = system.set("delivery", "depart_after_ms", 600_000);
    let mall = Mall::start(system);
    mall.put_on_sale("LANTERN", 1_000, 1_000);
    mall.until_sold("LANTERN");
    mall
}

/// Buys so often, and every order is confirmed.
fn confirm(mall: &Mall, name: &str, times: usize) {
    let orders: Vec<String> = (0..times).map(|n| mall.buy(&format!("{name} {n}"), &[("LANTERN", 1)])).collect();
    for order in orders {
        mall.until_order(&order, &["CONFIRMED"]);
        mall.until_shown(&order, "preparing");
    }
}

/// Several customers at once.
fn load(mall: &Mall, customers: usize) {
    let failed = AtomicBool::new(false);
    thread::scope(|all| {
        for customer in 0..customers {
            let failed = &failed;
            all.spawn(move || {
                for n in 0..5 {
                    let placed = mall.place(&format!("load {customer} {n}"), &[("LANTERN", 1)]);
                    failed.fetch_or(placed.heard != Heard::Accepted, Ordering::Relaxed);
                }
            });
        }
    });
    assert!(!failed.into_inner(), "every order of the load is taken");
}

/// It says so once, `ps` shows it, and no order is taken.
fn parted(mall: &Mall) {
    until("ordering says that histories parted", PATIENCE, || {
        let said = complaints(mall);
        match said.as_slice() {
            [one] if one["remedy"] == "bongsu adopt ordering" => Ok(()),
            _ => Err(format!("{said:?}")),
        }
    });
    for n in 0..3 {
        let answer = mall.ask("POST", "/orders", Some(&format!("refused {n}")), Some(&order_of(&[("LANTERN", 1)])));
        let answer = answer.expect("an answer");
        assert_eq!((answer.status, answer.json()["type"].as_str()), (503, Some("/errors/history-parted")));
    }
    until("ps shows it", PATIENCE, || {
        let shown = mall.said_by(&["ps"]);
        if shown.contains("bongsu adopt ordering") { Ok(()) } else { Err(shown) }
    });
}

fn adopt(mall: &Mall) {
    let done = mall.said_by(&["adopt", "ordering", "--reason", "restored", "--as", "olga"]);
    assert!(done.contains("ordering and the broker have one history"), "{done}");
    assert!(mall.said_by(&["events", "ordering"]).contains("bongsu.history-adopted.v1"));
}

/// The lines of ordering's log with the code, of its present process.
fn complaints(mall: &Mall) -> Vec<Value> {
    let logged = mall.said_by(&["logs", "ordering", "--tail", "1000", "--json"]);
    let lines = logged.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let said = lines.filter_map(|line| serde_json::from_str::<Value>(line["line"].as_str()?).ok());
    said.filter(|line| line["code"] == "history-parted" && line["remedy"].is_string()).collect()
}

fn store(mall: &Mall) -> PathBuf {
    mall.system().data().join("ordering.db")
}

/// As an operator would: SQLite's own backup, while the service runs.
fn backup(from: &Path, to: &Path) {
    let from = Connection::open(from).expect("the store can be read");
    let to = to.to_str().expect("a path in a folder of the test");
    from.execute("VACUUM INTO ?1", [to]).expect("a copy");
}

/// Puts a file in the place of ordering's store, or none.
fn replace(mall: &Mall, with: Option<&Path>) {
    let files = fs::read_dir(mall.system().data()).expect("the data folder can be read").flatten();
    let mine = files.filter(|file| file.file_name().to_string_lossy().starts_with("ordering.db"));
    mine.for_each(|file| fs::remove_file(file.path()).expect("a file can be thrown away"));
    if let Some(copy) = with {
        fs::copy(copy, store(mall)).expect("a copy can be put in its place");
    }
}
