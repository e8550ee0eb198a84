//! Random Commits against the memory model: whatever no rule above thought of.

use std::{fmt::Debug, ops::Bound, sync::Arc};

use bongsu_runtime::ports::{
    Fut,
    store::{
        Commit, CommitId, DocBody, DocKey, DocWrite, Guard, NewEvent, Position, Read, Scan, Store, StoreError, Verdict,
    },
};
use bytes::Bytes;
use futures::future::join_all;
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
    strategy::ValueTree,
    test_runner::TestRunner,
};

use super::{
    factory::{StoreFactory, one},
    make::{event, fact},
};
use bongsu_memory::MemoryStore;

const STREAMS: [&str; 3] = ["counter/a", "counter/b", "door/a"];
/// The last one is written by [`crash`](super::crash) alone.
pub(super) const TABLES: [&str; 3] = ["t", "u@2.1", "once"];
const IDS: [&str; 4] = ["1", "2", "12", ""];
const KEYS: [&[u8]; 6] = [b"", b"\0", b"a", b"a\0", b"a\x001", b"\xff"];

/// One thing done to both stores. Numbers choose from the lists above.
#[derive(Clone, Debug)]
enum Operation {
    Send(Plan),
    /// Waits for every answer so far.
    Wait,
    Drop(usize),
}

/// A Commit whose versions and revisions are chosen relative to what the model holds when it is sent.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    guards: Vec<GuardPlan>,
    /// Stream, how far beside the version that fits, number of facts.
    events: Vec<(usize, u64, u64)>,
    /// Table, id, and the index entries of what is put.
    docs: Vec<(usize, usize, Option<Entries>)>,
}

/// Index numbers and keys.
type Entries = Vec<(u16, usize)>;

#[derive(Clone, Debug)]
enum GuardPlan {
    Last(usize, u64),
    Stream(usize, u64),
    Doc(usize, usize, Revision),
}

#[derive(Clone, Debug)]
enum Revision {
    Current,
    Absent,
    Other,
}

pub(super) async fn random_commits_agree_with_the_memory_model(factory: &dyn StoreFactory) {
    agrees_with_memory(factory, 40).await;
}

/// Does so many random runs on a store of the factory and on [`MemoryStore`] and compares every answer.
///
/// # Panics
/// When they differ, with the shortest run found that shows it.
pub async fn agrees_with_memory(factory: &dyn StoreFactory, runs: u32) {
    let mut runner = TestRunner::default();
    for _ in 0..runs {
        let mut tree = vec(step(), 1..40).new_tree(&mut runner).expect("no strategy here filters");
        let Err(why) = run(factory, &tree.current()).await else { continue };
        let mut shortest = (tree.current(), why);
        let mut smaller = tree.simplify();
        while smaller {
            smaller = match run(factory, &tree.current()).await {
                Ok(()) => tree.complicate(),
                Err(why) => {
                    shortest = (tree.current(), why);
                    tree.simplify()
                }
            };
        }
        panic!("{}\nafter {:#?}", shortest.1, shortest.0);
    }
}

/// The answers that are still out, with what the model answered.
type Open = Vec<(Fut<'static, Result<Verdict, StoreError>>, Result<Verdict, StoreError>)>;

async fn run(factory: &dyn StoreFactory, steps: &[Operation]) -> Result<(), String> {
    let store = one(factory).await;
    let model = MemoryStore::new();
    let mut open = Open::new();
    for (number, step) in steps.iter().enumerate() {
        match step {
            Operation::Send(plan) => {
                let commit = plan.commit(CommitId(number as u128 + 1), &model).await;
                open.push((store.commit(commit.clone()), model.commit(commit).await));
            }
            Operation::Wait => settle(&mut open).await?,
            Operation::Drop(table) => {
                let table = TABLES[*table];
                let (found, expected) = (store.drop_table(table).await, model.drop_table(table).await);
                same("drop_table", &table, found, expected)?;
            }
        }
    }
    settle(&mut open).await?;
    compare(&store, &model).await
}

async fn settle(open: &mut Open) -> Result<(), String> {
    let (answers, expected): (Vec<_>, Vec<_>) = open.drain(..).unzip();
    same("commit", &"", join_all(answers).await, expected)
}

pub(super) fn same<T: PartialEq + Debug>(call: &str, with: &dyn Debug, found: T, expected: T) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{call} {with:?}\n     found {found:?}\n  expected {expected:?}"))
}

/// Compares everything that can be read.
pub(super) async fn compare(store: &Arc<dyn Store>, model: &MemoryStore) -> Result<(), String> {
    same("head", &"", store.head().await, model.head().await)?;
    let mut reads = Vec::new();
    for after in [0, 1, 2, 5, 20].map(Position) {
        reads.push(Read::Feed { after });
        reads.extend(STREAMS.map(|stream| Read::Stream { stream: stream.to_owned(), after: after.0 }));
    }
    for after in [0, 1, 2, 5, 20].map(Position) {
        for limit in [3, 10_000] {
            same("facts", &after, store.facts(after, limit).await, model.facts(after, limit).await)?;
        }
    }
    for what in reads {
        for limit in [3, 10_000] {
            let (found, expected) = (store.read(what.clone(), limit).await, model.read(what.clone(), limit).await);
            same("read", &what, found, expected)?;
        }
    }
    for stream in STREAMS {
        for version in [1, 2, 9] {
            let found = store.position_of(stream, version).await;
            same("position_of", &(stream, version), found, model.position_of(stream, version).await)?;
        }
    }
    let keys: Vec<_> = TABLES.iter().flat_map(|table| IDS.map(|id| DocKey::new(*table, id))).collect();
    same("docs", &"", store.docs(keys.clone()).await, model.docs(keys).await)?;
    for what in scans() {
        let (found, expected) = (store.scan(what.clone()).await, model.scan(what.clone()).await);
        same("scan", &what, found, expected)?;
    }
    Ok(())
}

fn scans() -> Vec<Scan> {
    let edge = |key: &'static [u8]| Bytes::from_static(key);
    let bounds = [
        (Bound::Unbounded, Bound::Unbounded),
        (Bound::Excluded(edge(b"a\x001")), Bound::Unbounded),
        (Bound::Included(edge(b"1")), Bound::Excluded(edge(b"a\0\xff"))),
        (Bound::Excluded(edge(b"")), Bound::Included(edge(b"2"))),
        (Bound::Included(edge(b"2")), Bound::Included(edge(b"1"))),
    ];
    let mut all = Vec::new();
    for table in TABLES {
        for index in [None, Some(0), Some(1)] {
            for (from, to) in bounds.clone() {
                for (descending, limit) in [(false, 99), (true, 99), (false, 2), (true, 2)] {
                    all.push(Scan {
                        table: table.to_owned(),
                        index,
                        from: from.clone(),
                        to: to.clone(),
                        descending,
                        limit,
                    });
                }
            }
        }
    }
    all
}

impl Plan {
    pub(super) async fn commit(&self, id: CommitId, model: &MemoryStore) -> Commit {
        let mut commit = Commit::new(id);
        for guard in &self.guards {
            commit.guards.push(guard.resolve(model).await);
        }
        for (stream, beside, facts) in &self.events {
            let stream = STREAMS[*stream];
            let earlier = commit.events.iter().filter(|event| event.stream == stream).count() as u64;
            let version = version(model, stream) + earlier + 1 + beside;
            commit.events.push(NewEvent {
                facts: (0..*facts).map(|ordinal| fact(stream, version * 10 + ordinal)).collect(),
                ..event(stream, version)
            });
        }
        for (table, id, put) in &self.docs {
            let key = DocKey::new(TABLES[*table], IDS[*id]);
            let put = put.as_ref().map(|entries| DocBody {
                data: Bytes::from(format!("{:?}", commit.id)),
                index: entries.iter().map(|(number, key)| (*number, Bytes::from_static(KEYS[*key]))).collect(),
            });
            commit.docs.push(DocWrite { key, put });
        }
        commit
    }
}

impl GuardPlan {
    async fn resolve(&self, model: &MemoryStore) -> Guard {
        match self {
            Self::Last(stream, by) => {
                let mut events = model.all_events();
                events.retain(|event| event.stream == STREAMS[*stream]);
                let (version, commit) = events.last().map_or((0, CommitId(0)), |event| (event.version, event.commit));
                Guard::Last(STREAMS[*stream].to_owned(), version, CommitId(commit.0 + u128::from(*by)))
            }
            Self::Stream(stream, by) => {
                let stream = STREAMS[*stream];
                Guard::Head(stream.to_owned(), version(model, stream) + by)
            }
            Self::Doc(table, id, revision) => {
                let key = DocKey::new(TABLES[*table], IDS[*id]);
                let revision = match revision {
                    Revision::Current => model.docs_of(&key.table).into_iter().find(|doc| doc.key == key),
                    Revision::Absent => None,
                    Revision::Other => return Guard::Doc(key, Some(CommitId(u128::MAX))),
                };
                Guard::Doc(key, revision.map(|doc| doc.revision))
            }
        }
    }
}

fn version(model: &MemoryStore, stream: &str) -> u64 {
    model.all_events().iter().filter(|event| event.stream == stream).count() as u64
}

fn step() -> impl Strategy<Value = Operation> {
    prop_oneof![
        8 => plan().prop_map(Operation::Send),
        2 => Just(Operation::Wait),
        1 => (0..2_usize).prop_map(Operation::Drop),
    ]
}

pub(super) fn plan() -> impl Strategy<Value = Plan> {
    // Mostly what fits, because a Commit with one wrong guard shows nothing else.
    let beside = || prop_oneof![12 => Just(0_u64), 1 => Just(1)];
    let revision = prop_oneof![6 => Just(Revision::Current), 1 => Just(Revision::Absent), 1 => Just(Revision::Other)];
    let guard = prop_oneof![
        (0..STREAMS.len(), beside()).prop_map(|(stream, by)| GuardPlan::Stream(stream, by)),
        (0..STREAMS.len(), beside()).prop_map(|(stream, by)| GuardPlan::Last(stream, by)),
        (0..2_usize, 0..IDS.len(), revision).prop_map(|(table, id, revision)| GuardPlan::Doc(table, id, revision)),
    ];
    let event = (0..STREAMS.len(), beside(), 0..3_u64);
    let entries = vec((0..2_u16, 0..KEYS.len()), 0..3);
    let put =
        (any::<bool>(), any::<bool>(), entries).prop_map(|(one, other, entries)| (one || other).then_some(entries));
    let doc = (0..2_usize, 0..IDS.len(), put);
    (vec(guard, 0..3), vec(event, 0..3), vec(doc, 0..3)).prop_map(|(guards, events, docs)| Plan {
        guards,
        events,
        docs,
    })
}
