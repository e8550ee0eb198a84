//! Two builds on one store, as in a rolling deployment: what the older one does not know waits for the newer one, which does
//! it in order, once, and without an operator.

use std::{sync::atomic::Ordering, time::Duration};

use bongsu_core::{Aggregate, Ctx, Decider, Messages, Metadata, Projection, Public, message};
use bongsu_memory::MemoryStore;
use bongsu_runtime::{
    Activity, Attempt, CommandError, Deed, Parked, Purpose, Runtime, Service, Unavailable, ports::env::HttpRequest,
};
use serde::{Deserialize, Serialize};

use crate::world::{Lab, ask, until};

macro_rules! declare {
    ($name:ident, $wire:literal, { $($field:ident: $ty:ty),* }) => {
        #[message($wire, version = 1)]
        struct $name { $($field: $ty),* }
    };
}

declare!(Strike, "coin.strike", { value: u64 });
declare!(Struck, "coin.struck", { value: u64 });
declare!(Never, "coin.never", {});
declare!(CoinStruckV1, "mint.coin-struck", { value: u64 });
declare!(Put, "purse.put", { cents: u64 });
declare!(Praise, "purse.praise", { cents: u64 });
declare!(WasPutV1, "purse.was-put", { cents: u64 });
declare!(Praised, "purse.praised", { cents: u64 });
declare!(Polished, "purse.polished", { cents: u64 });

#[message("mint.coin-struck", version = 2, from = CoinStruckV1)]
struct CoinStruck {
    cents: u64,
}

impl From<CoinStruckV1> for CoinStruck {
    fn from(old: CoinStruckV1) -> Self {
        CoinStruck { cents: old.value * 100 }
    }
}

#[message("purse.was-put", version = 2, from = WasPutV1)]
struct WasPut {
    cents: u64,
    shiny: bool,
}

impl From<WasPutV1> for WasPut {
    fn from(old: WasPutV1) -> Self {
        WasPut { cents: old.cents, shiny: false }
    }
}

#[derive(Clone, Debug, PartialEq, Messages)]
enum Asked {
    Put(Put),
    Praise(Praise),
}
#[derive(Clone, Debug, PartialEq, Messages)]
enum OldEvent {
    WasPutV1(WasPutV1),
    Praised(Praised),
}
#[derive(Clone, Debug, PartialEq, Messages)]
enum NewEvent {
    WasPut(WasPut),
    Praised(Praised),
    Polished(Polished),
}

struct Coin;

impl Aggregate for Coin {
    const NAME: &'static str = "coin";
    type Event = Struck;
    type State = ();

    fn evolve((): &mut (), _: &Struck) {}
}

impl Decider for Coin {
    type Command = Strike;
    type Rejection = Never;

    fn target(&self, _: &Strike, _: &Ctx) -> String {
        "c".into()
    }

    fn decide(&self, (): &(), command: Strike, _: &Ctx) -> Result<Vec<Struck>, Never> {
        Ok(vec![Struck { value: command.value }])
    }
}

/// A producer that changed at once: it tells the new version only.
fn tell(id: &str, event: &Struck, (): &()) -> Option<Public> {
    Some(Public::new(id, &CoinStruck { cents: event.value * 100 }))
}

/// What is in a purse, in the order it came, and what was praised.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Inside {
    put: Vec<u64>,
    praised: Vec<u64>,
}

/// A purse as one build has it: its events, and an activity that asks the outside about what was put.
macro_rules! purse {
    ($purse:ident, $event:ident, $was_put:ident, $make:expr, $praising:ident) => {
        struct $purse;
        struct $praising;

        impl Aggregate for $purse {
            const NAME: &'static str = "purse";
            type Event = $event;
            type State = Inside;

            fn evolve(inside: &mut Inside, event: &$event) {
                if let $event::$was_put(put) = event {
                    inside.put.push(put.cents);
                }
                if let $event::Praised(praised) = event {
                    inside.praised.push(praised.cents);
                }
            }
        }

        impl Decider for $purse {
            type Command = Asked;
            type Rejection = Never;

            fn target(&self, _: &Asked, _: &Ctx) -> String {
                "p".into()
            }

            fn decide(&self, _: &Inside, command: Asked, _: &Ctx) -> Result<Vec<$event>, Never> {
                let make: fn(u64) -> $event = $make;
                Ok(vec![match command {
                    Asked::Put(put) => make(put.cents),
                    Asked::Praise(praise) => Praised { cents: praise.cents }.into(),
                }])
            }
        }

        impl Activity for $praising {
            const NAME: &'static str = "praising";
            type Event = $was_put;
            type Command = Praise;

            async fn run(&self, event: $was_put, attempt: &Attempt<'_>) -> Result<Praise, Unavailable> {
                let request = HttpRequest {
                    method: "POST",
                    url: "http://praise/".into(),
                    headers: Vec::new(),
                    body: bytes::Bytes::new(),
                    deadline: Duration::from_secs(1),
                };
                let answer = attempt.http.send(request).await.map_err(|error| Unavailable(error.to_string()))?;
                let praise = Praise { cents: event.cents };
                (answer.status == 200).then_some(praise).ok_or_else(|| Unavailable("503".into()))
            }
        }
    };
}

purse!(OldPurse, OldEvent, WasPutV1, |cents| WasPutV1 { cents }.into(), OldPraising);
// The newer one has an event of its own besides: what is put as 0 is polished.
purse!(
    NewPurse,
    NewEvent,
    WasPut,
    |cents| if cents == 0 { Polished { cents }.into() } else { WasPut { cents, shiny: true }.into() },
    NewPraising
);

const PUT: &str = "put-what-is-struck";

fn old_put(fact: &CoinStruckV1, _: &Ctx) -> Vec<Put> {
    vec![Put { cents: fact.value * 100 }]
}

fn new_put(fact: &CoinStruck, _: &Ctx) -> Vec<Put> {
    vec![Put { cents: fact.cents }]
}

fn old_purse() -> Service {
    Service::new("purse").decider(OldPurse, |_, _, _| None).policy(PUT, old_put)
}

fn new_purse() -> Service {
    Service::new("purse").decider(NewPurse, |_, _, _| None).policy(PUT, new_put)
}

async fn parked(runtime: &Runtime) -> Vec<Parked> {
    runtime.handle().operator().parked().await.unwrap()
}

async fn inside(new: &Runtime) -> Inside {
    new.handle().load::<NewPurse>("p").await.unwrap().0
}

async fn put(lab: &Lab, purse: &Runtime, cents: u64) -> Result<(), CommandError> {
    ask(&purse.handle(), Asked::from(Put { cents }), &lab.call(None)).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn facts_newer_than_a_build_are_done_by_the_next_one_in_order_and_once_without_an_operator() {
    let (lab, purses) = (Lab::new(0), MemoryStore::new());
    let mint = lab.start(Service::new("mint").decider(Coin, tell), &MemoryStore::new(), "mint-1");
    let old = lab.start(old_purse(), &purses, "purse-1");
    for value in 1..=3 {
        ask(&mint.handle(), Strike { value }, &lab.call(None)).await.unwrap();
    }
    until("they wait", async || parked(&old).await.first().is_some_and(|it| it.waiting == 3)).await;
    let waits = parked(&old).await.remove(0);
    assert_eq!((waits.newer, waits.attempts), (true, 0), "shown as what it is");
    assert_eq!(waits.error, "mint.coin-struck.v2 is newer than the known v1");
    let written = purses.docs_of("todo");
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(purses.docs_of("todo"), written, "the old build tries it, counts nothing and writes nothing");
    // Both builds run for a while, as in a rolling deployment, and more comes.
    let new = lab.start(new_purse(), &purses, "purse-2");
    for value in 4..=6 {
        ask(&mint.handle(), Strike { value }, &lab.call(None)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    old.stop().await;
    until("everything is put", async || inside(&new).await.put.len() >= 6).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(inside(&new).await.put, [100, 200, 300, 400, 500, 600], "in order, each once");
    assert_eq!(parked(&new).await, []);
    assert_eq!(purses.docs_of("todo"), []);
    assert_eq!(purses.docs_of("queue"), []);
}

#[derive(Clone, Debug, PartialEq, Messages)]
enum OldStrike {
    CoinStruckV1(CoinStruckV1),
}

/// What coins were struck, as an old build reads it.
struct OldCoins;

impl Projection for OldCoins {
    const NAME: &'static str = "coins";
    const VERSION: u32 = 1;
    type Event = OldStrike;
    type Row = u64;

    fn keys(_: &OldStrike) -> Vec<String> {
        vec!["all".into()]
    }

    fn fold(_: &str, row: Option<u64>, OldStrike::CoinStruckV1(coin): &OldStrike, _: &Metadata) -> Option<u64> {
        Some(row.unwrap_or_default() + coin.value)
    }
}

#[tokio::test(start_paused = true)]
async fn a_fact_newer_than_a_build_waits_in_a_rebuild_as_it_does_in_a_lane() {
    let (lab, purses) = (Lab::new(0), MemoryStore::new());
    let mint = lab.start(Service::new("mint").decider(Coin, tell), &MemoryStore::new(), "mint-1");
    let old = lab.start(Service::new("purse").projection::<OldCoins>(), &purses, "purse-1");
    ask(&mint.handle(), Strike { value: 1 }, &lab.call(None)).await.unwrap();
    let waits = async |table: &str| {
        let of_it = |it: &Parked| it.id.contains(table);
        parked(&old).await.into_iter().filter(of_it).map(|it| (it.newer, it.attempts)).next()
    };
    until("it waits", async || waits("coins@1.1").await == Some((true, 0))).await;
    assert_eq!(old.handle().operator().rebuild("coins", Purpose::Rebuild).await, Ok(2));
    until("it waits in the generation that is shown now", async || waits("coins@1.2").await.is_some()).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(waits("coins@1.2").await, Some((true, 0)), "for a newer build, and nothing counts");
}

#[tokio::test(start_paused = true)]
async fn a_build_that_starts_tries_at_once_what_waits_for_it() {
    let (lab, purses) = (Lab::new(0), MemoryStore::new());
    let mint = lab.start(Service::new("mint").decider(Coin, tell), &MemoryStore::new(), "mint-1");
    let old = lab.start(old_purse(), &purses, "purse-1");
    ask(&mint.handle(), Strike { value: 1 }, &lab.call(None)).await.unwrap();
    until("it waits", async || !parked(&old).await.is_empty()).await;
    old.stop().await;
    let (new, started) = (lab.start(new_purse(), &purses, "purse-1"), tokio::time::Instant::now());
    until("it is put", async || inside(&new).await.put == [100]).await;
    assert!(started.elapsed() < Duration::from_secs(3), "it took {:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_command_on_what_a_newer_build_wrote_is_to_be_asked_again_of_another_instance() {
    for (cents, why) in [
        (1, "purse/p@1: purse.was-put.v2 is newer than the known v1"),
        (0, "purse/p@1: purse.polished.v1 is not known to this build"),
    ] {
        let (lab, purses) = (Lab::new(0), MemoryStore::new());
        let new = lab.start(new_purse(), &purses, "purse-2");
        let old = lab.start(old_purse(), &purses, "purse-1");
        put(&lab, &new, cents).await.unwrap();
        assert_eq!(put(&lab, &old, 2).await, Err(CommandError::Unavailable(why.into())));
        put(&lab, &new, 2).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_activity_of_a_newer_build_waits_for_it_and_what_one_brought_is_not_asked_for_again() {
    let (lab, purses) = (Lab::new(1_000), MemoryStore::new());
    let both =
        |service: Service, newer| if newer { service.activity(NewPraising) } else { service.activity(OldPraising) };
    let old = lab.start(both(old_purse(), false), &purses, "purse-1");
    put(&lab, &old, 1).await.unwrap();
    until("the outside is asked", async || lab.outside.asked.load(Ordering::Relaxed) > 2).await;
    // The newer build comes, writes, and is taken back.
    let new = lab.start(both(new_purse(), true), &purses, "purse-2");
    put(&lab, &new, 2).await.unwrap();
    new.stop().await;
    lab.outside.asked.store(1_000, Ordering::Relaxed);
    until("both wait", async || parked(&old).await.iter().filter(|it| it.newer).count() == 2).await;
    assert_eq!(lab.outside.asked.load(Ordering::Relaxed), 1_001, "asked for the event it knows");
    let written = purses.docs_of("todo");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(purses.docs_of("todo"), written);
    old.stop().await;
    let new = lab.start(both(new_purse(), true), &purses, "purse-2");
    until("both are praised", async || inside(&new).await.praised.len() >= 2).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let mut praised = inside(&new).await.praised;
    praised.sort_unstable();
    assert_eq!((praised, lab.outside.asked.load(Ordering::Relaxed)), (vec![1, 2], 1_002));
    assert_eq!(purses.docs_of("todo"), []);
}

#[tokio::test(start_paused = true)]
async fn what_a_build_has_no_name_for_waits_for_one_that_has_or_for_a_person() {
    // Jobs that the newer build left, in the hands of one without the activity.
    let (lab, purses) = (Lab::new(1_000_000), MemoryStore::new());
    let new = lab.start(new_purse().activity(NewPraising), &purses, "purse-1");
    for cents in 1..=2 {
        put(&lab, &new, cents).await.unwrap();
    }
    new.stop().await;
    let old = lab.start(new_purse(), &purses, "purse-1");
    until("they wait", async || parked(&old).await.iter().filter(|it| it.newer).count() == 2).await;
    let why = parked(&old).await.remove(0);
    assert_eq!((why.kind, why.error.as_str()), ("activity", "no activity is called praising"));
    let deed = |reason| Deed::new("olga", reason).unwrap();
    assert!(old.handle().operator().unpark(&why.id, &deed(None)).await.unwrap());
    until("it waits again", async || parked(&old).await.iter().filter(|it| it.newer).count() == 2).await;
    assert!(old.handle().operator().evict(&why.id, &deed(Some("praised by hand"))).await.unwrap());
    old.stop().await;
    lab.outside.asked.store(1_000_000, Ordering::Relaxed);
    let new = lab.start(new_purse().activity(NewPraising), &purses, "purse-1");
    until("the other is praised", async || inside(&new).await.praised.len() == 1).await;
    assert_eq!(parked(&new).await, []);
}
