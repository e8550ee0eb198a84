//! What can be deleted: the one room that touches the documents of persons, sessions, codes, tokens and keys.
//!
//! None of it is ever in an event, a fact, a log line, a trace or a kept reply. A secret is kept as its digest. Each table is
//! a type; [`Private::transact`] changes some of them at once, guarded on all it read.

pub(crate) mod tables;

use std::sync::{Arc, Mutex, PoisonError};

use bongsu_core::{CommandId, Ctx, Takes};
use bongsu_runtime::{Call, CommandError, Handle, Outcome, Range, Reply, Script, ports::store::DocKey};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use self::tables::{Document, PERSON};
use crate::crypto;

/// Most documents of one kind that are read of one person.
const MOST: u32 = 200;
/// The only document of its table.
const ONE: &str = "1";

/// The documents of a running service.
#[derive(Clone)]
pub(crate) struct Private {
    handle: Handle,
    /// The secret behind every digest of a name, and every proof that is not kept.
    pepper: Arc<OnceCell<String>>,
}

/// A secret of this store.
#[derive(Serialize, Deserialize)]
struct Pepper {
    secret: String,
}

impl Document for Pepper {
    const TABLE: &'static str = "identity-pepper";
}

impl Private {
    pub(crate) fn new(handle: Handle) -> Self {
        Self { handle, pepper: Arc::default() }
    }

    /// A document.
    pub(crate) async fn get<D: Document>(&self, id: &str) -> Result<Option<D>, CommandError> {
        self.handle.document(D::TABLE, id).await
    }

    /// A person's documents of one kind, with their ids.
    pub(crate) async fn of_person<D: Document>(&self, person: &str) -> Result<Vec<(String, D)>, CommandError> {
        self.by_index(PERSON, person.as_bytes().to_vec(), MOST).await
    }

    /// Documents by the beginning of an index's key.
    pub(crate) async fn by_index<D: Document>(
        &self,
        index: u16,
        prefix: Vec<u8>,
        limit: u32,
    ) -> Result<Vec<(String, D)>, CommandError> {
        let range = Range { index: Some(index), prefix, after: None, descending: false, limit };
        Ok(self.handle.documents::<D>(D::TABLE, range).await?.rows)
    }

    /// Changes documents at once. What `work` says is what happened; with `Err` nothing was written, but what was read
    /// still held.
    pub(crate) async fn transact<T: Send, E: Send>(
        &self,
        reads: Vec<DocKey>,
        work: impl Fn(&mut Script<'_>) -> Result<T, E> + Send + Sync,
    ) -> Result<Result<T, E>, CommandError> {
        let said = Mutex::new(None);
        let work = |script: &mut Script<'_>| {
            let outcome = work(script);
            let reply = if outcome.is_ok() { Ok(nothing()) } else { Err(nothing()) };
            *said.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            reply
        };
        self.handle.script(&self.call("identity"), &reads, &work).await?;
        let said = said.into_inner().unwrap_or_else(PoisonError::into_inner);
        said.ok_or_else(|| CommandError::Unavailable("a script was not run".into()))
    }

    /// The same with a command at the end: the documents are written if it is accepted, in the same Commit.
    ///
    /// # Errors
    /// The inner one is what `work` refused, or what `refused` makes of the command's rejection.
    pub(crate) async fn command<T: Takes<Kind>, Kind, E: Send>(
        &self,
        actor: &str,
        reads: Vec<DocKey>,
        work: impl Fn(&mut Script<'_>) -> Result<T::Command, E> + Send + Sync,
        refused: impl Fn(T::Rejection) -> E + Send + Sync,
    ) -> Result<Result<(), E>, CommandError> {
        let why = Mutex::new(None);
        let note = |outcome| *why.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
        let work = |script: &mut Script<'_>| {
            work(script).map_err(|error| {
                note(Some(error));
                nothing()
            })
        };
        let reply = |outcome: Outcome<'_, T::Rejection>| {
            note(match outcome {
                Outcome::Accepted { .. } => None,
                Outcome::Rejected(rejection) => Some(refused(rejection)),
            });
            nothing()
        };
        self.handle.script_command::<T, Kind>(&self.call(actor), &reads, &work, reply).await?;
        let why = why.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(why.map_or(Ok(()), Err))
    }

    /// Rids the store's files of what was deleted.
    pub(crate) async fn scrub(&self) -> Result<(), CommandError> {
        self.handle.scrub().await
    }

    /// The secret of this store, made when it is first asked for.
    pub(crate) async fn pepper(&self) -> Result<&str, CommandError> {
        let make = || async {
            let drawn = crypto::secret(self.handle.env().as_ref());
            let made = self.transact(vec![Pepper::key(ONE)], |script| match script.get::<Pepper>(Pepper::TABLE, ONE) {
                Some(kept) => Err(kept.secret),
                None => {
                    Pepper { secret: drawn.clone() }.put(script, ONE);
                    Ok(drawn.clone())
                }
            });
            Ok::<_, CommandError>(made.await?.unwrap_or_else(|kept| kept))
        };
        self.pepper.get_or_try_init(make).await.map(String::as_str)
    }

    /// A call of somebody's, or of the service's own. Sent twice, it happens twice.
    pub(crate) fn call(&self, actor: &str) -> Call {
        let env = self.handle.env();
        let random = u128::from(env.random()) << 64 | u128::from(env.random());
        Call { ctx: Ctx::new(env.wall_ms(), CommandId(random), actor), once: None }
    }
}

fn nothing() -> Reply {
    Reply { status: 204, headers: Vec::new(), body: Bytes::new() }
}
