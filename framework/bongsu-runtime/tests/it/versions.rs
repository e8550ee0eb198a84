//! One event told in several facts: in two versions of one fact, so that builds of before and after a change hear it once
//! each, and in facts of different names, which are heard side by side.

use bongsu_core::{
    Aggregate, Changes, Ctx, Decider, Decision, Messages, Metadata, Projection, Public, StreamRef, View, message,
};
use bongsu_memory::MemoryStore;
use bongsu_runtime::{Runtime, Service};

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
declare!(MetalUsed, "mint.metal-used", { grams: u64 });

#[message("mint.coin-struck", version = 2, from = CoinStruckV1)]
struct CoinStruck {
    cents: u64,
}

impl From<CoinStruckV1> for CoinStruck {
    fn from(old: CoinStruckV1) -> Self {
        CoinStruck { cents: old.value * 100 }
    }
}

#[derive(Clone, Debug, PartialEq, Messages)]
enum Heard {
    CoinStruck(CoinStruck),
    MetalUsed(MetalUsed),
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

/// Strikes a coin that is in no map by itself.
struct StrikeByDecision;

impl Decision for StrikeByDecision {
    const NAME: &'static str = "strike-by-decision";
    type Command = Strike;
    type Rejection = Never;

    fn reads(&self, _: &Strike, _: &View, _: &Ctx) -> Vec<StreamRef> {
        vec![StreamRef::of::<Coin>("c")]
    }

    fn decide(&self, _: &View, command: Strike, _: &Ctx) -> Result<Changes, Never> {
        Ok(Changes::new().append::<Coin>("c", Struck { value: command.value }))
    }
}

fn tell(id: &str, event: &Struck, (): &()) -> Vec<Public> {
    vec![
        Public::new(id, &CoinStruckV1 { value: event.value }),
        Public::new(id, &CoinStruck { cents: event.value * 100 }),
        Public::new(id, &MetalUsed { grams: 7 }),
    ]
}

macro_rules! read_model {
    ($model:ident, $name:literal, $heard:ty, $sum:expr) => {
        struct $model;

        impl Projection for $model {
            const NAME: &'static str = $name;
            const VERSION: u32 = 1;
            type Event = $heard;
            type Row = (u64, u64);

            fn keys(_: &$heard) -> Vec<String> {
                vec!["all".into()]
            }

            fn fold(_: &str, row: Option<(u64, u64)>, event: &$heard, _: &Metadata) -> Option<(u64, u64)> {
                let (count, sum) = row.unwrap_or_default();
                let add: fn(&$heard) -> u64 = $sum;
                Some((count + 1, sum + add(event)))
            }
        }
    };
}

read_model!(Before, "before", CoinStruckV1, |heard| heard.value);
read_model!(After, "after", CoinStruck, |heard| heard.cents);
read_model!(Both, "both", Heard, |heard| match heard {
    Heard::CoinStruck(struck) => struck.cents,
    Heard::MetalUsed(used) => used.grams,
});

async fn row<P: Projection<Row = (u64, u64)>>(reader: &Runtime) -> Option<(u64, u64)> {
    reader.handle().row::<P>("all").await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn builds_of_before_and_after_a_change_hear_an_event_once_each_and_park_nothing() {
    let (lab, minted) = (Lab::new(0), MemoryStore::new());
    let mint = lab.start(Service::new("mint").decider(Coin, tell), &minted, "mint-1");
    let before = lab.start(Service::new("before").projection::<Before>(), &MemoryStore::new(), "before-1");
    let after =
        lab.start(Service::new("after").projection::<After>().projection::<Both>(), &MemoryStore::new(), "after-1");
    for value in 1..=4 {
        ask(&mint.handle(), Strike { value }, &lab.call(None)).await.unwrap();
    }
    until("the old build heard all", async || row::<Before>(&before).await == Some((4, 10))).await;
    until("the new build heard all", async || row::<After>(&after).await == Some((4, 1_000))).await;
    until("both facts are heard", async || row::<Both>(&after).await == Some((8, 1_028))).await;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert_eq!((row::<Before>(&before).await, row::<After>(&after).await), (Some((4, 10)), Some((4, 1_000))));
    assert_eq!(
        (before.handle().operator().parked().await.unwrap(), after.handle().operator().parked().await.unwrap()),
        (vec![], vec![])
    );
}

#[tokio::test(start_paused = true)]
async fn an_event_has_several_facts_without_snapshots_too() {
    let maps: [fn() -> Service; 2] = [
        || Service::new("mint").decider_without_snapshots(Coin, tell),
        || Service::new("mint").tells_without_snapshots::<Coin, _>(tell).decision(StrikeByDecision),
    ];
    for map in maps {
        let lab = Lab::new(0);
        let minted = MemoryStore::new();
        let mint = lab.start(map(), &minted, "mint-1");
        ask(&mint.handle(), Strike { value: 1 }, &lab.call(None)).await.unwrap();
        let told = bongsu_runtime::ports::store::Store::facts(&minted, bongsu_runtime::ports::store::Position(0), 10);
        assert_eq!(told.await.unwrap().remove(0).facts.len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn the_facts_of_an_event_are_told_apart_and_the_first_is_what_a_single_one_was() {
    let (lab, minted) = (Lab::new(0), MemoryStore::new());
    let mint = lab.start(Service::new("mint").decider(Coin, tell), &minted, "mint-1");
    ask(&mint.handle(), Strike { value: 1 }, &lab.call(None)).await.unwrap();
    let told = bongsu_runtime::ports::store::Store::facts(&minted, bongsu_runtime::ports::store::Position(0), 10);
    let facts = told.await.unwrap().remove(0).facts;
    let id = facts[0].id.clone();
    assert_eq!(
        facts.iter().map(|fact| fact.id.clone()).collect::<Vec<_>>(),
        [id.clone(), format!("{id}.1"), format!("{id}.2")]
    );
    assert!(facts.iter().all(|fact| fact.sequence == 1 && fact.subject == "coin/c"));
    let ordinals: Vec<_> = facts
        .iter()
        .map(|fact| serde_json::from_slice::<serde_json::Value>(&fact.cloudevent).unwrap().get("ordinal").cloned())
        .collect();
    assert_eq!(ordinals, [None, None, Some(1.into())], "versions of one fact have one ordinal, and 0 is not written");
}
