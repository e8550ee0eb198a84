//! Lists of effects that do not go to their end: what was done is undone, what was not done stays so. The same process
//! in the test kit says the same.

use std::time::Duration;

use bongsu_core::{Aggregate, Ctx, Decider, Effect, Input, Messages, Process, Route, message};
use bongsu_memory::MemoryStore;
use bongsu_runtime::{
    Service,
    ports::store::{Commit, CommitId, NewEvent, Store as _, Verdict},
};
use serde_json::json;

use crate::world::{Lab, ask};

macro_rules! declare {
    ($name:ident, $wire:literal, { $($field:ident: $ty:ty),* }) => {
        #[message($wire, version = 1)]
        struct $name { $($field: $ty),* }
    };
}

declare!(Order, "van.order", { way: String });
declare!(Hurry, "van.hurry", {});
declare!(Ordered, "van.ordered", { way: String });
declare!(Hurried, "van.hurried", {});
declare!(Load, "van.load", { item: String });
declare!(Unload, "van.unload", { item: String });
declare!(Loaded, "van.loaded", { item: String });
declare!(Unloaded, "van.unloaded", { item: String });
declare!(NoRoom, "van.no-room", {});
#[derive(Clone, Debug, PartialEq, Messages)]
enum Command {
    Order(Order),
    Hurry(Hurry),
    Load(Load),
    Unload(Unload),
}
#[derive(Clone, Debug, PartialEq, Messages)]
enum Event {
    Ordered(Ordered),
    Hurried(Hurried),
    Loaded(Loaded),
    Unloaded(Unloaded),
}
#[derive(Clone, Debug, PartialEq, Messages)]
enum Heard {
    Ordered(Ordered),
    Hurried(Hurried),
}
#[derive(Clone, Debug, PartialEq, Messages)]
enum Move {
    Load(Load),
    Unload(Unload),
}

/// What was loaded (`+`) and unloaded (`-`). There is no room for a bed, and nothing is unloaded that is not there.
struct Van;

/// Loads in the way it was ordered to.
struct Loading;

impl Aggregate for Van {
    const NAME: &'static str = "van";
    type Event = Event;
    type State = Vec<String>;

    fn evolve(log: &mut Vec<String>, event: &Event) {
        match event {
            Event::Loaded(Loaded { item }) => log.push(format!("+{item}")),
            Event::Unloaded(Unloaded { item }) => log.push(format!("-{item}")),
            Event::Ordered(_) | Event::Hurried(_) => {}
        }
    }
}

impl Decider for Van {
    type Command = Command;
    type Rejection = NoRoom;

    fn target(&self, _: &Command, _: &Ctx) -> String {
        "v".into()
    }

    fn decide(&self, log: &Vec<String>, command: Command, _: &Ctx) -> Result<Vec<Event>, NoRoom> {
        let count = |what: String| log.iter().filter(|entry| **entry == what).count();
        Ok(vec![match command {
            Command::Order(Order { way }) => Ordered { way }.into(),
            Command::Hurry(_) => Hurried {}.into(),
            Command::Load(Load { item }) if item == "bed" => return Err(NoRoom {}),
            Command::Load(Load { item }) => Loaded { item }.into(),
            Command::Unload(Unload { item }) if count(format!("+{item}")) == count(format!("-{item}")) => {
                return Err(NoRoom {});
            }
            Command::Unload(Unload { item }) => Unloaded { item }.into(),
        }])
    }
}

fn load(item: &str) -> Effect<Move> {
    let item = item.to_owned();
    Effect::SendUndo { run: Load { item: item.clone() }.into(), undo: Unload { item }.into() }
}

impl Process for Loading {
    const NAME: &'static str = "loading";
    type Heard = Heard;
    type State = String;
    type Command = Move;

    fn route(&self, _: &Heard) -> Route {
        Route::Start("v".into())
    }

    fn evolve(way: &mut String, input: &Input<'_, Heard>) {
        if let Input::Heard(Heard::Ordered(ordered)) = input {
            way.clone_from(&ordered.way);
        }
    }

    fn react(&self, way: &String, input: &Input<'_, Heard>, ctx: &Ctx) -> Vec<Effect<Move>> {
        let late = || Effect::Wake { name: "late", at_ms: ctx.now_ms + 1_000 };
        match (input, way.as_str()) {
            (Input::Heard(Heard::Ordered(_)), "one list") => vec![late(), load("lamp"), Effect::Unwind],
            (Input::Heard(Heard::Ordered(_)), "done early") => vec![late(), load("lamp"), Effect::Done, load("chair")],
            (Input::Heard(Heard::Ordered(_)), _) => vec![late(), load("lamp"), load("bed"), load("chair")],
            (Input::Refused { .. }, "unwind") => vec![Effect::Unwind],
            (Input::Refused { .. }, "done") => vec![Effect::Done],
            (Input::Refused { .. }, "instead") => vec![load("mat")],
            (Input::Heard(Heard::Hurried(_)), _) => vec![Effect::Unwind],
            (Input::Woke { .. } | Input::Refused { .. }, _) => vec![],
        }
    }
}

fn vans() -> Service {
    Service::new("vans").decider(Van, |_, _, _| None).process(Loading)
}

/// What the van did, the order and then a hurry, in the runtime; and the timers left.
async fn done(store: &MemoryStore, way: &str) -> (Vec<String>, usize) {
    let lab = Lab::new(0);
    let vans = lab.start(vans(), store, "vans-1");
    if !way.is_empty() {
        ask(&vans.handle(), Command::from(Order { way: way.into() }), &lab.call(None)).await.unwrap();
    }
    let timers = store.docs_of("todo").len();
    ask(&vans.handle(), Command::from(Hurry {}), &lab.call(None)).await.unwrap();
    let log = vans.handle().load::<Van>("v").await.unwrap().0;
    vans.stop().await;
    // Another instance believes nothing, and folds what is written down.
    let again = lab.start(self::vans(), store, "vans-2");
    ask(&again.handle(), Command::from(Hurry {}), &lab.call(None)).await.unwrap();
    assert_eq!(again.handle().load::<Van>("v").await.unwrap().0, log, "nothing is left to be undone");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(store.docs_of("todo").len(), 0);
    (log, timers)
}

/// The same in the test kit, which knows of refusals what it is told.
fn shown(way: &str) -> Vec<String> {
    let ordered = bongsu_given::process(&Loading).hears(Ordered { way: way.into() });
    let running = if way == "one list" || way == "done early" { ordered } else { ordered.refused_nth(1, &NoRoom {}) };
    let sent = running.hears(Hurried {}).end().sent.clone();
    let words = |sent: Move| match sent {
        Move::Load(Load { item }) => format!("+{item}"),
        Move::Unload(Unload { item }) => format!("-{item}"),
    };
    sent.into_iter().map(words).filter(|word| word != "+bed").collect()
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_the_refused_step_is_not_sent_when_the_answer_ends_the_process() {
    let (log, timers) = done(&MemoryStore::new(), "unwind").await;
    assert_eq!((log, timers), (vec!["+lamp".to_owned(), "-lamp".into()], 0));
    let (log, timers) = done(&MemoryStore::new(), "done").await;
    assert_eq!((log, timers), (vec!["+lamp".to_owned(), "-lamp".into()], 0), "a late unwind undoes what was done");
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_refusal_comes_before_what_is_left_of_the_list() {
    let (log, _) = done(&MemoryStore::new(), "instead").await;
    assert_eq!(log, ["+lamp", "+mat", "+chair", "-chair", "-mat", "-lamp"]);
}

#[tokio::test(start_paused = true)]
async fn unwind_undoes_what_its_own_list_did() {
    let (log, timers) = done(&MemoryStore::new(), "one list").await;
    assert_eq!((log, timers), (vec!["+lamp".to_owned(), "-lamp".into()], 0));
}

#[tokio::test(start_paused = true)]
async fn done_ends_its_list_and_clears_the_timers() {
    let (log, timers) = done(&MemoryStore::new(), "done early").await;
    assert_eq!((log, timers), (vec!["+lamp".to_owned(), "-lamp".into()], 0));
}

#[tokio::test(start_paused = true)]
async fn the_test_kit_shows_what_the_runtime_does() {
    for way in ["unwind", "done", "instead", "one list", "done early"] {
        assert_eq!(shown(way), done(&MemoryStore::new(), way).await.0, "{way}");
    }
}

/// An event as an older build wrote it.
fn old_event(stream: &str, version: u64, name: &'static str, data: &serde_json::Value) -> NewEvent {
    let data = serde_json::to_vec(data).unwrap().into();
    let (meta, facts) = (bytes::Bytes::new(), Vec::new());
    NewEvent { stream: stream.into(), version, name, schema: 1, data, meta, facts }
}

/// Steps as they were written before lists ended with their process: every load was carried out, the bed refused, and
/// the process was done in the midst.
#[tokio::test(start_paused = true)]
async fn steps_written_by_an_older_build_mean_what_they_meant() {
    let store = MemoryStore::new();
    let written = |name: &str, data: serde_json::Value| json!({ "name": name, "schema": 1, "data": data });
    let item = |item: &str| json!({ "item": item });
    let load = |what: &str| {
        let (run, undo) = (written("van.load", item(what)), written("van.unload", item(what)));
        json!({ "send-undo": { "run": run, "undo": undo } })
    };
    let ordered = json!({ "way": "done" });
    let loading = json!({ "input": { "heard": written("van.ordered", ordered.clone()) },
        "effects": [{ "wake": { "name": "late", "at_ms": 1 } }, load("lamp"), load("bed"), load("chair")] });
    let refused = json!({ "effect": { "input": 1, "ordinal": 2 }, "rejection": written("van.no-room", json!({})) });
    let done_then = json!({ "input": { "refused": refused }, "effects": ["done"] });
    let mut commit = Commit::new(CommitId(9));
    commit.events = vec![
        old_event("van/v", 1, "van.ordered", &ordered),
        old_event("van/v", 2, "van.loaded", &item("lamp")),
        old_event("van/v", 3, "van.loaded", &item("chair")),
        old_event("loading/v", 1, "bongsu.process-step", &loading),
        old_event("loading/v", 2, "bongsu.process-step", &done_then),
    ];
    assert_eq!(store.commit(commit).await, Ok(Verdict::Done));
    let (log, _) = done(&store, "").await;
    assert_eq!(log, ["+lamp", "+chair", "-chair", "-lamp"], "what was loaded is unloaded");
}
