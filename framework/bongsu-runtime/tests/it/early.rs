//! Inputs that come before their process starts: however many they are, the start is one start.

use bongsu_core::{Aggregate, Ctx, Decider, Effect, Input, Messages, Process, Route, message};
use bongsu_memory::MemoryStore;
use bongsu_runtime::{
    Deed, Runtime, Service,
    ports::store::{Commit, CommitId, DocBody, DocKey, DocWrite, Store as _, Verdict},
};
use serde_json::json;

use crate::world::{Lab, ask, until};

macro_rules! declare {
    ($name:ident, $wire:literal, { $($field:ident: $ty:ty),* }) => {
        #[message($wire, version = 1)]
        struct $name { $($field: $ty),* }
    };
}

declare!(Open, "desk.open", {});
declare!(Note, "desk.note", { n: u32 });
declare!(Count, "desk.count", { n: u32 });
declare!(Opened, "desk.opened", {});
declare!(Noted, "desk.noted", { n: u32 });
declare!(Counted, "desk.counted", { n: u32 });
declare!(Never, "desk.never", {});
#[derive(Clone, Debug, PartialEq, Messages)]
enum Command {
    Open(Open),
    Note(Note),
    Count(Count),
}
#[derive(Clone, Debug, PartialEq, Messages)]
enum Event {
    Opened(Opened),
    Noted(Noted),
    Counted(Counted),
}
#[derive(Clone, Debug, PartialEq, Messages)]
enum Heard {
    Opened(Opened),
    Noted(Noted),
}

struct Desk;
/// Counts what was noted once the desk is open. It trips over 13.
struct Counting;

impl Aggregate for Desk {
    const NAME: &'static str = "desk";
    type Event = Event;
    type State = Vec<u32>;

    fn evolve(counted: &mut Vec<u32>, event: &Event) {
        if let Event::Counted(Counted { n }) = event {
            counted.push(*n);
        }
    }
}

impl Decider for Desk {
    type Command = Command;
    type Rejection = Never;

    fn target(&self, _: &Command, _: &Ctx) -> String {
        "d".into()
    }

    fn decide(&self, _: &Vec<u32>, command: Command, _: &Ctx) -> Result<Vec<Event>, Never> {
        Ok(vec![match command {
            Command::Open(_) => Opened {}.into(),
            Command::Note(Note { n }) => Noted { n }.into(),
            Command::Count(Count { n }) => Counted { n }.into(),
        }])
    }
}

impl Process for Counting {
    const NAME: &'static str = "counting";
    type Heard = Heard;
    type State = ();
    type Command = Count;

    fn route(&self, heard: &Heard) -> Route {
        match heard {
            Heard::Opened(_) => Route::Start("d".into()),
            Heard::Noted(_) => Route::Continue("d".into()),
        }
    }

    fn evolve((): &mut (), _: &Input<'_, Heard>) {}

    fn react(&self, (): &(), input: &Input<'_, Heard>, _: &Ctx) -> Vec<Effect<Count>> {
        match input {
            Input::Heard(Heard::Noted(Noted { n })) => {
                assert!(*n != 13, "superstitious");
                vec![Effect::Send(Count { n: *n })]
            }
            _ => vec![],
        }
    }
}

fn desk() -> Service {
    Service::new("desks").decider(Desk, |_, _, _| None).process(Counting)
}

async fn tell(lab: &Lab, desk: &Runtime, command: impl Into<Command>) {
    let answer = ask(&desk.handle(), command.into(), &lab.call(None)).await.unwrap();
    assert_eq!(answer.reply.status, 200);
}

async fn counted(desk: &Runtime) -> Vec<u32> {
    desk.handle().load::<Desk>("d").await.unwrap().0
}

#[tokio::test(start_paused = true)]
async fn a_process_starts_however_many_inputs_wait_and_takes_them_in_their_order() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let desk = lab.start(desk(), &store, "desk-1");
    for n in 100..200 {
        tell(&lab, &desk, Note { n }).await;
    }
    assert_eq!(counted(&desk).await, [0; 0]);
    tell(&lab, &desk, Open {}).await;
    // These come while the others are caught up with.
    for n in 200..210 {
        tell(&lab, &desk, Note { n }).await;
    }
    until("all are counted", async || counted(&desk).await.len() == 110).await;
    assert_eq!(counted(&desk).await, (100..210).collect::<Vec<_>>());
    until("nothing is left", async || store.docs_of("todo").is_empty() && store.docs_of("waiting").is_empty()).await;
    tell(&lab, &desk, Note { n: 300 }).await;
    assert_eq!(counted(&desk).await.last(), Some(&300), "heard in the Commit that appends it, again");
}

#[tokio::test(start_paused = true)]
async fn inputs_an_earlier_release_kept_are_taken_first() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let ctx = json!({ "now_ms": 1, "command_id": "0000000000000000000000000000000a", "actor": "ann",
        "correlation": "c", "causation": "c", "traceparent": null });
    let inputs: Vec<_> =
        (0..5).map(|n| json!([{ "name": "desk.noted", "schema": 1, "data": { "n": n } }, ctx])).collect();
    let todo = json!({ "work": { "waiting": { "process": "counting", "key": "d", "inputs": inputs } },
        "attempts": 0, "due_ms": i64::MAX, "parked": false, "since_ms": 1 });
    let body = DocBody { data: serde_json::to_vec(&todo).unwrap().into(), index: Vec::new() };
    let mut commit = Commit::new(CommitId(7));
    commit.docs.push(DocWrite { key: DocKey::new("todo", "wait/counting/d"), put: Some(body) });
    assert_eq!(store.commit(commit).await, Ok(Verdict::Done));
    let desk = lab.start(desk(), &store, "desk-1");
    tell(&lab, &desk, Note { n: 5 }).await;
    tell(&lab, &desk, Open {}).await;
    until("all are counted", async || counted(&desk).await.len() == 6).await;
    assert_eq!(counted(&desk).await, [0, 1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn an_input_that_fails_is_parked_with_those_behind_it_and_can_be_evicted() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let desk = lab.start(desk(), &store, "desk-1");
    for n in 10..20 {
        tell(&lab, &desk, Note { n }).await;
    }
    tell(&lab, &desk, Open {}).await;
    until("it is parked", async || !desk.handle().operator().parked().await.unwrap().is_empty()).await;
    let parked = desk.handle().operator().parked().await.unwrap().remove(0);
    assert_eq!((parked.kind, parked.whose.as_str(), parked.key.as_str()), ("waiting", "counting", "d"));
    assert_eq!((parked.waiting, counted(&desk).await), (7, vec![10, 11, 12]), "what came before it was taken");
    assert!(parked.error.contains("superstitious"), "{}", parked.error);
    let deed = Deed::new("olga", Some("thirteen")).unwrap();
    assert!(desk.handle().operator().evict(&parked.id, &deed).await.unwrap());
    until("the rest is counted", async || counted(&desk).await.len() == 9).await;
    assert_eq!(counted(&desk).await, [10, 11, 12, 14, 15, 16, 17, 18, 19]);
    assert!(store.docs_of("todo").is_empty() && store.docs_of("waiting").is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_input_that_finds_its_list_full_is_parked_and_nothing_stops() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let desk = lab.start(desk(), &store, "desk-1");
    for n in 1_000..2_001 {
        tell(&lab, &desk, Note { n }).await;
    }
    let parked = desk.handle().operator().parked().await.unwrap();
    assert_eq!((parked.len(), parked[0].kind, parked[0].what.as_str()), (1, "waiting", "desk.noted.v1"));
    assert_eq!(parked[0].error, "1000 inputs wait for counting d to start");
    tell(&lab, &desk, Open {}).await;
    until("those that waited are counted", async || counted(&desk).await.len() == 1_000).await;
    let deed = Deed::new("olga", None).unwrap();
    assert!(desk.handle().operator().unpark(&parked[0].id, &deed).await.unwrap());
    until("so is the last", async || counted(&desk).await.last() == Some(&2_000)).await;
    assert!(desk.handle().operator().parked().await.unwrap().is_empty() && store.docs_of("todo").is_empty());
}
