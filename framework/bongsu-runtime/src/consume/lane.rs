//! One lane per (consumer, partition): facts in offset order, each one Commit, many Commits in flight.
//!
//! Every Commit is guarded on the cursor the one before writes, so they are submitted without waiting and
//! group commit makes them one fsync. A refusal refuses everything after it in the lane; the lane then reads
//! its cursor again and plans from there.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::{
    commit::{
        core::Core,
        fail::Fail,
        map::Consumer,
        submit::{Queued, Settled},
        unit::Unit,
    },
    consume::inbox::Heard,
    ports::{
        broker::{In, LogId, Partition},
        coverage,
        store::{CommitId, DocBody, DocKey, Guard, StoreError},
    },
    records::{
        cursor::{Cursor, cursor_key},
        lease::Resource,
        todo::clipped,
        unreadable,
    },
};

pub(crate) struct Lane {
    pub(crate) consumer: Arc<dyn Consumer>,
    /// Of a read model: that the generation it fills is the one shown.
    shown: Option<Guard>,
    pub(crate) partition: Partition,
    lease: Resource,
    /// Of its cursor.
    key: DocKey,
    pub(crate) cursor: Option<Cursor>,
    /// Revision of the cursor document once everything submitted is applied.
    pub(crate) revision: Option<CommitId>,
    /// Facts were skipped since the cursor was last written.
    pub(crate) skipped: bool,
    /// By offset: facts whose Commits can never be stored.
    pub(crate) unfit: BTreeMap<u64, Unfit>,
    /// History is missing: the next offset to look at for a refill.
    pub(crate) looking: Option<u64>,
}

/// Why a lane stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Another instance reads this partition now, or another generation of the read model is shown: what is
    /// still held is opened anew.
    Lost,
    /// Something it rests on has changed: plan again.
    Refused,
    /// The store does not answer, or has what this build cannot read: try again.
    Later(Fail),
    /// Only an operator can help.
    Waits(String),
    /// The broker's history is not the one the cursor belongs to.
    OtherLog,
}

impl From<Fail> for Stop {
    fn from(fail: Fail) -> Self {
        Self::Later(fail)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Later(Fail::Store(error))
    }
}

/// What is to become of a fact.
pub(crate) enum InboxPlan {
    Skip,
    Unit(Box<Unit>),
    /// The queue of this key is full: the lane has to wait.
    Full(String),
    /// It cannot wait where it should.
    Unfit(String),
}

/// A fact whose Commit can never be stored.
pub(crate) struct Unfit {
    pub(crate) why: String,
    /// How many of its plans could not be.
    pub(crate) times: u32,
}

/// Commits on their way at once: group commit makes one write of what came while the last one was written, and this is
/// more than comes in that time.
const IN_FLIGHT: usize = 128;
/// Bytes that are kept of why a fact cannot be stored: what it is about may be as large as the fact, which was too large.
const MAX_WHY: usize = 1_000;
/// A fact is planned to wait in two ways, under its key and under its offset; then nothing is left to try.
const PLANS: u32 = 2;

impl Lane {
    /// Opens a lane at its cursor.
    pub(crate) async fn open(core: &Core, consumer: Arc<dyn Consumer>, partition: Partition) -> Result<Self, Stop> {
        let lease = Resource::lane(consumer.name(), &partition);
        let (consumer, shown) = core.reader(consumer).await?;
        let key = cursor_key(consumer.name(), &partition);
        let mut lane = Self {
            consumer,
            shown,
            partition,
            lease,
            key,
            cursor: None,
            revision: None,
            skipped: false,
            unfit: BTreeMap::new(),
            looking: None,
        };
        lane.reread(core).await?;
        Ok(lane)
    }

    /// The next offset to fetch.
    pub(crate) fn offset(&self) -> u64 {
        self.looking.unwrap_or_else(|| self.cursor_offset())
    }

    fn cursor_offset(&self) -> u64 {
        self.cursor.as_ref().map_or(0, |cursor| cursor.offset)
    }

    /// Handles what was fetched, in order, until all of it is durable.
    pub(crate) async fn handle(&mut self, core: &Arc<Core>, log: LogId, messages: &[In]) -> Result<(), Stop> {
        let messages = if self.is_cut() { self.find_refill(core, log, messages).await? } else { messages };
        if self.is_cut() {
            return Ok(());
        }
        let cursor = self.cursor.get_or_insert(Cursor { log, offset: 0, refill: None });
        if cursor.log != log {
            return Err(Stop::OtherLog);
        }
        let heard: Vec<_> = messages.iter().map(|message| Heard::of(message, self.consumer.as_ref())).collect();
        self.look_ahead(core, &heard).await?;
        self.pass(core, &heard).await
    }

    /// Gets ready for another attempt at the same messages, from the cursor in the store on; false when they are not
    /// what comes next there: what was passed over before them is not durable, and the end of a refill may be among it.
    pub(crate) async fn again(&mut self, core: &Arc<Core>, messages: &[In]) -> Result<bool, Stop> {
        self.reread(core).await?;
        core.env.sometimes(coverage::LANE_AGAIN);
        if messages.first().is_some_and(|first| self.offset() < first.offset) {
            return Ok(false);
        }
        Ok(true)
    }

    /// Writes the cursor down if only skipped facts moved it.
    pub(crate) async fn rest(&mut self, core: &Arc<Core>) -> Result<(), Stop> {
        if !self.skipped {
            return Ok(());
        }
        let mut unit = Unit::new(core);
        self.advance(core, &mut unit)?;
        let Ok(queued) = core.submit(unit.plan()) else { return Ok(()) };
        self.revision = Some(queued.id);
        self.skipped = false;
        match core.settle(queued).await {
            Settled::Done => Ok(()),
            _ => self.reread(core).await,
        }
    }

    /// One attempt: plan and submit in order, collect the verdicts in order.
    async fn pass(&mut self, core: &Arc<Core>, heard: &[Heard<'_>]) -> Result<(), Stop> {
        let mut flying = VecDeque::new();
        let mut failed = None;
        for heard in heard {
            if heard.message.offset < self.offset() {
                continue;
            }
            if flying.len() == IN_FLIGHT {
                failed = self.settle_first(core, &mut flying).await.err();
            }
            if failed.is_none() {
                failed = self.submit(core, heard, &mut flying).await.err();
            }
            if failed.is_some() {
                break;
            }
        }
        while !flying.is_empty() {
            let verdict = self.settle_first(core, &mut flying).await.err();
            failed = failed.or(verdict);
        }
        if !core.leases.holds(&self.lease) {
            return Err(Stop::Lost);
        }
        failed.map_or(Ok(()), Err)
    }

    /// Waits for the verdict on what was submitted first.
    async fn settle_first(&mut self, core: &Core, flying: &mut VecDeque<(u64, Queued)>) -> Result<(), Stop> {
        let Some((offset, queued)) = flying.pop_front() else { return Ok(()) };
        match core.settle(queued).await {
            Settled::Done => {
                self.unfit.remove(&offset);
                Ok(())
            }
            Settled::Refused(_) => Err(Stop::Refused),
            Settled::Failed(StoreError::Invalid(why)) => self.cannot_be_stored(offset, why).and(Err(Stop::Refused)),
            Settled::Failed(error) => Err(error.into()),
        }
    }

    /// Notes that what a fact changes can never be stored: from here on it is planned to wait, first under its key,
    /// then, if even that cannot be stored, under its offset.
    fn cannot_be_stored(&mut self, offset: u64, why: String) -> Result<(), Stop> {
        let unfit = self.unfit.entry(offset).or_insert(Unfit { why: String::new(), times: 0 });
        *unfit = Unfit { why: clipped(why, MAX_WHY), times: unfit.times + 1 };
        if unfit.times > PLANS {
            Err(Stop::Waits(format!("fact {offset} cannot even be parked: {}", unfit.why)))
        } else {
            Ok(())
        }
    }

    /// Plans one fact until it rests on nothing stale, and queues it.
    async fn submit(
        &mut self,
        core: &Arc<Core>,
        heard: &Heard<'_>,
        flying: &mut VecDeque<(u64, Queued)>,
    ) -> Result<(), Stop> {
        let message = heard.message;
        let next = Cursor { offset: message.offset + 1, ..self.cursor.expect("set before the first pass") };
        if let Some(passed) = self.pass_over(message) {
            self.cursor = Some(passed);
            self.skipped = true;
            return Ok(());
        }
        loop {
            match self.plan(core, heard).await? {
                InboxPlan::Skip => {
                    self.cursor = Some(next);
                    self.skipped = true;
                    return Ok(());
                }
                InboxPlan::Full(why) => return Err(Stop::Waits(why)),
                InboxPlan::Unfit(why) => self.cannot_be_stored(message.offset, why)?,
                InboxPlan::Unit(unit) => {
                    if let Some(queued) = self.queue(core, next, *unit).await? {
                        flying.push_back((message.offset, queued));
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Queues what a fact changes together with the cursor behind it; `None`: it has to be planned again.
    async fn queue(&mut self, core: &Arc<Core>, next: Cursor, mut unit: Unit) -> Result<Option<Queued>, Stop> {
        let before = self.cursor.replace(next);
        self.advance(core, &mut unit)?;
        let (id, plan) = (unit.id, unit.plan());
        if let Err(StoreError::Invalid(why)) = plan.commit.check() {
            self.cursor = before;
            // Only if it would come out the same on what the store holds.
            if !core.hold(plan).await? {
                return Err(Stop::Refused);
            }
            self.cannot_be_stored(next.offset - 1, why)?;
            return Ok(None);
        }
        let Ok(queued) = core.submit(plan) else {
            self.cursor = before;
            return Ok(None);
        };
        self.revision = Some(id);
        self.skipped = false;
        Ok(Some(queued))
    }

    /// Guards the lease and the cursor as the Commit before leaves it, and moves the cursor.
    pub(crate) fn advance(&self, core: &Core, unit: &mut Unit) -> Result<(), Stop> {
        let fence = core.leases.guard(&self.lease).ok_or(Stop::Lost)?;
        unit.fence(fence);
        unit.fence(Guard::Doc(self.key.clone(), self.revision));
        self.shown.iter().for_each(|shown| unit.fence(shown.clone()));
        let data = serde_json::to_vec(&self.cursor).expect("a cursor has string keys and encodes as JSON");
        unit.put(self.key.clone(), Some(DocBody { data: data.into(), index: Vec::new() }));
        Ok(())
    }

    async fn reread(&mut self, core: &Core) -> Result<(), Stop> {
        let mut keys = vec![self.key.clone()];
        keys.extend(self.shown.iter().filter_map(key_of));
        let mut found = core.store.docs(keys).await?.into_iter();
        let (found, shown) = (found.next().flatten(), found.next().flatten());
        if let Some(Guard::Doc(_, revision)) = &self.shown
            && shown.map(|doc| doc.revision) != *revision
        {
            return Err(Stop::Lost);
        }
        self.revision = found.as_ref().map(|doc| doc.revision);
        self.skipped = false;
        if let Some(doc) = found {
            self.cursor = Some(unreadable::read(&doc.key, &doc.data).map_err(Fail::from)?);
        } else if let Some(cursor) = &mut self.cursor {
            cursor.offset = 0;
        }
        Ok(())
    }
}

/// The document a guard is about.
fn key_of(guard: &Guard) -> Option<DocKey> {
    match guard {
        Guard::Doc(key, _) => Some(key.clone()),
        _ => None,
    }
}
