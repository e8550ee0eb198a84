//! A generation in the making: facts go in, and Commits of many rows, marks and cursors come out.
//!
//! Every Commit guards the lease and the state document that the one before wrote, so they may follow each other
//! without waiting, and after a crash whoever holds the lease goes on behind the last one that is durable.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bongsu_core::digest;
use bytes::Bytes;

use crate::{
    commit::{
        attempt::Tried,
        core::Core,
        fail::Fail,
        map::{ReadModel, Rows},
        tasks::panic_text,
    },
    ports::{
        Fut,
        broker::{BrokerError, LogId, Partition},
        store::{Commit, CommitId, DocBody, DocKey, DocWrite, Guard, StoreError, Verdict},
    },
    projection::rebuild::{
        facts::{Fact, Place},
        marks::{Marks, Slot},
        pace::Pace,
    },
    records::{
        cloudevent::{Envelope, Written},
        cursor::{Cursor, cursor_key},
        generation::table,
        lease::Resource,
        queue::fact_body,
        rebuild::{Filling, State},
        seen::{SEEN, Seen, Stand, marked_source, storable},
        todo::{Failed, MAX_QUEUED, Todo},
        todo_id::TodoId,
        unreadable::Unreadable,
    },
};

/// Why a rebuild does not go on now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Halt {
    /// Another instance goes on with it, or an operator changed what is wanted.
    #[error("somebody else goes on with it")]
    Lost,
    /// The store does not answer.
    #[error(transparent)]
    Store(StoreError),
    /// The broker does not answer.
    #[error(transparent)]
    Broker(BrokerError),
    /// What is in memory is wrong: begin again behind the last Commit.
    #[error("begins again behind the last commit")]
    Again,
    /// It can never succeed.
    #[error("{0}")]
    Hopeless(String),
}

/// Nothing that it needs may be left out.
impl From<Unreadable> for Halt {
    fn from(unreadable: Unreadable) -> Self {
        Self::Hopeless(unreadable.to_string())
    }
}

/// Why a fact cannot be folded, and what that means for it.
type Why = (String, Failed);

/// What becomes of a fact.
enum Judgement {
    Pass,
    Fold { mark: Slot, stand: Stand },
    Queue { mark: Option<(Slot, Stand)>, key: String, why: Option<Why>, fact: Bytes },
}

pub(crate) struct Build {
    pub(crate) core: Arc<Core>,
    pub(crate) model: Arc<dyn ReadModel>,
    pub(crate) lease: Resource,
    pub(crate) table: String,
    pub(crate) state: State,
    pub(crate) revision: Option<CommitId>,
    pub(crate) cursors: BTreeMap<Partition, u64>,
    /// The refills that partitions are in the midst of.
    pub(crate) refills: BTreeMap<Partition, u64>,
    pub(crate) pace: Pace,
    moved: BTreeSet<Partition>,
    rows: Box<dyn Rows>,
    marks: Marks,
    pub(crate) queues: BTreeMap<String, Todo>,
    changed_queues: BTreeSet<String>,
    /// Facts that joined a queue since.
    queued: Vec<(DocKey, Bytes)>,
    /// Everything this generation holds is in memory: what is not, does not exist.
    whole: bool,
    bytes: usize,
    flying: VecDeque<Fut<'static, Result<Verdict, StoreError>>>,
}

/// Rows and marks kept in memory between Commits: what fits into the bytes below if rows are of usual size.
const KEEP: usize = 100_000;
/// Bytes of rows kept in memory between Commits, encoded; decoded they take some more. A service has a few hundred
/// megabytes, and what is not kept is read again.
const KEEP_BYTES: usize = 64 << 20;
/// Bytes of facts folded into one Commit at most: four of the largest, so that one never has to wait for room.
const MAX_BYTES: usize = 4 << 20;
/// Commits under way at once: one is written while the next is folded, and with more, memory grows and nothing is faster.
const FLYING: usize = 2;

impl Build {
    pub(crate) fn new(core: &Arc<Core>, model: &Arc<dyn ReadModel>, lease: &Resource, state: State) -> Self {
        let generation = state.filling.as_ref().map_or(0, |filling| filling.generation);
        Self {
            core: core.clone(),
            model: model.clone(),
            lease: lease.clone(),
            table: table(model.root(), generation),
            rows: model.rows(),
            pace: Pace::new(core),
            state,
            revision: None,
            cursors: BTreeMap::new(),
            refills: BTreeMap::new(),
            moved: BTreeSet::new(),
            marks: Marks::default(),
            queues: BTreeMap::new(),
            changed_queues: BTreeSet::new(),
            queued: Vec::new(),
            whole: false,
            bytes: 0,
            flying: VecDeque::new(),
        }
    }

    pub(crate) fn filling(&mut self) -> Result<&mut Filling, Halt> {
        self.state.filling.as_mut().ok_or(Halt::Lost)
    }

    /// Says that nothing was written for this generation yet.
    pub(crate) fn starts_empty(&mut self) {
        self.whole = true;
    }

    /// Folds facts in order, committing whenever enough has changed. `poison` are facts whose fold panicked before.
    pub(crate) async fn absorb(&mut self, facts: Vec<Fact>, poison: &mut BTreeSet<String>) -> Result<(), Halt> {
        let envelopes: Vec<_> = facts.iter().map(|fact| Envelope::parse(&fact.cloudevent).ok()).collect();
        self.load_marks(&facts, &envelopes).await?;
        let mut judgements = Vec::with_capacity(facts.len());
        for (fact, envelope) in facts.iter().zip(&envelopes) {
            judgements.push(self.judge(fact, envelope.as_ref(), poison)?);
        }
        self.load_rows().await?;
        let limit = self.pace.limit().await;
        for ((fact, envelope), judgement) in facts.iter().zip(&envelopes).zip(judgements) {
            self.take(fact, judgement, envelope.as_ref().map(|envelope| &*envelope.id), poison)?;
            // Facts of one event stand at one position: a Commit between them would fold the first again.
            let whole = !matches!(fact.place, Place::Feed { last: false, .. });
            if whole && (self.changes() >= limit || self.bytes >= MAX_BYTES) {
                self.flush().await?;
            }
        }
        if self.rows.len() + self.marks.len() > KEEP || self.rows.bytes() > KEEP_BYTES {
            self.forget().await?;
        }
        Ok(())
    }

    /// What is to become of a fact; what is to be folded is decoded.
    fn judge(
        &mut self,
        fact: &Fact,
        envelope: Option<&Envelope<'_>>,
        poison: &BTreeSet<String>,
    ) -> Result<Judgement, Halt> {
        if fact.passed {
            return Ok(Judgement::Pass);
        }
        let Some(envelope) = envelope else {
            // As a lane passes it over: what nobody here hears is no garbage of theirs.
            if matches!(Written::on(&fact.cloudevent, |name| self.model.reads(name)), Written::Others) {
                return Ok(Judgement::Pass);
            }
            let why = Some(("not a CloudEvent".to_owned(), Failed::ForGood));
            return Ok(Judgement::Queue { mark: None, key: fact.place.name(), why, fact: fact.cloudevent.clone() });
        };
        let (position, era) = fact.published;
        let stand = Stand { sequence: envelope.sequence, position, era };
        let Some((name, schema)) = self.core.hears(envelope, stand, |name| self.model.reads(name)) else {
            return Ok(Judgement::Pass);
        };
        let (mark, again) = self.marks.hear(&marked_source(envelope), &storable(&envelope.subject), stand.sequence);
        if again {
            return Ok(Judgement::Pass);
        }
        let failed = if self.queues.contains_key(&*envelope.partitionkey) {
            Some(None)
        } else if poison.contains(&*envelope.id) {
            Some(Some(("the fold panicked".to_owned(), Failed::Counts)))
        } else {
            let data = envelope.data.get().as_bytes();
            let heard = catch_unwind(AssertUnwindSafe(|| self.rows.hear(name, schema, data, envelope.metadata())));
            // As a lane would put it aside.
            let why = match heard {
                Ok(heard) => {
                    heard.err().map(|error| Fail::from(error).of_an_input()).transpose().map_err(Halt::Store)?
                }
                Err(panic) => Some((panic_text(panic.as_ref()), Failed::Counts)),
            };
            why.map(Some)
        };
        let Some(why) = failed else { return Ok(Judgement::Fold { mark, stand }) };
        let key = envelope.partitionkey.clone().into_owned();
        // Later facts of the key queue behind it, from here on.
        self.queues.entry(key.clone()).or_insert_with(|| Todo::facts(&self.table, &key, self.core.env.wall_ms()));
        Ok(Judgement::Queue { mark: Some((mark, stand)), key, why, fact: fact.cloudevent.clone() })
    }

    /// Does what was judged of a fact, and moves the cursor past it.
    fn take(
        &mut self,
        fact: &Fact,
        judgement: Judgement,
        id: Option<&str>,
        poison: &mut BTreeSet<String>,
    ) -> Result<(), Halt> {
        match judgement {
            Judgement::Pass => {}
            Judgement::Fold { mark, stand } => {
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.rows.fold())) {
                    tracing::error!(read_model = self.table, error = panic_text(panic.as_ref()), "a fold panicked");
                    poison.extend(id.map(str::to_owned));
                    return Err(Halt::Again);
                }
                self.marks.fold(mark, stand, false);
                self.bytes += fact.cloudevent.len();
            }
            Judgement::Queue { mark, key, why, fact } => {
                self.enqueue(&key, why, &fact)?;
                if let Some((mark, stand)) = mark {
                    self.marks.fold(mark, stand, true);
                }
                self.bytes += fact.len();
            }
        }
        match &fact.place {
            Place::Feed { position, last: true } => self.filling()?.position = *position,
            Place::Feed { .. } => {}
            Place::Partition { partition, offset, refill } => {
                self.skip_to(partition.clone(), offset + 1);
                match refill {
                    Some(refill) => self.refills.insert(partition.clone(), *refill),
                    None => self.refills.remove(partition),
                };
            }
        }
        Ok(())
    }

    fn enqueue(&mut self, key: &str, why: Option<Why>, fact: &Bytes) -> Result<(), Halt> {
        let now = self.core.env.wall_ms();
        let todo = self.queues.entry(key.to_owned()).or_insert_with(|| Todo::facts(&self.table, key, now));
        if let Some((why, how)) = why {
            todo.note(&why, how, now, self.core.settings.retry_cap_ms);
        }
        let Some(queue) = todo.queue_mut() else {
            return Err(Halt::Hopeless(format!("the to-do of {key} is not a queue of facts")));
        };
        if queue.len() >= MAX_QUEUED {
            return Err(Halt::Hopeless(format!("{MAX_QUEUED} facts of {key} wait behind one that cannot be folded")));
        }
        self.queued.push((queue.push(&TodoId::queue(&self.table, key)), fact.clone()));
        self.changed_queues.insert(key.to_owned());
        Ok(())
    }

    fn changes(&self) -> usize {
        self.rows.changed() + self.marks.changed() + self.changed_queues.len() + self.queued.len() + self.moved.len()
    }

    /// Moves the cursor of a partition.
    pub(crate) fn skip_to(&mut self, partition: Partition, offset: u64) {
        self.cursors.insert(partition.clone(), offset);
        self.moved.insert(partition);
    }

    /// Whether something is not in a Commit yet.
    pub(crate) fn is_dirty(&self) -> bool {
        self.changes() > 0
    }

    /// Queues one Commit of everything that changed.
    pub(crate) async fn flush(&mut self) -> Result<(), Halt> {
        let mut commit = self.commit()?;
        for (key, body) in self.rows.take_changed() {
            commit.docs.push(DocWrite { key: DocKey::new(&self.table, key), put: body });
        }
        for (subject, body) in self.marks.take_changed() {
            let key = DocKey::of(SEEN, format!("{}/{subject}", self.table));
            commit.docs.push(DocWrite { key, put: Some(body) });
        }
        for key in std::mem::take(&mut self.changed_queues) {
            let id = TodoId::queue(&self.table, &key);
            commit.docs.push(DocWrite { key: Todo::key(&id), put: self.queues.get(&key).map(|todo| todo.body(&id)) });
        }
        for (key, fact) in std::mem::take(&mut self.queued) {
            commit.docs.push(DocWrite { key, put: Some(fact_body(&fact)) });
        }
        let log = self.state.filling.as_ref().and_then(|it| it.noted.as_ref()).map_or(LogId(0), |noted| noted.log);
        for partition in std::mem::take(&mut self.moved) {
            let refill = self.refills.get(&partition).copied();
            let cursor = Cursor { log, offset: self.cursors[&partition], refill };
            let data = serde_json::to_vec(&cursor).expect("a cursor has string keys and encodes as JSON");
            let put = Some(DocBody { data: data.into(), index: Vec::new() });
            commit.docs.push(DocWrite { key: cursor_key(&self.table, &partition), put });
        }
        self.bytes = 0;
        self.note_progress();
        self.send(commit);
        self.pace_flight().await
    }

    /// A Commit that only the owner of this rebuild can make.
    pub(crate) fn commit(&self) -> Result<Commit, Halt> {
        let mut commit = Commit::new(commit_id(&self.core, &self.table));
        commit.guards.push(self.core.leases.guard(&self.lease).ok_or(Halt::Lost)?);
        commit.guards.push(Guard::Doc(State::key(self.model.root()), self.revision));
        Ok(commit)
    }

    /// Queues a Commit together with the state as it is now.
    pub(crate) fn send(&mut self, mut commit: Commit) {
        let put = Some(self.state.body());
        commit.docs.push(DocWrite { key: State::key(self.model.root()), put });
        self.revision = Some(commit.id);
        self.flying.push_back(self.core.store.commit(commit));
    }

    /// Waits until everything sent is durable.
    pub(crate) async fn settle(&mut self) -> Result<(), Halt> {
        while let Some(verdict) = self.flying.pop_front() {
            judge(&self.core, verdict.await)?;
        }
        Ok(())
    }

    async fn pace_flight(&mut self) -> Result<(), Halt> {
        if self.pace.is_busy().await {
            let since = self.core.env.mono();
            self.settle().await?;
            self.pace.rest(since).await;
        }
        while self.flying.len() > FLYING {
            let Some(verdict) = self.flying.pop_front() else { break };
            judge(&self.core, verdict.await)?;
        }
        Ok(())
    }

    fn note_progress(&mut self) {
        let own = self.core.map.name;
        let now = self.core.env.wall_ms();
        let Some(filling) = self.state.filling.as_mut() else { return };
        let until = filling.noted.as_ref().map_or(0, |noted| noted.until);
        let read =
            |(partition, offset): (&Partition, &u64)| if until > 0 && partition.topic == own { 0 } else { *offset };
        filling.done = filling.position.min(until) + self.cursors.iter().map(read).sum::<u64>();
        filling.total = filling.total.max(filling.done);
        filling.at_ms = now;
    }

    /// Makes room in memory. Only between facts that were taken together: those that wait rest on what is in memory.
    async fn forget(&mut self) -> Result<(), Halt> {
        if self.is_dirty() {
            self.flush().await?;
        }
        self.settle().await?;
        self.rows.forget();
        self.marks.forget();
        self.whole = false;
        Ok(())
    }

    /// Marks of subjects that are not in memory; this context's own feed tells everything once.
    async fn load_marks(&mut self, facts: &[Fact], envelopes: &[Option<Envelope<'_>>]) -> Result<(), Halt> {
        if self.whole {
            return Ok(());
        }
        let published = facts.iter().zip(envelopes).filter(|(fact, _)| matches!(fact.place, Place::Partition { .. }));
        let read = published.filter_map(|(_, envelope)| envelope.as_ref());
        let read = read.filter(|envelope| envelope.name().is_some_and(|(name, _)| self.model.reads(name)));
        let subjects: BTreeSet<_> =
            read.map(|envelope| (marked_source(envelope), storable(&envelope.subject))).collect();
        let missing: Vec<_> =
            subjects.into_iter().filter(|(source, subject)| !self.marks.has(source, subject)).collect();
        let key = |(source, subject): &(Cow<'_, str>, Cow<'_, str>)| {
            DocKey::of(SEEN, format!("{}/{source}/{subject}", self.table))
        };
        let keys = missing.iter().map(key).collect();
        let found = self.load(keys).await?;
        for ((source, subject), doc) in missing.into_iter().zip(found) {
            if let Some(seen) = doc.and_then(|data| serde_json::from_slice::<Seen>(&data).ok()) {
                self.marks.learn(&source, &subject, seen);
            }
        }
        Ok(())
    }

    async fn load_rows(&mut self) -> Result<(), Halt> {
        if self.whole {
            return Ok(());
        }
        let missing = self.rows.missing();
        let keys = missing.iter().map(|key| DocKey::new(&self.table, key)).collect();
        let found = self.load(keys).await?;
        for (key, row) in missing.into_iter().zip(found) {
            self.rows.learn(key, row.as_deref())?;
        }
        Ok(())
    }

    /// Documents of this generation; what is under way must be durable to be found.
    async fn load(&mut self, keys: Vec<DocKey>) -> Result<Vec<Option<Bytes>>, Halt> {
        /// Half a page of the store: a read holds a reader only so long.
        const AT_ONCE: usize = 500;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.settle().await?;
        let mut found = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(AT_ONCE) {
            let docs = self.core.store.docs(chunk.to_vec()).await.map_err(Halt::Store)?;
            found.extend(docs.into_iter().map(|doc| doc.map(|doc| doc.data)));
        }
        Ok(found)
    }
}

/// What an attempt means for a rebuild. What nobody knows the end of is found or not by whoever goes on.
pub(crate) fn tried(tried: Result<Tried, StoreError>) -> Result<(), Halt> {
    match tried {
        Ok(Tried::Done) => Ok(()),
        Ok(Tried::Overtaken(_)) => Err(Halt::Lost),
        Ok(Tried::Unknown(why)) => Err(Halt::Store(StoreError::Unknown(why))),
        Err(StoreError::Invalid(why)) => Err(Halt::Hopeless(why)),
        Err(error) => Err(Halt::Store(error)),
    }
}

/// The same of a verdict on one of several Commits that follow each other.
fn judge(core: &Core, verdict: Result<Verdict, StoreError>) -> Result<(), Halt> {
    match verdict {
        Ok(Verdict::Done) => Ok(()),
        Ok(Verdict::Refused(mismatches)) => {
            core.leases.learn(&mismatches);
            Err(Halt::Lost)
        }
        Err(StoreError::Invalid(why)) => Err(Halt::Hopeless(why)),
        Err(error) => Err(Halt::Store(error)),
    }
}

/// A name for a Commit of a rebuild.
pub(crate) fn commit_id(core: &Core, root: &str) -> CommitId {
    CommitId(digest(&["rebuild", root, &core.env.random().to_string()]))
}
