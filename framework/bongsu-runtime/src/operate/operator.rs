//! What an operator sees and does with one service.

use std::sync::Arc;

use crate::{
    commit::{
        core::Core,
        fail::{CommandError, failed},
    },
    operate::{
        adopt::{Adoption, adopt},
        forgetting::{self, Forgetting},
        metrics,
        note::Deed,
        orphans::{Applied, applied},
        parked::{self, Parked},
        republish::{ask_again, list_waiting},
    },
    ports::{
        metric::Metric,
        store::{Position, Read, StoredEvent},
    },
    projection::rebuild::{
        self,
        ask::{NotRebuilt, ReadModelStatus},
        old::NotDropped,
    },
    query::past::{self, Reading},
    records::{rebuild::Purpose, republish::Refill, todo_id::TodoId},
    snapshot::nightly::{self, Walk},
};

/// A running service as its operator sees it. Whoever changes something says who does it, and why.
#[derive(Clone)]
pub struct Operator {
    pub(crate) core: Arc<Core>,
}

impl Operator {
    /// What this instance counts and measures.
    pub async fn metrics(&self) -> Vec<Metric> {
        metrics::all(&self.core).await
    }

    /// Events in commit order, public facts not included.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn events(&self, after: Position, limit: u32) -> Result<Vec<StoredEvent>, CommandError> {
        self.core.store.read(Read::Feed { after }, limit).await.map_err(failed)
    }

    /// The events of one stream after a version.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn events_of(&self, stream: &str, after: u64, limit: u32) -> Result<Vec<StoredEvent>, CommandError> {
        past::events(&self.core, stream, after, limit).await
    }

    /// How a stream is read: its version, its snapshot, and how many events are folded.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn reading(&self, stream: &str) -> Result<Reading, CommandError> {
        past::reading(&self.core, stream).await
    }

    /// Takes snapshots of streams that changed since the last walk, some hundred at once; ask again until it is
    /// done.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn snapshot(&self) -> Result<Walk, CommandError> {
        nightly::part(&self.core, None).await.map_err(failed)?.ok_or(CommandError::Conflict)
    }

    /// Begins to rebuild or to check a read model of this build, by its name; returns the generation being filled.
    ///
    /// # Errors
    /// See [`NotRebuilt`].
    pub async fn rebuild(&self, read_model: &str, purpose: Purpose) -> Result<u64, NotRebuilt> {
        rebuild::ask(&self.core, read_model, purpose).await
    }

    /// Ends a rebuild or a check that is under way; returns the generation that is given up. What is shown stays.
    ///
    /// # Errors
    /// See [`NotRebuilt`].
    pub async fn cancel_rebuild(&self, read_model: &str) -> Result<u64, NotRebuilt> {
        rebuild::cancel(&self.core, read_model).await
    }

    /// NAME@VERSION of the read models of which something is kept and that no running instance has.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn old_read_models(&self) -> Result<Vec<String>, CommandError> {
        rebuild::list_old(&self.core).await.map_err(failed)
    }

    /// Drops what is kept of one of them. A process of that version that is started again fills its table anew.
    ///
    /// # Errors
    /// See [`NotDropped`].
    pub async fn drop_read_model(&self, old: &str) -> Result<(), NotDropped> {
        rebuild::drop_old(&self.core, old).await
    }

    /// How far every read model is.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn read_models(&self) -> Result<Vec<ReadModelStatus>, CommandError> {
        rebuild::statuses(&self.core).await
    }

    /// What waits for an operator: the first [`PARKED_PAGE`](crate::PARKED_PAGE), in the order of their ids.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn parked(&self) -> Result<Vec<Parked>, CommandError> {
        self.parked_after("").await
    }

    /// The next ones: those after that id, which need not be there any more.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn parked_after(&self, id: &str) -> Result<Vec<Parked>, CommandError> {
        parked::list(&self.core, id).await
    }

    /// How far somebody is forgotten here.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn forgetting(&self, whom: &str) -> Result<Forgetting, CommandError> {
        forgetting::of(&self.core, whom).await.map_err(failed)
    }

    /// Asks for the context's facts to be published again, all or those of one stream; the number of the refill, or
    /// `None` when there is no such stream. Written down as an event.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn republish(&self, subject: Option<&str>, deed: &Deed) -> Result<Option<u64>, CommandError> {
        ask_again(&self.core, subject, deed).await
    }

    /// Refills that wait or are under way, in order.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn refills(&self) -> Result<Vec<Refill>, CommandError> {
        list_waiting(&self.core).await
    }

    /// What opening a new history of this store would do; `None` when store and broker have one history.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn survey(&self) -> Result<Option<Adoption>, CommandError> {
        adopt(&self.core, None).await
    }

    /// Opens a new history of this store, from the last place that it has in common with the broker; `None` when they have
    /// one history. Written down as an event.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn adopt(&self, deed: &Deed) -> Result<Option<Adoption>, CommandError> {
        adopt(&self.core, Some(deed)).await
    }

    /// What consumers of this service have last heard of subjects of another one beyond a position of its store.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn applied(&self, source: &str, after: u64) -> Result<Vec<Applied>, CommandError> {
        applied(&self.core, source, after).await.map_err(failed)
    }

    /// Makes a parked to-do due now; false when there is none of that id. Written down as an event.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn unpark(&self, id: &str, deed: &Deed) -> Result<bool, CommandError> {
        parked::unpark(&self.core, &TodoId::said(id), deed).await
    }

    /// Gives up the oldest fact of a parked queue, or a parked timer, job or undo; false when there is none of that
    /// id. Facts behind it are tried at once. Written down as an event.
    ///
    /// # Errors
    /// See [`CommandError`]; [`CommandError::Invalid`] without a reason.
    pub async fn evict(&self, id: &str, deed: &Deed) -> Result<bool, CommandError> {
        parked::evict(&self.core, &TodoId::said(id), deed).await
    }
}
