//! What is done by the wall clock: commands at the moments of a schedule, and snapshots of everything that changed.

use std::time::Duration;

use bongsu_core::{Aggregate, Ctx, Decider, message};
use bongsu_memory::MemoryStore;
use bongsu_runtime::{Firing, Missed, Runtime, Service, Walk, daily, every, ports::env::Env};

use crate::{
    bank::bank_with_snapshots,
    snapshots::{deposit, reading, stored, until_snapshot_at},
    world::{Lab, ask, until},
};

/// The tests' clock starts at 22:13:20 UTC; 40 seconds later it is midnight by this clock.
const SOON: &str = "22:14:00";

/// A book that is closed once for each day.
struct Days;

#[message("day.close", version = 1)]
struct Close {
    date: String,
    at_ms: i64,
}

#[message("day.closed", version = 1)]
struct Closed {
    date: String,
    at_ms: i64,
}

#[message("day.already-closed", version = 1)]
struct AlreadyClosed {}

impl Aggregate for Days {
    const NAME: &'static str = "day";
    type Event = Closed;
    type State = Vec<i64>;

    fn evolve(closed: &mut Vec<i64>, event: &Closed) {
        closed.push(event.at_ms);
    }
}

impl Decider for Days {
    type Command = Close;
    type Rejection = AlreadyClosed;

    fn target(&self, _: &Close, _: &Ctx) -> String {
        "all".into()
    }

    fn decide(&self, _: &Vec<i64>, close: Close, _: &Ctx) -> Result<Vec<Closed>, AlreadyClosed> {
        match close.date.as_str() {
            "never" => Err(AlreadyClosed {}),
            _ => Ok(vec![Closed { date: close.date, at_ms: close.at_ms }]),
        }
    }
}

fn close(firing: &Firing, _: &Ctx) -> Vec<Close> {
    vec![Close { date: firing.date.clone(), at_ms: firing.at_ms }]
}

fn office(schedule: bongsu_runtime::Schedule, missed: Missed) -> Service {
    Service::new("office").decider(Days, |_, _, _| None).at("close-day", schedule, missed, close)
}

/// The moments for which days were closed.
async fn closed(runtime: &Runtime) -> Vec<i64> {
    runtime.handle().load::<Days>("all").await.unwrap().0
}

fn minutes(firings: &[i64]) -> Vec<i64> {
    firings.iter().map(|at_ms| (at_ms - 1_700_000_000_000).div_euclid(60_000)).collect()
}

fn nightly() -> Service {
    bank_with_snapshots(1, 0).snapshots_at(daily(SOON, "UTC"))
}

#[tokio::test(start_paused = true)]
async fn a_clock_fires_once_for_each_moment_of_its_schedule_over_all_instances() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let office = || office(every(Duration::from_secs(60)), Missed::MadeUp);
    let (one, two) = (lab.start(office(), &store, "office-1"), lab.start(office(), &store, "office-2"));
    tokio::time::sleep(Duration::from_secs(300)).await;
    let fired = closed(&one).await;
    assert_eq!(minutes(&fired), [0, 1, 2, 3, 4]);
    assert!(fired.iter().all(|at_ms| at_ms % 60_000 == 0), "{fired:?}: the moments of the schedule");
    // Whoever goes on goes on with the next.
    one.stop().await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(minutes(&closed(&two).await), [0, 1, 2, 3, 4, 5, 6]);
    assert!(
        store.all_events().iter().all(|event| String::from_utf8_lossy(&event.meta).contains("close-day")),
        "who asked"
    );
}

#[tokio::test(start_paused = true)]
async fn a_firing_that_was_missed_is_made_up_for_once_or_left_out() {
    for (missed, expected) in [(Missed::MadeUp, vec![0, 12]), (Missed::Skipped, vec![0])] {
        let (lab, store) = (Lab::new(0), MemoryStore::new());
        let office = || office(every(Duration::from_secs(4 * 60)), missed);
        // 160 seconds are left until the first moment.
        let first = lab.start(office(), &store, "office-1");
        tokio::time::sleep(Duration::from_secs(161)).await;
        let began = closed(&first).await[0];
        first.stop().await;
        // Three moments pass, the last of them a minute and a half ago.
        tokio::time::sleep(Duration::from_secs(810)).await;
        let next = lab.start(office(), &store, "office-1");
        tokio::time::sleep(Duration::from_secs(5)).await;
        let late: Vec<i64> = closed(&next).await.iter().map(|at_ms| (at_ms - began) / 60_000).collect();
        assert_eq!(late, expected, "{missed:?}");
        tokio::time::sleep(Duration::from_secs(4 * 60)).await;
        assert_eq!(closed(&next).await.len(), late.len() + 1, "and the next one as usual");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_fires_for_no_moment_twice() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(office(daily(SOON, "UTC"), Missed::MadeUp), &store, "office-1");
    tokio::time::sleep(Duration::from_secs(50)).await;
    let dates = async || {
        let days = closed(&runtime).await;
        days.into_iter().map(|at_ms| (at_ms - 1_700_000_040_000) / 86_400_000).collect::<Vec<i64>>()
    };
    assert_eq!(dates().await, [0]);
    let hour = Duration::from_secs(3_600);
    lab.env.set_back(hour);
    tokio::time::sleep(2 * hour).await;
    assert_eq!(dates().await, [0], "it was that time again");
    lab.env.jump(71 * hour);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(dates().await, [0, 3], "three days were jumped over");
    // A clock that was years ahead, and is put right.
    lab.env.jump(20_000 * hour);
    tokio::time::sleep(Duration::from_secs(60)).await;
    lab.env.set_back(20_000 * hour);
    tokio::time::sleep(24 * hour).await;
    let last = dates().await.pop();
    assert_eq!(last, Some(4), "it does not wait for years");
}

#[tokio::test(start_paused = true)]
async fn what_a_clock_asks_for_may_be_refused_and_what_it_cannot_do_is_parked() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let refused = |_: &Firing, _: &Ctx| vec![Close { date: "never".into(), at_ms: 0 }];
    let broken = |_: &Firing, _: &Ctx| -> Vec<Close> { panic!("no ink") };
    let minute = || every(Duration::from_secs(60));
    let service = Service::new("office").decider(Days, |_, _, _| None);
    let service =
        service.at("refused", minute(), Missed::MadeUp, refused).at("broken", minute(), Missed::MadeUp, broken);
    let runtime = lab.start(service, &store, "office-1");
    let parked = async || runtime.handle().operator().parked().await.unwrap();
    until("it is parked", async || !parked().await.is_empty()).await;
    let shown = parked().await.remove(0);
    assert_eq!(
        (shown.id.as_str(), shown.kind, shown.error.as_str()),
        ("clock/broken", "clock", "the handler panicked: no ink")
    );
    let deed = bongsu_runtime::Deed::new("olga", Some("without ink")).unwrap();
    assert!(runtime.handle().operator().evict("clock/broken", &deed).await.unwrap());
    // Its next firing comes, and is parked again: given up was one.
    tokio::time::sleep(Duration::from_secs(95)).await;
    until("it is parked again", async || !parked().await.is_empty()).await;
    assert_eq!(closed(&runtime).await, [] as [i64; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_keeps_its_service_from_starting() {
    let wrong = |service: Service| service.check().unwrap_err().to_string();
    let says = "the map of office is wired wrong: ";
    let office_at = |time, zone| office(daily(time, zone), Missed::MadeUp);
    assert_eq!(
        wrong(office_at("midnight", "UTC")),
        format!("{says}the clock close-day: \"midnight\" is no time of a day, as 00:00")
    );
    assert_eq!(
        wrong(office_at("00:00", "Moon")),
        format!("{says}the clock close-day: \"Moon\" is no time zone, as Asia/Seoul")
    );
    let twice = office_at("00:00", "UTC").at("close-day", daily("01:00", "UTC"), Missed::MadeUp, close);
    assert!(wrong(twice).contains("close-day"), "two of one name");
    let untaken = Service::new("office").at("close-day", daily("01:00", "UTC"), Missed::MadeUp, close);
    assert_eq!(wrong(untaken), format!("{says}the clock close-day sends day.close.v1, which no decider takes"));
}

/// As `execute` of a tool would.
#[tokio::test(start_paused = true)]
async fn a_command_by_hand_and_one_by_the_clock_are_one_kind() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(office(daily(SOON, "UTC"), Missed::MadeUp), &store, "office-1");
    let by_hand = Close { date: "2023-11-14".into(), at_ms: 7 };
    ask(&runtime.handle(), by_hand, &lab.call(None)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!(closed(&runtime).await, [7, 1_700_000_040_000]);
}

#[tokio::test(start_paused = true)]
async fn at_midnight_by_the_clock_every_stream_that_changed_is_snapshot() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(nightly(), &store, "bank-1");
    deposit(&lab, &runtime.handle(), 3).await;
    tokio::time::sleep(Duration::from_secs(35)).await;
    assert_eq!(stored(&store), None, "the day is not over");
    until_snapshot_at(&store, 3).await;
    let now = lab.env.wall_ms();
    let midnight = 1_700_000_000_000 + 40_000;
    assert!((midnight..midnight + 1_000).contains(&now), "{now}");
    deposit(&lab, &runtime.handle(), 2).await;
    assert_eq!(reading(&runtime).await.folded, 2);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(stored(&store).unwrap()["version"], 3, "the next midnight is a day away");
}

#[tokio::test(start_paused = true)]
async fn a_midnight_that_passed_while_nothing_ran_is_made_up_for() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(nightly(), &store, "bank-1");
    deposit(&lab, &runtime.handle(), 3).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    runtime.stop().await;
    tokio::time::sleep(Duration::from_secs(3 * 60 * 60)).await;
    assert_eq!(stored(&store), None);
    let started = lab.env.wall_ms();
    let _next = lab.start(nightly(), &store, "bank-1");
    until_snapshot_at(&store, 3).await;
    assert!(lab.env.wall_ms() - started < 2_000, "at once");
}

#[tokio::test(start_paused = true)]
async fn two_instances_take_the_same_snapshots() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let (one, _two) = (lab.start(nightly(), &store, "bank-1"), lab.start(nightly(), &store, "bank-2"));
    deposit(&lab, &one.handle(), 3).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(stored(&store).unwrap()["version"], 3);
}

#[tokio::test(start_paused = true)]
async fn an_operator_has_snapshots_taken_at_once_and_only_of_what_changed() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(bank_with_snapshots(1, 0), &store, "bank-1");
    deposit(&lab, &runtime.handle(), 3).await;
    let walk = |written, current| Walk { written, current, failed: 0, done: true };
    assert_eq!(runtime.handle().operator().snapshot().await, Ok(walk(1, 0)));
    assert_eq!((reading(&runtime).await.folded, stored(&store).unwrap()["version"].clone()), (0, 3.into()));
    assert_eq!(runtime.handle().operator().snapshot().await, Ok(walk(0, 0)), "nothing happened since");
    drop(runtime);
    let newer = lab.start(bank_with_snapshots(2, 0), &store, "bank-1");
    assert_eq!(newer.handle().operator().snapshot().await, Ok(walk(1, 0)), "another schema: all of them again");
}
