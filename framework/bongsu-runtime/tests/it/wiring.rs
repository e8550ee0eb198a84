//! Maps that cannot work are refused at start, each with one line that names what is wrong.

use bongsu_core::{
    Aggregate, Changes, Ctx, Decider, Decision, Effect, Input, Policy, Process, Public, Route, StreamRef, View,
    version, wire,
};
use bongsu_runtime::{
    Activity, CommandError, Reply, Service, Unavailable,
    ports::{Fut, env::HttpClient},
};
use bongsu_testing::MemoryStore;
use serde::{Deserialize, Serialize};

use crate::{
    bank::{MOVED, Movements, bank, ledger},
    world::{Lab, ask},
};

macro_rules! message {
    ($name:ident, $wire:literal, { $($field:ident: $ty:ty),* }) => {
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        struct $name { $($field: $ty),* }
        version!($name, $wire, 1);
    };
}

message!(Rung, "bell.rung", {});
message!(Ring, "bell.ring", {});
message!(Mute, "bell.mute", {});
message!(Never, "bell.never", {});
message!(Struck, "tower.struck", {});

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct RingLouder {}
version!(RingLouder, "bell.ring", 2, from Ring, |_| RingLouder {});

wire! { enum Heard { Rung(Rung), Struck(Struck) } }

struct Bell;

impl Aggregate for Bell {
    const NAME: &'static str = "bell";
    type Event = Rung;
    type State = ();

    fn evolve((): &mut (), _: &Rung) {}
}

impl Decider for Bell {
    type Command = Ring;
    type Rejection = Never;

    fn target(&self, _: &Ring, _: &Ctx) -> String {
        "b".into()
    }

    fn decide(&self, (): &(), _: Ring, _: &Ctx) -> Result<Vec<Rung>, Never> {
        Ok(vec![Rung {}])
    }
}

macro_rules! policy {
    ($policy:ident, $name:literal, $fact:ty, $command:ty) => {
        struct $policy;

        impl Policy for $policy {
            const NAME: &'static str = $name;
            type Fact = $fact;
            type Command = $command;

            fn react(&self, _: &$fact, _: &Ctx) -> Vec<$command> {
                vec![]
            }
        }
    };
}

policy!(RingWhenStruck, "ring-when-struck", Struck, Ring);
policy!(RingToo, "ring-when-struck", Struck, Ring);
policy!(MuteWhenStruck, "mute-when-struck", Struck, Mute);
policy!(RingLouderWhenStruck, "ring-louder", Struck, RingLouder);
policy!(CalledBell, "bell", Struck, Ring);
policy!(CalledOperator, "operator", Struck, Ring);
policy!(CalledNothing, "ring/when", Struck, Ring);

struct Tower;

impl Process for Tower {
    const NAME: &'static str = "tower";
    type Heard = Heard;
    type State = ();
    type Command = Ring;

    fn route(&self, _: &Heard) -> Route {
        Route::Ignore
    }

    fn evolve((): &mut (), _: &Input<'_, Heard>) {}

    fn react(&self, (): &(), _: &Input<'_, Heard>, _: &Ctx) -> Vec<Effect<Ring>> {
        vec![Effect::Done]
    }
}

struct Polish;

impl Activity for Polish {
    const NAME: &'static str = "polish";
    type Event = Struck;
    type Command = Ring;

    fn run<'a>(&'a self, _: &'a str, _: Struck, _: &'a dyn HttpClient) -> Fut<'a, Result<Ring, Unavailable>> {
        Box::pin(async { Ok(Ring {}) })
    }
}

/// Rings a bell that is in no map by itself.
struct RingByDecision;

impl Decision for RingByDecision {
    const NAME: &'static str = "ring-by-decision";
    type Command = Ring;
    type Rejection = Never;

    fn reads(&self, _: &Ring, _: &View, _: &Ctx) -> Vec<StreamRef> {
        vec![StreamRef::of::<Bell>("b")]
    }

    fn decide(&self, _: &View, _: Ring, _: &Ctx) -> Result<Changes, Never> {
        Ok(Changes::new().append::<Bell>("b", Rung {}))
    }
}

const STRUCK: &[&str] = &["tower.struck.v1"];

fn bells() -> Service {
    Service::new("bells").decider(Bell, |_, _, ()| None)
}

fn wrong(service: &Service) -> String {
    let line = service.check().expect_err("it is wired wrong").to_string();
    assert!(!line.contains('\n'), "{line}");
    line.strip_prefix("the map of bells is wired wrong: ").expect("it says whose map").to_owned()
}

#[test]
fn what_is_wired_right_is_not_refused() {
    for service in [
        bank(),
        ledger(),
        bells().policy(RingWhenStruck, STRUCK).process(Tower, STRUCK),
        Service::new("bells").aggregate::<Bell>().decision(RingByDecision).process(Tower, STRUCK),
    ] {
        assert_eq!(service.check(), Ok(()));
    }
}

#[test]
fn a_name_is_given_once() {
    assert_eq!(
        wrong(&bells().policy(RingWhenStruck, STRUCK).policy(RingToo, STRUCK)),
        "ring-when-struck is the name of two things: policy, policy"
    );
    assert_eq!(wrong(&bells().policy(CalledBell, STRUCK)), "bell is the name of two things: aggregate, policy");
    assert_eq!(wrong(&bells().facts::<Bell>(|_, _, ()| None)), "bell is the name of two things: aggregate, aggregate");
    assert_eq!(wrong(&bells().decision(RingByDecision)), "the command bell.ring has two owners");
    assert_eq!(
        wrong(&bells().projection::<Movements>(MOVED).projection::<Movements>(MOVED)),
        "movements@1 is the name of two things: projection, projection"
    );
    assert_eq!(
        wrong(&bells().policy(CalledOperator, STRUCK)),
        "the policy operator has a name that the runtime keeps for itself"
    );
    assert_eq!(
        wrong(&bells().policy(CalledNothing, STRUCK)),
        "the name \"ring/when\" of a policy is empty or has a / or NUL in it"
    );
}

#[test]
fn a_command_that_is_sent_has_a_taker_that_reads_it() {
    assert_eq!(
        wrong(&bells().policy(MuteWhenStruck, STRUCK)),
        "the policy mute-when-struck sends bell.mute.v1, which no decider takes"
    );
    assert_eq!(
        wrong(&bells().policy(RingLouderWhenStruck, STRUCK)),
        "the policy ring-louder sends bell.ring.v2, but its decider takes only bell.ring.v1"
    );
    let tower = Service::new("bells").aggregate::<Bell>().process(Tower, STRUCK);
    assert_eq!(wrong(&tower), "the process tower sends bell.ring.v1, which no decider takes");
    let polish = Service::new("bells").activity(Polish);
    assert_eq!(wrong(&polish), "the activity polish sends bell.ring.v1, which no decider takes");
}

#[test]
fn an_own_event_that_is_listened_to_is_appended_by_somebody() {
    let forgotten = bells().process(Tower, &[]);
    assert_eq!(
        wrong(&forgotten),
        "the process tower listens to tower.struck.v1, which is not among the facts it is wired to hear, and which no \
         aggregate of bells appends (one that only decisions or scripts change is named by Service::aggregate)"
    );
    assert!(
        wrong(&bells().activity(Polish)).starts_with("the activity polish listens to tower.struck.v1, which is not")
    );
}

#[test]
fn the_facts_wired_are_the_facts_read() {
    assert_eq!(
        wrong(&bells().policy(RingWhenStruck, &["tower.struck.v2"])),
        "ring-when-struck is wired to hear tower.struck.v2, but reads only tower.struck.v1"
    );
    assert_eq!(
        wrong(&bells().policy(RingWhenStruck, &[])),
        "ring-when-struck reads tower.struck.v1, but is not wired to hear it"
    );
    assert_eq!(
        wrong(&bells().projection::<Movements>(&MOVED[..1])),
        "movements reads bank.money-came.v1, but is not wired to hear it"
    );
    assert_eq!(
        wrong(&bells().process(Tower, &["tower.struck.v1", "tower.struck.v1"])),
        "tower is wired to hear tower.struck.v1 twice"
    );
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "the map of bells is wired wrong: the policy mute-when-struck sends bell.mute.v1")]
async fn a_map_that_is_wired_wrong_does_not_start() {
    Lab::new(0).start(bells().policy(MuteWhenStruck, STRUCK), &MemoryStore::new(), "bells-1");
}

#[tokio::test(start_paused = true)]
async fn a_script_leaves_what_is_the_runtimes_alone() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let bells = lab.start(bells(), &store, "bells-1");
    for table in ["lease", "todo", "once", "movements@1.1"] {
        let work = |script: &mut bongsu_runtime::Script<'_>| {
            script.put(table, "x", &1, Vec::new());
            Ok(Reply { status: 200, headers: Vec::new(), body: bytes::Bytes::new() })
        };
        let why = bells.handle().script(&lab.call(None), &[], &work).await.expect_err("it is refused");
        let CommandError::Corrupt(why) = why else { panic!("{why}") };
        assert_eq!(why, format!("a script may not write to {table}: the runtime keeps it"));
    }
}

/// Tells of each ring under the key the bell was rung with.
struct Keyed;

message!(RingUnder, "chime.ring", { key: String });
message!(RungUnder, "chime.rung", { key: String });
message!(ChimeRung, "bells.chime-rung", {});

impl Aggregate for Keyed {
    const NAME: &'static str = "chime";
    type Event = RungUnder;
    type State = u32;

    fn evolve(count: &mut u32, _: &RungUnder) {
        *count += 1;
    }
}

impl Decider for Keyed {
    type Command = RingUnder;
    type Rejection = Never;

    fn target(&self, _: &RingUnder, _: &Ctx) -> String {
        "c".into()
    }

    fn decide(&self, _: &u32, command: RingUnder, _: &Ctx) -> Result<Vec<RungUnder>, Never> {
        Ok(vec![RungUnder { key: command.key }])
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_tells_its_facts_under_one_key() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let map = || Service::new("bells").decider(Keyed, |_, event, _| Some(Public::new(&*event.key, &ChimeRung {})));
    let chimes = lab.start(map(), &store, "bells-1");
    for _ in 0..2 {
        ask(&chimes.handle(), RingUnder { key: "order-1".into() }, &lab.call(None)).await.unwrap();
    }
    chimes.stop().await;
    // Another instance knows it, too.
    let chimes = lab.start(map(), &store, "bells-2");
    let other = ask(&chimes.handle(), RingUnder { key: "ann".into() }, &lab.call(None)).await;
    assert_eq!(
        other,
        Err(CommandError::Corrupt(
            "chime/c tells its facts under the key order-1, and this one under ann: a stream has one key".into()
        ))
    );
    assert_eq!(chimes.handle().load::<Keyed>("c").await.unwrap().0, 2, "nothing was written");
    ask(&chimes.handle(), RingUnder { key: "order-1".into() }, &lab.call(None)).await.unwrap();
}
