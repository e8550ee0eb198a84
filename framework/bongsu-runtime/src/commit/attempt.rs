//! One attempt at a change: it is queued and waited for. Whoever plans again afterwards plans on what the store holds: what
//! was refused, and what nobody knows the end of, is not believed any more.

use std::sync::Arc;

use crate::{
    commit::{
        core::Core,
        submit::{Settled, Stale},
        unit::Plan,
    },
    ports::{
        coverage,
        store::{Commit, CommitId, DocKey, Mismatch, StoreError, Verdict},
    },
};

/// How an attempt ended, unless the store failed.
pub(crate) enum Tried {
    /// Durable.
    Done,
    /// Something it rests on has changed; what the store said of it, and nothing when it was known here already.
    Overtaken(Vec<Mismatch>),
    /// It may be durable, and nothing that it wrote is there to show it: planned again, it finds what it did itself.
    Unknown(String),
}

/// What there is to do about documents, as the store has them.
pub(crate) enum Planned<T> {
    /// Nothing, and what is told then.
    Nothing(T),
    /// To write this, and what is told once it is durable.
    Write(Commit, T),
}

/// By what a Commit is known in the store: its name stands at every document it wrote.
struct Trace {
    id: CommitId,
    docs: Vec<DocKey>,
}

impl Core {
    /// Queues a plan and waits for what becomes of it.
    pub(crate) async fn attempt(self: &Arc<Self>, plan: Plan) -> Result<Tried, StoreError> {
        let trace = Trace::of(&plan.commit);
        let queued = match self.submit(plan) {
            Ok(queued) => queued,
            Err(Stale) => return Ok(Tried::Overtaken(Vec::new())),
        };
        match self.settle(queued).await {
            Settled::Done => Ok(Tried::Done),
            Settled::Refused(mismatches) => Ok(Tried::Overtaken(mismatches)),
            Settled::Failed(StoreError::Unknown(why)) => {
                let tried = self.reread(trace, why).await;
                if matches!(tried, Ok(Tried::Done)) {
                    // What of it is due nobody was told.
                    self.due.look_at_all();
                }
                tried
            }
            Settled::Failed(error) => Err(error),
        }
    }

    /// The same of a Commit of documents that no cache has.
    pub(crate) async fn attempt_documents(&self, commit: Commit) -> Result<Tried, StoreError> {
        let trace = Trace::of(&commit);
        match self.store.commit(commit).await {
            Ok(Verdict::Done) => Ok(Tried::Done),
            Ok(Verdict::Refused(mismatches)) => {
                self.leases.learn(&mismatches);
                Ok(Tried::Overtaken(mismatches))
            }
            Err(StoreError::Unknown(why)) => self.reread(trace, why).await,
            Err(error) => Err(error),
        }
    }

    /// Plans documents that no cache has and attempts that until it is durable, at most so many times. `None`: others were
    /// faster each time.
    pub(crate) async fn until_durable<T, E, F>(&self, tries: u32, plan: impl Fn() -> F) -> Result<Option<T>, E>
    where
        E: From<StoreError>,
        F: Future<Output = Result<Planned<T>, E>>,
    {
        for _ in 0..tries {
            let (commit, then) = match plan().await? {
                Planned::Nothing(told) => return Ok(Some(told)),
                Planned::Write(commit, then) => (commit, then),
            };
            if let Tried::Done = self.attempt_documents(commit).await? {
                return Ok(Some(then));
            }
        }
        Ok(None)
    }

    /// After Unknown, what was written is read: if any of it is there, all of it is. What others have written over meanwhile
    /// shows nothing, and neither do events.
    async fn reread(&self, Trace { id, docs }: Trace, why: String) -> Result<Tried, StoreError> {
        let found = if docs.is_empty() { Vec::new() } else { self.store.docs(docs).await? };
        if found.iter().flatten().any(|doc| doc.revision == id) {
            self.env.sometimes(coverage::UNKNOWN_APPLIED);
            return Ok(Tried::Done);
        }
        Ok(Tried::Unknown(why))
    }
}

impl Trace {
    fn of(commit: &Commit) -> Self {
        let kept = commit.docs.iter().filter(|write| write.put.is_some());
        Self { id: commit.id, docs: kept.map(|write| write.key.clone()).collect() }
    }
}
