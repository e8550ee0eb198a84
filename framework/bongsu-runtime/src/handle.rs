//! What an adapter calls: commands, scripts and reads.

use std::sync::Arc;

use bongsu_core::{Aggregate, Projection, Takes, Wire, stream_of};
use serde::de::DeserializeOwned;

use crate::{
    ask::peer::Peer,
    command::{
        execute::{self, Answer, Call, Decide, Outcome},
        script::{Script, Scripted, ScriptedCommand},
    },
    commit::{
        core::Core,
        fail::{CommandError, failed},
        health::Status,
    },
    operate::operator::Operator,
    ports::{
        env::Env,
        store::{CommitId, DocKey},
    },
    projection::rows,
    query::{
        follow::Follower,
        past::{self, Entry, Moment, PastError},
        read::{self, Page, Range},
    },
    records::{forgotten::forgotten, message::Message, once::Reply, token::Token},
    service::wiring::Miswired,
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

    /// Runs a transaction script that ends in a command. What the script writes becomes one Commit with what is decided;
    /// when the command is rejected nothing of it is written. `Err` of the script answers without deciding.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn script_command<T: Takes<Kind>, Kind>(
        &self,
        call: &Call,
        reads: &[DocKey],
        work: &(dyn Fn(&mut Script<'_>) -> Result<T::Command, Reply> + Send + Sync),
        reply: impl Fn(Outcome<'_, T::Rejection>) -> Reply + Send + Sync,
    ) -> Result<Answer, CommandError> {
        let work = |script: &mut Script<'_>| work(script).map(Message::of);
        let reply = |outcome: Outcome<'_, Message>| execute::typed(outcome).map(&reply);
        execute::run(&self.core, call, &ScriptedCommand { ctx: &call.ctx, reads, work: &work, reply: &reply }).await
    }

    /// Sees to it that nothing of what was deleted before lies in the store's files any more.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`] when that cannot be said yet; asked again, it may be.
    pub async fn scrub(&self) -> Result<(), CommandError> {
        self.core.store.scrub().await.map_err(failed)
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

    /// Whether somebody is forgotten here, as [`Service::forgets`](crate::Service::forgets) says.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn is_forgotten(&self, whom: &str) -> Result<bool, CommandError> {
        let found = self.core.store.docs(vec![forgotten(whom)]).await.map_err(failed)?;
        Ok(found.into_iter().flatten().next().is_some())
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

    /// The row of a read model once it is another than the one that was written by `known`; `None` once there is none. Waits as
    /// long as it takes, and sees the newest: what it was in between is not told.
    ///
    /// # Errors
    /// See [`CommandError`]; [`CommandError::Unavailable`] also while more wait than there is room for.
    pub async fn changed_row<P: Projection>(
        &self,
        key: &str,
        known: Option<CommitId>,
    ) -> Result<Option<(P::Row, CommitId)>, CommandError> {
        rows::changed_row::<P>(&self.core, key, known).await
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

    /// Another service, to be asked as the map declares it. Taken while the routes are made, one that the map does not
    /// declare keeps the process from starting; later it only never answers.
    pub fn peer(&self, name: &'static str) -> Peer {
        self.core.peers.of(name)
    }

    /// Whether everybody who was wanted by [`peer`](Self::peer) is declared. Whoever runs a service asks when its routes are
    /// made.
    ///
    /// # Errors
    /// One line that names whom the map does not declare.
    pub fn check_peers(&self) -> Result<(), Miswired> {
        let why = |name| format!("{} asks {name}, which its map does not say: .asks({name:?}, …)", self.name());
        self.core.peers.undeclared().map_or(Ok(()), |name| Err(Miswired(why(name))))
    }

    /// Resolves with the reason when nothing is done here any more and the process should end: another one has taken its
    /// slot, or a topic has another number of partitions than this one was told.
    pub async fn over(&self) -> String {
        self.core.health.until_over().await
    }

    /// What an operator sees and does.
    pub fn operator(&self) -> Operator {
        Operator { core: self.core.clone() }
    }
}
