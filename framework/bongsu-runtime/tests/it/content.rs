//! What can never be stored parks its key, wherever it is met: the partition moves on, and the thing is listed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bongsu_core::{Aggregate, Ctx, Decider, Effect, Input, Metadata, Process, Projection, Route, message};
use bongsu_memory::MemoryStore;
use bongsu_runtime::{
    Activity, Attempt, CommandError, Deed, Operator, Runtime, Service, Unavailable,
    ports::{
        broker::{Broker as _, MAX_CLOUDEVENT, Out, Producer, Topic, partition_of},
        env::Env as _,
        store::{Commit, CommitId, DocBody, DocKey, DocWrite, Store as _},
    },
};
use bytes::Bytes;
use serde_json::json;

use crate::world::{Lab, ask, until};

/// What a fact asks of its hearers: an amount of something in a place.
#[message("src.said", version = 1)]
struct Said {
    place: String,
    amount: usize,
}

#[message("shelf.keep", version = 1)]
struct Keep {
    place: String,
    amount: usize,
}

#[message("shelf.kept", version = 1)]
struct Kept {
    place: String,
    text: String,
}

#[message("shelf.full", version = 1)]
struct Full {}

/// So much is said to a fact to have its hearer make what is over a mebibyte.
const MUCH: usize = 2 << 20;

struct Shelf;

impl Aggregate for Shelf {
    const NAME: &'static str = "shelf";
    type Event = Kept;
    type State = usize;

    fn evolve(state: &mut usize, _: &Kept) {
        *state += 1;
    }
}

impl Decider for Shelf {
    type Command = Keep;
    type Rejection = Full;

    fn target(&self, command: &Keep, _: &Ctx) -> String {
        command.place.clone()
    }

    fn decide(&self, _: &usize, command: Keep, _: &Ctx) -> Result<Vec<Kept>, Full> {
        Ok(vec![Kept { text: "x".repeat(command.amount), place: command.place }])
    }
}

/// Keeps what is said: one event of so many bytes.
fn keep_it(fact: &Said, _: &Ctx) -> Vec<Keep> {
    vec![Keep { place: fact.place.clone(), amount: fact.amount }]
}

/// Keeps each thing in a place of its own: so many streams.
fn scatter(fact: &Said, _: &Ctx) -> Vec<Keep> {
    (0..fact.amount.min(60)).map(|n| Keep { place: format!("{}{n}", fact.place), amount: fact.amount }).collect()
}

/// A row as large as what was said.
struct Rows;

impl Projection for Rows {
    const NAME: &'static str = "rows";
    const VERSION: u32 = 1;
    type Event = Said;
    type Row = String;

    fn keys(event: &Said) -> Vec<String> {
        vec![event.place.clone()]
    }

    fn fold(_: &str, _: Option<String>, event: &Said, _: &Metadata) -> Option<String> {
        Some("x".repeat(event.amount))
    }
}

/// As many rows as were said.
struct Crowd;

impl Projection for Crowd {
    const NAME: &'static str = "crowd";
    const VERSION: u32 = 1;
    type Event = Said;
    type Row = usize;

    fn keys(event: &Said) -> Vec<String> {
        (0..event.amount.min(2_000)).map(|n| format!("{}{n}", event.place)).collect()
    }

    fn fold(_: &str, _: Option<usize>, event: &Said, _: &Metadata) -> Option<usize> {
        Some(event.amount)
    }
}

/// Wakes after a second, and keeps then what was said.
struct Later;

impl Process for Later {
    const NAME: &'static str = "later";
    type Heard = Said;
    type State = Option<Said>;
    type Command = Keep;

    fn route(&self, heard: &Said) -> Route {
        Route::Start(heard.place.clone())
    }

    fn evolve(state: &mut Option<Said>, input: &Input<'_, Said>) {
        if let Input::Heard(said) = input {
            *state = Some((*said).clone());
        }
    }

    fn react(&self, state: &Option<Said>, input: &Input<'_, Said>, ctx: &Ctx) -> Vec<Effect<Keep>> {
        let said = state.clone().unwrap_or(Said { place: "nowhere".into(), amount: 0 });
        match input {
            Input::Heard(_) => vec![Effect::Wake { name: "keep", at_ms: ctx.now_ms + 1_000 }],
            Input::Woke { .. } => vec![Effect::Send(Keep { place: said.place, amount: said.amount })],
            Input::Refused { .. } => vec![],
        }
    }
}

/// Sends at once.
struct AtOnce;

impl Process for AtOnce {
    const NAME: &'static str = "at-once";
    type Heard = Said;
    type State = ();
    type Command = Keep;

    fn route(&self, heard: &Said) -> Route {
        Route::Start(heard.place.clone())
    }

    fn evolve(_: &mut (), _: &Input<'_, Said>) {}

    fn react(&self, _: &(), input: &Input<'_, Said>, _: &Ctx) -> Vec<Effect<Keep>> {
        match input {
            Input::Heard(said) => vec![Effect::Send(Keep { place: said.place.clone(), amount: said.amount })],
            _ => vec![],
        }
    }
}

/// Brings what is as large as the shelf's name says.
struct Bring(Arc<AtomicU64>);

impl Activity for Bring {
    const NAME: &'static str = "bring";
    type Event = Kept;
    type Command = Keep;

    async fn run(&self, event: Kept, _: &Attempt<'_>) -> Result<Keep, Unavailable> {
        let amount = if event.place.starts_with("much") && event.text.len() < 10 { MUCH } else { 1 };
        if event.text.len() == 3 {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        let place = if event.text.len() == 3 { format!("{}-brought", event.place) } else { "end".into() };
        let done = event.text.len() != 3;
        if done { std::future::pending().await } else { Ok(Keep { place, amount }) }
    }
}

/// A world in which facts are said, and who hears them.
struct Hall {
    lab: Lab,
    store: MemoryStore,
    runtime: Runtime,
    said: u64,
}

impl Hall {
    async fn open(service: Service) -> Self {
        let (lab, store) = (Lab::new(0), MemoryStore::new());
        let topic = Topic { name: "src".into(), partitions: 2, retention_ms: None, retention_bytes: None };
        lab.broker.ensure(topic).await.unwrap();
        let runtime = lab.start(service, &store, "hall-1");
        Self { lab, store, runtime, said: 0 }
    }

    /// A fact under a key, padded to a size.
    async fn say(&mut self, key: &str, place: &str, amount: usize, size: usize) {
        self.tell(key, json!({ "place": place, "amount": amount }), size).await;
    }

    async fn tell(&mut self, key: &str, data: serde_json::Value, size: usize) {
        self.tell_as("src", key, data, size).await;
    }

    /// The same with another source: as who has that one's key can publish to its topic, whatever the type.
    async fn tell_as(&mut self, source: &str, key: &str, data: serde_json::Value, size: usize) {
        self.said += 1;
        let fact = |pad: &str| {
            json!({ "specversion": "1.0", "id": self.said.to_string(), "source": source, "type": "src.said.v1",
                "subject": format!("said/{key}"), "sequence": self.said, "partitionkey": key, "data": data, "pad": pad })
            .to_string()
        };
        let fact = fact(&"x".repeat(size.saturating_sub(fact("").len())));
        let out = Out {
            topic: "src".into(),
            partition_key: key.into(),
            position: self.said,
            ordinal: 0,
            commit: None,
            cloudevent: fact.into(),
        };
        let from = Producer::new("src", 1);
        self.lab.broker.publish(from, vec![out]).await.unwrap();
    }

    fn operator(&self) -> Operator {
        self.runtime.handle().operator()
    }

    async fn parked(&self) -> Vec<String> {
        self.operator().parked().await.unwrap().into_iter().map(|parked| parked.id).collect()
    }

    /// Whether a later fact of another key in the same partition is handled: its place is kept or shown.
    async fn flows(&mut self, table: Option<&str>) {
        let neighbour = (0..).map(|n| format!("n{n}")).find(|key| partition_of(key, 2) == partition_of("bad", 2));
        let neighbour = neighbour.unwrap();
        self.say(&neighbour.clone(), "good", 1, 0).await;
        let (store, table) = (self.store.clone(), table.map(str::to_owned));
        until("the partition moves on", async || match &table {
            Some(table) => store.docs_of(table).iter().any(|row| row.key.id.starts_with("good")),
            None => store.all_events().iter().any(|event| event.stream.starts_with("shelf/good")),
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_never_be_stored_parks_its_key_in_every_lane() {
    let shelf = || Service::new("hall").decider(Shelf, |_, _, _| None);
    let lanes: [(&str, Service, Option<&str>); 5] = [
        ("keep-it", shelf().policy("keep-it", keep_it), None),
        ("scatter", shelf().policy("scatter", scatter), None),
        ("at-once", shelf().process(AtOnce), None),
        ("rows@1.1", Service::new("hall").projection::<Rows>(), Some("rows@1.1")),
        ("crowd@1.1", Service::new("hall").projection::<Crowd>(), Some("crowd@1.1")),
    ];
    for (consumer, service, table) in lanes {
        let mut hall = Hall::open(service).await;
        // Too large, or too many; a name with NUL; and what comes after under the same key.
        hall.say("bad", "b", MUCH, 0).await;
        hall.say("nul", "a\0b", 1, 0).await;
        hall.say("bad", "fine", 1, 0).await;
        hall.flows(table).await;
        let (bad, nul) = (format!("fact/{consumer}/bad"), format!("fact/{consumer}/nul"));
        until("both are listed", async || hall.parked().await == [bad.clone(), nul.clone()]).await;
        let parked = hall.operator().parked().await.unwrap();
        assert_eq!((parked[0].waiting, parked[1].waiting), (2, 1), "{consumer}");
        assert!(
            parked.iter().all(|parked| parked.error.contains("never be stored")
                || parked.error.contains("steps")
                || parked.error.contains("over")
                || parked.error.contains("NUL")
                || parked.error.contains("more than")),
            "{parked:?}"
        );
        // Tried again it fails again, and is listed again; given up, what waited behind it is handled.
        let deed = Deed::new("olga", Some("looked at")).unwrap();
        assert!(hall.operator().unpark(&nul, &deed).await.unwrap());
        until("listed again", async || hall.parked().await.contains(&nul)).await;
        assert!(hall.operator().evict(&nul, &deed).await.unwrap());
        assert!(hall.operator().evict(&bad, &deed).await.unwrap());
        until("nothing is left", async || {
            hall.store.docs_of("todo").iter().all(|doc| !doc.key.id.starts_with("fact/"))
        })
        .await;
        assert!(hall.parked().await.is_empty() && hall.store.docs_of("queue").is_empty(), "{consumer}");
        until("ready", async || hall.runtime.handle().status().ready).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_largest_fact_there_is_can_be_parked_and_so_can_what_comes_behind_it() {
    let mut hall = Hall::open(Service::new("hall").projection::<Rows>()).await;
    hall.tell("bad", json!("not what is said"), MAX_CLOUDEVENT).await;
    hall.say("bad", "b", 1, 600_000).await;
    hall.say("bad", "b", 2, 600_000).await;
    hall.flows(Some("rows@1.1")).await;
    until("all three wait", async || {
        hall.operator().parked().await.unwrap().first().is_some_and(|parked| parked.waiting == 3)
    })
    .await;
    let deed = Deed::new("olga", Some("looked at")).unwrap();
    assert!(hall.operator().evict("fact/rows@1.1/bad", &deed).await.unwrap());
    until("the others are folded", async || {
        hall.store.doc("rows@1.1", "b").is_some_and(|row| &row.data[..] == b"\"xx\"")
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_fact_whose_fields_stand_in_a_list_is_not_what_its_schema_says() {
    let mut hall = Hall::open(Service::new("hall").decider(Shelf, |_, _, _| None).policy("keep-it", keep_it)).await;
    hall.tell("bad", json!(["fine", 1]), 0).await;
    hall.flows(None).await;
    until("it is listed", async || hall.parked().await == ["fact/keep-it/bad"]).await;
    let parked = hall.operator().parked().await.unwrap();
    assert!(parked[0].error.contains("does not decode: invalid type: sequence"), "{parked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_fact_that_is_another_contexts_to_tell_is_not_heard() {
    let mut hall = Hall::open(Service::new("hall").projection::<Rows>()).await;
    hall.tell_as("forger", "bad", json!({ "place": "forged", "amount": 1 }), 0).await;
    hall.flows(Some("rows@1.1")).await;
    assert_eq!(hall.parked().await, [] as [&str; 0]);
    let forged = |hall: &Hall| hall.store.docs_of("rows@1.1").iter().any(|row| row.key.id.starts_with("forged"));
    assert!(!forged(&hall));
    // Nor in a rebuild, which reads what the broker keeps.
    let handle = hall.runtime.handle();
    handle.operator().rebuild("rows", bongsu_runtime::Purpose::Check).await.unwrap();
    let last = async || handle.operator().read_models().await.unwrap().pop().unwrap().last;
    until("it was checked", async || last().await.is_some()).await;
    assert!(matches!(last().await, Some(bongsu_runtime::Ended::Checked { different: 0, .. })));
}

#[tokio::test(start_paused = true)]
async fn a_queue_of_an_earlier_release_is_joined_and_drained() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let fact = |n: u64, amount: serde_json::Value| {
        json!({ "specversion": "1.0", "id": n.to_string(), "source": "src", "type": "src.said.v1", "subject": "said/bad",
            "sequence": n, "partitionkey": "bad", "data": { "place": format!("p{n}"), "amount": amount } })
    };
    let todo = json!({
        "work": { "facts": { "consumer": "rows@1.1", "key": "bad", "facts": [fact(1, json!("x")), fact(2, json!(2))] } },
        "attempts": 1, "due_ms": 0, "parked": true, "error": "broken", "since_ms": 0,
    });
    let mut commit = Commit::new(CommitId(77));
    let body = |data: serde_json::Value, index| Some(DocBody { data: data.to_string().into(), index });
    let id = "fact/rows@1.1/bad";
    commit.docs.push(DocWrite { key: DocKey::new("todo", id), put: body(todo, vec![(1, Bytes::from(id))]) });
    let mark = body(json!({ "sequence": 2, "queued": true }), Vec::new());
    commit.docs.push(DocWrite { key: DocKey::new("seen", "rows@1.1/src/said/bad"), put: mark });
    store.commit(commit).await.unwrap();
    let topic = Topic { name: "src".into(), partitions: 2, retention_ms: None, retention_bytes: None };
    lab.broker.ensure(topic).await.unwrap();
    let runtime = lab.start(Service::new("hall").projection::<Rows>(), &store, "hall-1");
    let mut hall = Hall { lab, store, runtime, said: 2 };
    hall.say("bad", "p3", 3, 0).await;
    let waiting = async |hall: &Hall| hall.operator().parked().await.unwrap()[0].waiting;
    until("it joins", async || waiting(&hall).await == 3).await;
    let deed = Deed::new("olga", Some("looked at")).unwrap();
    assert!(hall.operator().evict(id, &deed).await.unwrap());
    until("the others are folded", async || hall.store.docs_of("rows@1.1").len() == 2).await;
    until("nothing is left", async || hall.store.docs_of("todo").is_empty()).await;
    let seen = hall.store.docs_of("seen").pop().unwrap();
    let seen: serde_json::Value = serde_json::from_slice(&seen.data).unwrap();
    assert_eq!((&seen["sequence"], &seen["queued"]), (&json!(3), &json!(null)));
}

#[tokio::test(start_paused = true)]
async fn joining_a_queue_writes_the_fact_and_not_the_queue() {
    let mut hall = Hall::open(Service::new("hall").projection::<Rows>()).await;
    hall.tell("bad", json!("broken"), 0).await;
    for _ in 0..100 {
        hall.say("bad", "b", 1, 10_000).await;
    }
    until("all wait", async || {
        hall.operator().parked().await.unwrap().first().is_some_and(|parked| parked.waiting == 101)
    })
    .await;
    let head = hall.store.doc("todo", "fact/rows@1.1/bad").unwrap();
    assert!(head.data.len() < 1_000, "{} bytes are written for each that joins", head.data.len());
}

#[tokio::test(start_paused = true)]
async fn a_timer_whose_deed_can_never_be_stored_is_parked() {
    let service = Service::new("hall").decider(Shelf, |_, _, _| None).process(Later);
    let mut hall = Hall::open(service).await;
    hall.say("bad", "b", MUCH, 0).await;
    hall.say("fine", "fine", 1, 0).await;
    until("the other one is woken", async || hall.store.all_events().iter().any(|e| e.stream == "shelf/fine")).await;
    until("listed", async || hall.parked().await == ["timer/later/b/keep"]).await;
    let deed = Deed::new("olga", Some("looked at")).unwrap();
    assert!(hall.operator().unpark("timer/later/b/keep", &deed).await.unwrap());
    until("listed again", async || {
        hall.operator().parked().await.unwrap().first().is_some_and(|parked| parked.attempts == 2)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_activity_whose_outcome_can_never_be_stored_runs_once() {
    let asked = Arc::new(AtomicU64::new(0));
    let service = Service::new("hall").decider(Shelf, |_, _, _| None).activity(Bring(asked.clone()));
    let hall = Hall::open(service).await;
    let handle = hall.runtime.handle();
    ask(&handle, Keep { place: "much".into(), amount: 3 }, &hall.lab.call(None)).await.unwrap();
    until("listed", async || hall.parked().await == ["job/bring/shelf/much@1"]).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    let parked = handle.operator().parked().await.unwrap().remove(0);
    assert!(parked.error.contains("it brought shelf.keep.v1 and is not run again"), "{}", parked.error);
    // Tried again, what it brought is decided again; nobody outside is asked.
    let deed = Deed::new("olga", None).unwrap();
    assert!(handle.operator().unpark(&parked.id, &deed).await.unwrap());
    until("listed again", async || {
        handle.operator().parked().await.unwrap().first().is_some_and(|again| again.attempts == parked.attempts + 1)
    })
    .await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_command_that_can_never_be_stored_is_refused_as_such() {
    let hall = Hall::open(Service::new("hall").decider(Shelf, |_, _, _| None)).await;
    let handle = hall.runtime.handle();
    for (place, amount) in [("a", MUCH), ("a\0b", 1)] {
        let asked = ask(&handle, Keep { place: place.into(), amount }, &hall.lab.call(None)).await;
        assert!(matches!(asked, Err(CommandError::Invalid(_))), "{asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_todo_this_build_cannot_read_is_listed_and_stops_its_key_alone() {
    let mut hall = Hall::open(Service::new("hall").projection::<Rows>()).await;
    let id = "fact/rows@1.1/bad";
    let mut due = vec![partition_of(id, 8) as u8];
    due.extend_from_slice(&0_u64.to_be_bytes());
    let mut commit = Commit::new(CommitId(77));
    let put = |data: &'static str, index| Some(DocBody { data: data.into(), index });
    let unknown = r#"{"work":{"choir":{"key":"bad"}},"attempts":0,"due_ms":0,"parked":false,"since_ms":0}"#;
    commit.docs.push(DocWrite { key: DocKey::new("todo", id), put: put(unknown, vec![(0, due.into())]) });
    hall.store.commit(commit).await.unwrap();
    hall.say("bad", "b", 1, 0).await;
    hall.say("bad", "b", 2, 0).await;
    hall.flows(Some("rows@1.1")).await;
    until("listed", async || hall.parked().await == [id]).await;
    assert_eq!(hall.operator().parked().await.unwrap()[0].kind, "unreadable");
    assert_eq!(hall.store.doc("rows@1.1", "b"), None, "its key waits");
    assert_eq!(&hall.store.doc("todo", id).unwrap().data[..], unknown.as_bytes(), "it is left as it is");
    // Once it is gone (here an operator, else a newer build) what waited beside it is handled, in order.
    let deed = Deed::new("olga", Some("of a build that is gone")).unwrap();
    assert!(hall.operator().evict(id, &deed).await.unwrap());
    until("folded", async || hall.store.doc("rows@1.1", "b").is_some_and(|row| &row.data[..] == b"\"xx\"")).await;
    hall.say("bad", "b", 3, 0).await;
    until("and goes on", async || hall.store.doc("rows@1.1", "b").is_some_and(|row| &row.data[..] == b"\"xxx\"")).await;
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_waits_for_an_operator_delays_no_other_and_is_named() {
    let mut hall = Hall::open(Service::new("hall").projection::<Rows>()).await;
    hall.tell("bad", json!("broken"), 0).await;
    for _ in 0..1_100 {
        hall.say("bad", "b", 1, 0).await;
    }
    let why = "waits for an operator: 1000 facts wait behind one that failed: fact/rows@1.1/bad (bongsu parked)";
    let named = |reason: &String| reason.ends_with(why);
    until("it is named", async || hall.runtime.handle().status().reasons.iter().any(named)).await;
    until("and the instance serves", async || hall.runtime.handle().status().ready).await;
    let other = (0..).map(|n| format!("o{n}")).find(|key| partition_of(key, 2) != partition_of("bad", 2)).unwrap();
    for n in 1..=20 {
        let since = hall.lab.env.mono();
        hall.say(&other, "o", n, 0).await;
        let shown = format!("\"{}\"", "x".repeat(n));
        until("shown", async || hall.store.doc("rows@1.1", "o").is_some_and(|row| row.data == shown)).await;
        let took = hall.lab.env.mono() - since;
        assert!(took < Duration::from_millis(500), "the neighbour waited {took:?}");
    }
    let restarted = hall.lab.start(Service::new("hall").projection::<Rows>(), &hall.store, "hall-1");
    until("a restarted one serves, too", async || restarted.handle().status().ready).await;
    assert!(restarted.handle().status().reasons.iter().any(named));
}
