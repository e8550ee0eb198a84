//! Every stored document against its golden sample: two builds may share a store, so what one writes is for ever.
//!
//! A sample has every field and every Option both ways. One that is new is written by `BLESS=1`; one that was written once,
//! here or in git, only by `BLESS=replace:NAME`, and `golden.lock` remembers all of them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use bongsu_core::{CommandId, Ctx, EffectId, RecordedEffect};
use bongsu_given::bless::{self, Bless, is_remembered};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};

use crate::{
    ports::{
        broker::{History, HistoryId, LogId, Parting, Partition, Place},
        store::{CommitId, DocBody, DocKey},
    },
    records::{
        cloudevent::{Envelope, Meta},
        cursor::{Cursor, cursor_key},
        deed::{
            AboutAdoption, AboutParked, AboutRefill, AboutUnreadable, Fate, HISTORY_ADOPTED, NameOfFact,
            REPUBLICATION_ASKED, RecordedDeed, UNREADABLE_EVICTED, name_of,
        },
        early::{Early, entry as early_entry},
        forgotten::{Forgotten, forgotten},
        generation::{Shown, filled_key, shown_body, shown_key},
        history::{history_key, history_written, parting_key},
        lease::{Beat, Lease, MEMBER, Resource, lease_body},
        message::{Message, RecordedMessage},
        once::{Once, RecordedReply, Reply, done, done_key, keep, once_key},
        queue::{Queue, entry as queue_entry, fact_body},
        rebuild::{Ended, Filling, Noted, Purpose, State},
        relay::{At, relay_key},
        republish::{Refill, Refills, refills_body, refills_key},
        seen::{Seen, Stand, seen_key},
        snapshot::{RecordedState, Walked, snapshot_key, walk_key},
        step::{STEP, Step, StepInput},
        tables::{is_reserved_table, key_key},
        todo::{RecordedOutcome, Todo, Work},
        todo_id::TodoId,
    },
};

/// A document as it is stored, or an event's body or note without a key.
type Sample = (String, DocBody);

const ROOT: &str = "halls@2";
const LOG: LogId = LogId(0x0a0a_0a0a_0a0a_0a0a_0a0a_0a0a_0a0a_0a0a);
const NOW: i64 = 1_769_851_800_125;

fn at(key: &DocKey, body: DocBody) -> Sample {
    (key.to_string(), body)
}

fn plain(value: &impl Serialize) -> DocBody {
    DocBody { data: serde_json::to_vec(value).unwrap().into(), index: Vec::new() }
}

/// Compares samples with those kept under a name, and reads those that are kept.
fn kept<T: Serialize + DeserializeOwned>(name: &str, samples: &[Sample]) {
    let shown = |(key, body): &Sample| {
        let index: Vec<_> = body.index.iter().map(|(number, key)| (number, format!("{key:?}"))).collect();
        let data: Value = serde_json::from_slice(&body.data).unwrap();
        json!({ "key": key, "index": index, "data": data })
    };
    let reserved = |(key, _): &Sample| key.split_once('/').is_none_or(|(table, _)| is_reserved_table(table));
    assert!(samples.iter().all(reserved), "a script could write to a table of {name}");
    let text = serde_json::to_string_pretty(&samples.iter().map(shown).collect::<Vec<_>>()).unwrap() + "\n";
    let known = remembered(name, &text);
    assert_eq!(known, text, "{name} is stored in another way than before");
    for sample in serde_json::from_str::<Vec<Value>>(&known).unwrap() {
        let data = serde_json::to_vec(&sample["data"]).unwrap();
        let read: T = serde_json::from_slice(&data).unwrap_or_else(|error| panic!("{name} is not read: {error}"));
        let again: Value = serde_json::from_slice(&serde_json::to_vec(&read).unwrap()).unwrap();
        assert_eq!(again, sample["data"], "{name} is read as something else");
    }
}

/// The sample of this name that was written once; this text, if it may be written.
fn remembered(name: &str, text: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let golden = folder.join("golden");
    let path = golden.join(format!("{name}.json"));
    let bless = Bless::asked();
    let _pen = bless.pen();
    let is_new = bless.adds() && !path.exists();
    assert!(!is_new || !is_remembered(folder, &path), "{} was written once and is gone: restore it", path.display());
    if is_new || bless.replaces(&path) {
        fs::create_dir_all(&golden).unwrap();
        fs::write(&path, text).unwrap();
    }
    let known = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; BLESS=1 writes one that is new", path.display()));
    let samples: Vec<PathBuf> = fs::read_dir(&golden).unwrap().map(|entry| entry.unwrap().path()).collect();
    bless::keep(folder, &golden, &samples, &bless);
    known
}

fn recorded(name: &str) -> RecordedMessage {
    RecordedMessage::of(&Message::new(name, 2, r#"{"guest":"ann"}"#.into()))
}

fn ctx(traceparent: Option<&str>) -> Ctx {
    Ctx {
        now_ms: NOW,
        command_id: CommandId(0xC0FFEE),
        actor: "ann".into(),
        correlation: "request-1".into(),
        causation: "fact-1".into(),
        traceparent: traceparent.map(str::to_owned),
    }
}

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn envelope<'a>(data: &'a RawValue, traceparent: Option<&'static str>, ordinal: u64) -> Envelope<'a> {
    Envelope {
        specversion: "1.0".into(),
        id: "fact-1".into(),
        source: "door".into(),
        kind: "door.opened.v2".into(),
        subject: "hall/north".into(),
        time: "2026-01-31T09:30:00.125Z".into(),
        datacontenttype: "application/json".into(),
        dataschema: "/contracts/opened.v2.json".into(),
        sequence: 7,
        ordinal,
        partitionkey: "north".into(),
        correlationid: "request-1".into(),
        causationid: "command-1".into(),
        traceparent: traceparent.map(Into::into),
        actor: None,
        data,
    }
}

fn raw(json: &str) -> Box<RawValue> {
    serde_json::from_str(json).unwrap()
}

#[test]
fn a_fact_and_what_is_noted_beside_an_event_are_kept_as_before() {
    let data = raw(r#"{"guest":"ann"}"#);
    let fact = |traceparent, ordinal| DocBody { data: envelope(&data, traceparent, ordinal).encode(), index: vec![] };
    let known = TodoId::queue("guests", "north");
    let asked = Envelope { actor: Some("ann".into()), ..envelope(&data, Some(TRACE), 1) };
    let samples = [
        at(&queue_entry(&known, 0), fact_body(&fact(Some(TRACE), 1).data)),
        at(&queue_entry(&known, 1), fact_body(&fact(None, 0).data)),
        at(&queue_entry(&known, 2), fact_body(&asked.encode())),
    ];
    kept::<Value>("fact", &samples);
    let full = Meta { command: Some("door.open.v1".into()), ..Meta::of("event-1".into(), &ctx(Some(TRACE))) };
    let bare = Meta::of("event-2".into(), &ctx(None));
    kept::<Meta>("event-meta", &[(String::new(), plain(&full)), (String::new(), plain(&bare))]);
}

#[test]
fn where_readers_stand_is_kept_as_before() {
    let partition = Partition { topic: "door".into(), index: 3 };
    let cursor = |refill| plain(&Cursor { log: LOG, offset: 41, refill });
    let samples = [
        at(&cursor_key("guests", &partition), cursor(Some(1_769_851_800))),
        at(&cursor_key("halls@2.1", &partition), cursor(None)),
    ];
    kept::<Cursor>("cursor", &samples);
    let full = At { position: 9, told: 8, ordinal: 1, commit: Some(CommitId(0xBEEF)) };
    kept::<At>("relay", &[at(&relay_key(), full.body()), at(&relay_key(), At::default().body())]);
}

#[test]
fn what_was_heard_is_kept_as_before() {
    let data = raw("{}");
    let (first, second) = (envelope(&data, None, 0), envelope(&data, None, 1));
    let orphan = Some(Stand { sequence: 6, position: 80, era: 1 });
    let full = Seen { sequence: 7, queued: true, position: 90, era: 2, orphan };
    let bare = Seen { sequence: 7, queued: false, position: 0, era: 0, orphan: None };
    let samples = [at(&seen_key("guests", &first), full.body()), at(&seen_key("guests", &second), bare.body())];
    kept::<Seen>("seen", &samples);
    let key = at(&key_key("hall/north"), plain(&"north"));
    kept::<String>("partition-key", &[key]);
}

fn todo(id: &TodoId, work: Work, parked: bool) -> Sample {
    let error = parked.then(|| "the desk is closed".to_owned());
    let todo = Todo { work, attempts: 3, due_ms: NOW + 50, parked, newer: false, error, since_ms: NOW };
    at(&Todo::key(id), todo.body(id))
}

#[test]
fn what_is_to_be_done_is_kept_as_before() {
    let (process, key) = ("visit".to_owned(), "ann".to_owned());
    let timer = |ctx| Work::Timer { process: process.clone(), key: key.clone(), name: "leave".into(), ctx };
    let job = |outcome| {
        let key = "hall/north@4".into();
        Work::Job { activity: "greet".into(), key, event: recorded("hall.entered"), ctx: ctx(None), outcome }
    };
    let brought = |command| Some(RecordedOutcome { kind: "hall.greet.v2".into(), command });
    let undo = || Work::Undo { process: process.clone(), key: key.clone(), command: recorded("undo"), ctx: ctx(None) };
    let other = TodoId::timer("visit", "ann", "newer");
    let newer = Todo { newer: true, ..Todo::timer("visit", "ann", "leave", NOW, &ctx(None)) };
    let samples = [
        todo(&TodoId::timer("visit", "ann", "leave"), timer(ctx(Some(TRACE))), false),
        todo(&TodoId::timer("visit", "ann", "leave"), timer(ctx(None)), true),
        at(&Todo::key(&other), Todo { parked: true, ..newer }.body(&other)),
        todo(&TodoId::job("greet", "hall/north", 4), job(None), false),
        todo(&TodoId::job("greet", "hall/north", 4), job(brought(None)), false),
        todo(&TodoId::job("greet", "hall/north", 4), job(brought(Some(recorded("hall.greet")))), true),
        todo(&TodoId::undo("visit", "ann", EffectId { input: 1, ordinal: 0 }), undo(), true),
        todo(&TodoId::clock("close-day"), Work::Clock { clock: "close-day".into(), at_ms: NOW }, false),
        todo(&TodoId::walk(), Work::Walk, false),
    ];
    kept::<Todo>("todo", &samples);
}

#[test]
fn who_is_forgotten_is_kept_as_before() {
    kept::<Forgotten>("forgotten", &[at(&forgotten("usr_1"), Forgotten { at_ms: NOW }.body())]);
    kept::<Todo>("todo-scrub", &[todo(&TodoId::scrub("usr_1"), Work::Scrub, false)]);
}

#[test]
fn what_waits_behind_something_is_kept_as_before() {
    let queue = TodoId::queue("guests", "north");
    let list = TodoId::early("visit", "ann");
    let facts = vec![raw(r#"{"specversion":"1.0"}"#)];
    let full = Queue { consumer: "guests".into(), key: "north".into(), facts, first: 2, next: 5 };
    let inputs = vec![(recorded("hall.entered"), ctx(Some(TRACE)))];
    let early = Early { process: "visit".into(), key: "ann".into(), inputs, first: 1, next: 3, over: 4 };
    let bare = Todo::waiting(Early::new("visit", "ann"), NOW);
    let samples = [
        todo(&queue, Work::Facts(full), false),
        todo(&queue, Work::Facts(Queue::new("guests", "north")), true),
        todo(&list, Work::Waiting(early), false),
        at(&Todo::key(&list), bare.body(&list)),
    ];
    kept::<Todo>("todo-queue", &samples);
    let input = at(&early_entry(&list, 1), plain(&(recorded("hall.entered"), ctx(None))));
    kept::<(RecordedMessage, Ctx)>("early-input", &[input]);
}

#[test]
fn answers_are_kept_as_before() {
    let headers = vec![("etag".to_owned(), "\"1\"".to_owned())];
    let reply = Reply { status: 201, headers, body: r#"{"id":"1"}"#.into() };
    let once = Once { key: "a1".into(), body: "b2".into() };
    kept::<RecordedReply>("once", &[at(&once_key(&once), keep(&once, &reply, NOW))]);
    let done = done(NOW);
    assert_eq!((done_key(CommitId(7)).to_string(), &done.data[..]), (format!("once/commit/{:032x}", 7), &b""[..]));
}

#[test]
fn who_holds_what_is_kept_as_before() {
    let lease = |slot: &str| lease_body(&Lease { slot: slot.into(), incarnation: 77, epoch: 5 });
    let door = Partition { topic: "door".into(), index: 3 };
    let lane = Resource::lane("guests", &door);
    let held = [Resource::Relay, Resource::Shard(0), lane, Resource::Rebuild(ROOT.into())];
    let mut samples: Vec<_> = held.map(|resource| at(&resource.key(), lease("1"))).into();
    samples.push(at(&Resource::Relay.key(), lease("")));
    kept::<Lease>("lease", &samples);
    let beat = Beat { incarnation: 77, beat: 12, consumers: ["guests".to_owned(), ROOT.to_owned()].into() };
    kept::<Beat>("member", &[at(&DocKey::of(MEMBER, "1"), lease_body(&beat))]);
}

#[test]
fn snapshots_and_walks_are_kept_as_before() {
    let state = |schema, build| RecordedState {
        version: 500,
        schema,
        build,
        commit: format!("{:032x}", 9),
        taken_ms: NOW,
        state: raw(r#"{"guests":["ann"]}"#),
    };
    let key = snapshot_key("hall/north");
    kept::<RecordedState>(
        "snapshot",
        &[at(&key, plain(&state(3, None))), at(&key, plain(&state(0, Some("build-1".into()))))],
    );
    let full = Walked { position: 12, schemas: BTreeMap::from([("hall".into(), 3)]) };
    kept::<Walked>("walk", &[at(&walk_key(), plain(&full)), at(&walk_key(), plain(&Walked::default()))]);
}

#[test]
fn which_generation_is_shown_and_filled_is_kept_as_before() {
    kept::<Shown>("generation", &[at(&shown_key(ROOT), shown_body(2))]);
    kept::<bool>("generation-filled", &[at(&filled_key(ROOT), plain(&true))]);
    let noted = Noted { log: LOG, heads: vec![("door".into(), 3, 41)], until: 9 };
    let filling = |purpose, noted| Filling {
        generation: 3,
        purpose,
        started_ms: NOW,
        since_ms: NOW + 1,
        since_done: 4,
        at_ms: NOW + 2,
        done: 5,
        total: 6,
        noted,
        position: 7,
    };
    let state = |filling, last| State { newest: 3, filling, drop: vec![1], last };
    let checked = Ended::Checked { rows: 9, different: 1, first: vec!["ann".into()] };
    let samples = [
        state(Some(filling(Purpose::Rebuild, Some(noted))), Some(checked)),
        state(Some(filling(Purpose::Check, None)), Some(Ended::Failed { why: "cancelled".into() })),
        state(None, Some(Ended::Shown { generation: 2, events: 9, took_ms: 80 })),
        State::default(),
    ];
    kept::<State>("rebuild", &samples.map(|state| at(&State::key(ROOT), state.body())));
}

#[test]
fn histories_and_republications_are_kept_as_before() {
    let place = Place { position: 8, ordinal: 1, commit: Some(CommitId(0xBEEF)) };
    let refill = |subject: Option<&str>, last| Refill {
        number: 1_769_851_800,
        subject: subject.map(str::to_owned),
        until: 9,
        done: 8,
        last,
    };
    let waiting = vec![refill(Some("hall/north"), place), refill(None, Place::default())];
    kept::<Refills>("refill", &[at(&refills_key(), refills_body(&Refills { last: 1_769_851_800, waiting }))]);
    let parting = |commit| Parting { from: HistoryId(6), position: 8, commit };
    let partings = vec![parting(Some(CommitId(0xBEEF))), parting(None)];
    let histories = [History { id: HistoryId(7), partings }, History::new(HistoryId(6))];
    let stored = |history: &History| at(&history_key(), history_written(history).put.unwrap());
    kept::<History>("history", &[stored(&histories[0]), stored(&histories[1])]);
    kept::<usize>("parting", &[at(&parting_key("door"), plain(&2_usize))]);
}

fn deed<A: Serialize>(name: &str, reason: Option<&str>, about: A) -> Sample {
    let (actor, reason) = ("ann".to_owned(), reason.map(str::to_owned));
    let time = "2026-01-31T09:30:00.125Z".into();
    (name.to_owned(), plain(&RecordedDeed { actor, reason, time, id: "todo-1".into(), about }))
}

/// One of each kind that is parked.
fn works() -> [Work; 5] {
    let key = || "ann".to_owned();
    let process = || "visit".to_owned();
    [
        Work::Facts(Queue::new("guests", "north")),
        Work::Timer { process: process(), key: key(), name: "leave".into(), ctx: ctx(None) },
        Work::Job {
            activity: "greet".into(),
            key: key(),
            event: recorded("hall.entered"),
            ctx: ctx(None),
            outcome: None,
        },
        Work::Undo { process: process(), key: key(), command: recorded("undo"), ctx: ctx(None) },
        Work::Walk,
    ]
}

#[test]
fn what_operators_did_to_what_is_parked_is_kept_as_before() {
    let data = raw("{}");
    let about = |fact| AboutParked {
        whose: "guests".into(),
        key: "north".into(),
        what: "door.opened.v2 hall/north@7".into(),
        waiting: 2,
        attempts: 3,
        since: "2026-01-31T09:29:00.125Z".into(),
        trace: "4bf92f3577b34da6a3ce929d0e0e4736".into(),
        error: "the desk is closed".into(),
        fact,
    };
    let fact = NameOfFact::of(&envelope(&data, None, 0));
    let [facts, ..] = works();
    let mut samples = vec![deed(name_of(&facts, Fate::Evict), Some("sent twice"), about(Some(fact)))];
    for work in works() {
        samples.push(deed(name_of(&work, Fate::Retry), None, about(None)));
        samples.push(deed(name_of(&work, Fate::Evict), Some("sent twice"), about(None)));
    }
    kept::<RecordedDeed<AboutParked>>("deed-parked", &samples);
    let unreadable = AboutUnreadable { error: "no such work".into(), todo: "{}".into() };
    kept::<RecordedDeed<AboutUnreadable>>(
        "deed-unreadable",
        &[deed(UNREADABLE_EVICTED, Some("sent twice"), unreadable)],
    );
}

#[test]
fn what_operators_asked_for_is_kept_as_before() {
    let refill = |subject: Option<&str>| AboutRefill { refill: 1_769_851_800, subject: subject.map(str::to_owned) };
    let of_one = deed(REPUBLICATION_ASKED, Some("lost"), refill(Some("hall/north")));
    kept::<RecordedDeed<AboutRefill>>("deed-republication", &[of_one, deed(REPUBLICATION_ASKED, None, refill(None))]);
    let adoption = |from| AboutAdoption { history: HistoryId(7), from, position: 8, orphans: 2 };
    let parted = deed(HISTORY_ADOPTED, Some("restored"), adoption(Some(HistoryId(6))));
    kept::<RecordedDeed<AboutAdoption>>("deed-adoption", &[parted, deed(HISTORY_ADOPTED, None, adoption(None))]);
}

#[test]
fn the_steps_of_processes_are_kept_as_before() {
    let effects = || {
        vec![
            RecordedEffect::Send(recorded("hall.greet")),
            RecordedEffect::SendUndo { run: recorded("hall.hold"), undo: recorded("hall.free") },
            RecordedEffect::Wake { name: "leave".into(), at_ms: NOW },
            RecordedEffect::CancelWake("leave".into()),
            RecordedEffect::Unwind,
            RecordedEffect::Done,
        ]
    };
    let effect = EffectId { input: 1, ordinal: 2 };
    let steps = [
        Step { input: StepInput::Heard(recorded("hall.entered")), effects: effects() },
        Step { input: StepInput::Woke { name: "leave".into() }, effects: Vec::new() },
        Step { input: StepInput::Refused { effect, rejection: recorded("hall.full") }, effects: Vec::new() },
        Step { input: StepInput::Stuck { reason: "undo hall.free was refused".into() }, effects: Vec::new() },
    ];
    assert_eq!(STEP, ("bongsu.process-step", 2));
    kept::<Step>("process-step", &steps.map(|step| (String::new(), plain(&step))));
}
