//! What an adapter calls: commands, scripts, reads, and an operator's questions.

use std::sync::Arc;

use bongsu_core::{Aggregate, Projection, Takes, Wire, stream_of};
use serde::de::DeserializeOwned;

use crate::{
    command::{
        execute::{self, Answer, Call, Decide, Outcome},
        script::{Script, Scripted},
    },
    commit::{
        core::Core,
        fail::{CommandError, failed},
        health::Status,
    },
    operate::{
        adopt::{Adoption, adopt},
        metrics,
        note::Deed,
        orphans::{Applied, applied},
        parked::{self, Parked},
        republish::{ask_again, list_waiting},
    },
    ports::{
        env::Env,
        figure::Figure,
        store::{CommitId, DocKey, Position, Read, StoredEvent},
    },
    projection::{
        rebuild::{
            self,
            ask::{NotRebuilt, ReadModelStatus},
            old::NotDropped,
        },
        rows,
    },
    query::{
        follow::Follower,
        past::{self, Entry, Moment, PastError, Reading},
        read::{self, Page, Range},
    },
    records::{message::Message, once::Reply, rebuild::Purpose, refill::Refill, token::Token},
    snapshot::nightly::{self, Walk},
};

/// A running service as its adapters see it. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(crate) core: Arc<Core>,
}

impl Handle {
    /// The context's name.
    pub fn name(&self) -> &'static str {
        self.core.map.name
    }

    /// Time, chance and tasks.
    pub fn env(&self) -> &Arc<dyn Env> {
        &self.core.env
    }

    /// Has `T`, a decider or a decision, decide a command, commits what follows, and answers once it is durable. With a
    /// once-key the reply is kept: a repetition gets it byte for byte.
    ///
    /// # Errors
    /// See [`CommandError`]. A rejection is no error: it is an [`Outcome`] that `reply` turns into an answer.
    pub async fn execute<T: Takes<Kind>, Kind>(
        &self,
        command: impl Into<T::Command>,
        call: &Call,
        reply: impl Fn(Outcome<'_, T::Rejection>) -> Reply + Send + Sync,
    ) -> Result<Answer, CommandError> {
        let reply = |outcome: Outcome<'_, Message>| execute::typed(outcome).map(&reply);
        let decide = Decide { command: Message::of(command.into()), ctx: &call.ctx, reply: &reply };
        execute::run(&self.core, call, &decide).await
    }

    /// The same for who does not know what in the map takes this command, as tools and tests.
    ///
    /// # Errors
    /// See [`execute`](Self::execute).
    pub async fn execute_any<C: Wire>(
        &self,
        command: &C,
        call: &Call,
        reply: &(dyn Fn(&Outcome<'_>) -> Reply + Send + Sync),
    ) -> Result<Answer, CommandError> {
        let reply = |outcome: Outcome<'_, Message>| Ok(reply(&execute::hidden(outcome)));
        let decide = Decide { command: Message::of(command.clone()), ctx: &call.ctx, reply: &reply };
        execute::run(&self.core, call, &decide).await
    }

    /// Runs a transaction script over the documents it reads. `Err` of the script answers without writing.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn script(
        &self,
        call: &Call,
        reads: &[DocKey],
        work: &(dyn Fn(&mut Script<'_>) -> Result<Reply, Reply> + Send + Sync),
    ) -> Result<Answer, CommandError> {
        execute::run(&self.core, call, &Scripted { ctx: &call.ctx, reads, work }).await
    }

    /// State and version of an aggregate; version 0 when it was never written.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn load<A: Aggregate>(&self, id: &str) -> Result<(A::State, u64), CommandError>
    where
        A::State: Clone + Send + Sync + 'static,
    {
        read::load::<A>(&self.core, id).await
    }

    /// State and version of an aggregate as they were.
    ///
    /// # Errors
    /// See [`PastError`].
    pub async fn load_at<A: Aggregate>(&self, id: &str, at: Moment) -> Result<(A::State, u64), PastError>
    where
        A::State: Clone + Send + Sync + 'static,
    {
        past::load::<A>(&self.core, id, at).await
    }

    /// What happened to an aggregate after a version, oldest first: its audit trail.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn trail<A: Aggregate>(&self, id: &str, after: u64, limit: u32) -> Result<Vec<Entry>, CommandError> {
        past::trail(&self.core, &stream_of(A::NAME, id), after, limit).await
    }

    /// Follows an aggregate: its events from the first one on, as they are committed, or from
    /// [`behind`](Follower::behind) a version on.
    pub fn follow<A: Aggregate>(&self, id: &str) -> Follower<A>
    where
        A::State: Clone + Send + Sync + 'static,
    {
        Follower::new(&self.core, id)
    }

    /// A document a script wrote.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn document<T: DeserializeOwned>(&self, table: &str, id: &str) -> Result<Option<T>, CommandError> {
        read::document(&self.core, table, id).await
    }

    /// Documents scripts wrote.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn documents<T: DeserializeOwned>(&self, table: &str, range: Range) -> Result<Page<T>, CommandError> {
        read::page(&self.core, table, range).await
    }

    /// A row of a read model.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn row<P: Projection>(&self, key: &str) -> Result<Option<P::Row>, CommandError> {
        rows::row::<P>(&self.core, key).await
    }

    /// Rows of a read model by their keys, in the order asked, all of one moment and in one reading.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn rows_of<P: Projection>(&self, keys: &[String]) -> Result<Vec<Option<P::Row>>, CommandError> {
        rows::rows_of::<P>(&self.core, keys).await
    }

    /// A row of a read model with the Commit that wrote it last, which is its version.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn revised_row<P: Projection>(&self, key: &str) -> Result<Option<(P::Row, CommitId)>, CommandError> {
        rows::revised_row::<P>(&self.core, key).await
    }

    /// Rows of a read model.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn rows<P: Projection>(&self, range: Range) -> Result<Page<P::Row>, CommandError> {
        rows::rows::<P>(&self.core, range).await
    }

    /// Whether a read model can ever show what a token names: it hears that context, and if the context is this
    /// one, the token was given by it.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn can_show<P: Projection>(&self, token: &Token) -> Result<bool, CommandError> {
        rows::can_show::<P>(&self.core, token).await
    }

    /// Waits until a read model shows what a token names.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`] after two seconds, and at once while that key is parked, while more wait than
    /// there is room for, or when the token is far beyond what was seen.
    pub async fn await_token<P: Projection>(&self, token: &Token) -> Result<(), CommandError> {
        rows::await_token::<P>(&self.core, token).await
    }

    /// Whether this instance is ready.
    pub fn status(&self) -> Status {
        self.core.health.status()
    }

    /// What this instance counts and measures.
    pub async fn figures(&self) -> Vec<Figure> {
        metrics::all(&self.core).await
    }

    /// Resolves with the reason when nothing is done here any more and the process should end: another one has taken its
    /// slot, or a topic has another number of partitions than this one was told.
    pub async fn over(&self) -> String {
        self.core.health.until_over().await
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

    /// What waits for an operator.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn parked(&self) -> Result<Vec<Parked>, CommandError> {
        parked::list(&self.core).await
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
        parked::unpark(&self.core, id, deed).await
    }

    /// Gives up the oldest fact of a parked queue, or a parked timer, job or undo; false when there is none of that
    /// id. Facts behind it are tried at once. Written down as an event.
    ///
    /// # Errors
    /// See [`CommandError`]; [`CommandError::Invalid`] without a reason.
    pub async fn evict(&self, id: &str, deed: &Deed) -> Result<bool, CommandError> {
        parked::evict(&self.core, id, deed).await
    }
}
