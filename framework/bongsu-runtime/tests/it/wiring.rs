//! Maps that cannot work are refused at start, each with one line that names what is wrong.

use bongsu_core::{
    Aggregate, Changes, Ctx, Decider, Decision, Effect, Input, Messages, Metadata, Process, Projection, Public, Route,
    StreamRef, View, message,
};
use bongsu_memory::MemoryStore;
use bongsu_runtime::{Activity, Attempt, CommandError, Firing, Missed, Reply, Service, Unavailable, daily};

use crate::{
    bank::{Movements, bank, ledger},
    world::{Lab, ask},
};

macro_rules! declare {
    ($name:ident, $wire:literal, { $($field:ident: $ty:ty),* }) => {
        #[message($wire, version = 1)]
        struct $name { $($field: $ty),* }
    };
}

declare!(Rung, "bell.rung", {});
declare!(Ring, "bell.ring", {});
declare!(Mute, "bell.mute", {});
declare!(Never, "bell.never", {});
declare!(Struck, "tower.struck", {});

#[message("bell.ring", version = 2, from = Ring)]
struct RingLouder {}

impl From<Ring> for RingLouder {
    fn from(_: Ring) -> Self {
        RingLouder {}
    }
}

#[derive(Clone, Debug, PartialEq, Messages)]
enum Heard {
    Rung(Rung),
    Struck(Struck),
}

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

fn ring(_: &Struck, _: &Ctx) -> Vec<Ring> {
    vec![]
}

fn mute(_: &Struck, _: &Ctx) -> Vec<Mute> {
    vec![]
}

fn ring_louder(_: &Struck, _: &Ctx) -> Vec<RingLouder> {
    vec![]
}

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

    async fn run(&self, _: Struck, _: &Attempt<'_>) -> Result<Ring, Unavailable> {
        Ok(Ring {})
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

fn bells() -> Service {
    Service::new("bells").decider(Bell, |_, _, ()| None)
}

fn wrong(service: &Service) -> String {
    wrong_in("bells", service)
}

fn wrong_in(context: &str, service: &Service) -> String {
    let line = service.check().expect_err("it is wired wrong").to_string();
    assert!(!line.contains('\n'), "{line}");
    line.strip_prefix(&format!("the map of {context} is wired wrong: ")).expect("it says whose map").to_owned()
}

#[test]
fn what_is_wired_right_is_not_refused() {
    for service in [
        bank(),
        ledger(),
        bells().policy("ring-when-struck", ring).process(Tower),
        Service::new("bells").aggregate::<Bell>().decision(RingByDecision).process(Tower),
    ] {
        assert_eq!(service.check(), Ok(()));
    }
}

#[test]
fn a_name_is_given_once() {
    assert_eq!(
        wrong(&bells().policy("ring-when-struck", ring).policy("ring-when-struck", ring)),
        "ring-when-struck is the name of two things: policy, policy"
    );
    assert_eq!(wrong(&bells().policy("bell", ring)), "bell is the name of two things: aggregate, policy");
    assert_eq!(
        wrong(&bells().tells::<Bell, _>(|_, _, ()| None)),
        "bell is the name of two things: aggregate, aggregate"
    );
    assert_eq!(wrong(&bells().decision(RingByDecision)), "the command bell.ring has two owners");
    assert_eq!(
        wrong(&bells().projection::<Movements>().projection::<Movements>()),
        "movements@1 is the name of two things: projection, projection"
    );
    assert_eq!(
        wrong(&bells().policy("operator", ring)),
        "the policy operator has a name that the runtime keeps for itself"
    );
}

/// An aggregate, a process, a projection, an activity and a decision under a name.
macro_rules! named {
    ($module:ident, $name:expr) => {
        mod $module {
            use super::*;

            pub(super) struct Thing;

            impl Aggregate for Thing {
                const NAME: &'static str = $name;
                type Event = Struck;
                type State = ();

                fn evolve((): &mut (), _: &Struck) {}
            }

            impl Process for Thing {
                const NAME: &'static str = $name;
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

            impl Projection for Thing {
                const NAME: &'static str = $name;
                const VERSION: u32 = 1;
                type Event = Struck;
                type Row = u32;

                fn keys(_: &Struck) -> Vec<String> {
                    Vec::new()
                }

                fn fold(_: &str, row: Option<u32>, _: &Struck, _: &Metadata) -> Option<u32> {
                    row
                }
            }

            impl Activity for Thing {
                const NAME: &'static str = $name;
                type Event = Rung;
                type Command = Ring;

                async fn run(&self, _: Rung, _: &Attempt<'_>) -> Result<Ring, Unavailable> {
                    Ok(Ring {})
                }
            }

            impl Decision for Thing {
                const NAME: &'static str = $name;
                type Command = Mute;
                type Rejection = Never;

                fn reads(&self, _: &Mute, _: &View, _: &Ctx) -> Vec<StreamRef> {
                    Vec::new()
                }

                fn decide(&self, _: &View, _: Mute, _: &Ctx) -> Result<Changes, Never> {
                    Ok(Changes::new())
                }
            }

            /// What is wrong with a map that has it, by what it is in it.
            pub(super) fn wrong_names() -> Vec<(&'static str, String)> {
                let clock = |_: &Firing, _: &Ctx| Vec::<Ring>::new();
                vec![
                    ("aggregate", wrong(&bells().aggregate::<Thing>())),
                    ("process", wrong(&bells().process(Thing))),
                    ("projection", wrong(&bells().projection::<Thing>())),
                    ("activity", wrong(&bells().activity(Thing))),
                    ("decision", wrong(&bells().decision(Thing))),
                    ("policy", wrong(&bells().policy($name, ring))),
                    ("clock", wrong(&bells().at($name, daily("00:00", "UTC"), Missed::Skipped, clock))),
                ]
            }
        }
    };
}

/// One byte more than a name may have.
const LONG: &str =
    "a-name-that-is-longer-than-a-name-may-be-a-name-that-is-longer-than-a-name-may-be-a-name-that-is-long";

named!(empty, "");
named!(blank, " ");
named!(blanks, "ring when");
named!(slash, "ring/when");
named!(nul, "ring\0when");
named!(line, "ring\nwhen");
named!(at, "ring@1");
named!(long, LONG);

#[test]
fn a_name_is_one_whatever_it_names() {
    assert_eq!(LONG.len(), 101);
    let more = "has more in it than letters, digits, -, _ and .";
    for (found, shown, why) in [
        (empty::wrong_names(), "\"\"", "is empty"),
        (blank::wrong_names(), "\" \"", more),
        (blanks::wrong_names(), "\"ring when\"", more),
        (slash::wrong_names(), "\"ring/when\"", more),
        (nul::wrong_names(), "\"ring\\0when\"", more),
        (line::wrong_names(), "\"ring\\nwhen\"", more),
        (at::wrong_names(), "\"ring@1\"", more),
        (long::wrong_names(), "\"a-name-that-is-longer-than-a-name-may-be\"…", "is over 100 bytes"),
    ] {
        for (what, line) in found {
            assert_eq!(line, format!("the name {shown} of a {what} {why}"));
        }
    }
    let clock = |_: &Firing, _: &Ctx| Vec::<Ring>::new();
    assert_eq!(
        wrong(&bells().at("bongsu.ring", daily("00:00", "UTC"), Missed::Skipped, clock)),
        "the clock bongsu.ring has a name that the runtime keeps for itself"
    );
    let names_of_today = bells().policy("종을-친다_1.b", ring);
    assert_eq!(names_of_today.check(), Ok(()));
}

#[test]
fn a_context_is_named_as_a_topic() {
    for name in ["", " ", "bell tower", "bell/tower", "bell\ntower", "bell.tower", "종", "bells@1", ".", LONG] {
        let service = Service::new(name).aggregate::<Bell>();
        let line = service.check().expect_err("it is no name").to_string();
        assert!(line.contains(" of a context "), "{line}");
        assert!(!line.contains('\n'), "{line}");
    }
}

#[message(
    "a-name-that-is-longer-than-a-name-may.be-a-name-that-is-longer-than-a-name-may-be-a-name-that-is-long",
    version = 1
)]
struct LongRung {}

#[test]
fn a_message_is_named_so_that_a_store_takes_it() {
    let line = wrong(&bells().policy("ring-when-long", |_: &LongRung, _: &Ctx| Vec::<Ring>::new()));
    assert_eq!(line, "the name \"a-name-that-is-longer-than-a-name-may.be\"… of a message is over 100 bytes");
}

#[test]
fn what_is_private_is_not_heard_as_a_fact() {
    let ring = |_: &Rung, _: &Ctx| Vec::<Ring>::new();
    assert_eq!(
        wrong(&bells().policy("ring-when-rung", ring)),
        "ring-when-rung hears bell.rung.v1, which is a private event here: nobody tells it to anybody"
    );
    assert_eq!(
        wrong(&Service::new("bells").policy("ring-when-rung", ring).decider(Bell, |_, _, ()| None)),
        "ring-when-rung hears bell.rung.v1, which is a private event here: nobody tells it to anybody",
        "wherever the aggregate stands"
    );
    let told_by_that_name = Service::new("bell").decider(Bell, |id, event, ()| Some(Public::new(id, event)));
    assert_eq!(told_by_that_name.policy("ring-when-rung", ring).check(), Ok(()), "a fact of this context may have it");
}

struct Chime;

impl Aggregate for Chime {
    const NAME: &'static str = "chime";
    type Event = Rung;
    type State = ();

    fn evolve((): &mut (), _: &Rung) {}
}

#[test]
fn an_event_is_of_one_aggregate() {
    assert_eq!(wrong(&bells().aggregate::<Chime>()), "two aggregates append bell.rung.v1");
}

#[test]
fn a_command_that_is_sent_has_a_taker_that_reads_it() {
    assert_eq!(
        wrong(&bells().policy("mute-when-struck", mute)),
        "the policy mute-when-struck sends bell.mute.v1, which no decider takes"
    );
    assert_eq!(
        wrong(&bells().policy("ring-louder", ring_louder)),
        "the policy ring-louder sends bell.ring.v2, but its decider takes only bell.ring.v1"
    );
    let tower = Service::new("bells").aggregate::<Bell>().process(Tower);
    assert_eq!(wrong(&tower), "the process tower sends bell.ring.v1, which no decider takes");
    let polish = Service::new("bells").activity(Polish);
    assert_eq!(wrong(&polish), "the activity polish sends bell.ring.v1, which no decider takes");
}

#[test]
fn an_own_event_that_is_listened_to_is_appended_by_somebody() {
    let taker = Service::new("tower").decider(Bell, |_, _, ()| None).process(Tower);
    assert_eq!(
        wrong_in("tower", &taker),
        "the process tower listens to tower.struck.v1, which no aggregate of tower appends (one that only decisions or \
         scripts change is named by Service::aggregate)"
    );
    assert!(
        wrong(&bells().activity(Polish))
            .starts_with("the activity polish listens to tower.struck.v1, which no aggregate")
    );
}

#[test]
fn what_a_process_hears_is_its_type_and_what_its_context_appends_is_its_own() {
    let arrow = |fact: &str| (fact.to_owned(), "tower");
    assert_eq!(bells().process(Tower).hears(), [arrow("tower.struck.v1")], "bell.rung is its own");
    let late = Service::new("bells").process(Tower).decider(Bell, |_, _, ()| None);
    assert_eq!(late.hears(), [arrow("bell.rung.v1"), arrow("tower.struck.v1")]);
    assert_eq!(
        wrong(&late),
        "the process tower stands above the aggregate that appends bell.rung.v1: aggregates are declared first"
    );
}

#[test]
fn another_stands_in_only_for_what_is_there() {
    let ringing = || bells().policy("ring-when-struck", ring);
    assert_eq!(ringing().policy_instead("ring-when-struck", ring).check(), Ok(()));
    assert_eq!(
        wrong(&ringing().policy_instead("ring-when-hit", ring)),
        "it has no policy ring-when-hit that another could stand in for"
    );
    assert_eq!(ringing().decision_instead(RingByDecision).check(), Ok(()));
    assert_eq!(
        wrong(&bells().decider_instead(Keyed)),
        "nothing takes [(\"chime.ring\", 1)] that another could stand in for"
    );
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "the map of bells is wired wrong: the policy mute-when-struck sends bell.mute.v1")]
async fn a_map_that_is_wired_wrong_does_not_start() {
    Lab::new(0).start(bells().policy("mute-when-struck", mute), &MemoryStore::new(), "bells-1");
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

declare!(RingUnder, "chime.ring", { key: String });
declare!(RungUnder, "chime.rung", { key: String });
declare!(ChimeRung, "bells.chime-rung", {});

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
