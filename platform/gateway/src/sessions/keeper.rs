//! Who is in a session now. What is known is asked again after a few seconds: of the store, because another gateway may have
//! ended it, and of the issuer, because somebody may be locked, or be something else now. An issuer that is silent changes
//! nothing. Of one session's requests one asks, the others wait for what it hears.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bongsu_host::TokioEnv;
use bongsu_keys::Vouched;
use bongsu_runtime::ports::env::Env as _;
use bongsu_runtime::ports::store::{CommitId, StoreError};
use lru::LruCache;
use tokio::time::Instant;

use super::Sessions;
use super::provider::{Given, NotGiven, Provider, Told};
use super::shelf::{Kept, Session, Shelf, digest};

/// So many are remembered, of some 6 KiB each with their tokens: more browsers at once are read again.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4_096).expect("some");
/// So long before its end an access token is replaced, in seconds: a request under way should not meet it.
const BEFORE_S: u64 = 20;
/// An issuer that was silent is not asked again so long, by nobody.
const QUIET: Duration = Duration::from_secs(2);
/// When it was used is written down no more often, in milliseconds.
const USED_MS: i64 = 60_000;
/// Between two rounds of sweeping.
const SWEEP: Duration = Duration::from_secs(60);

/// Every session.
pub(crate) struct Keeper {
    shelf: Shelf,
    provider: Arc<Provider>,
    settings: Sessions,
    known: Mutex<LruCache<String, Arc<Known>>>,
    quiet_until: Mutex<Option<Instant>>,
    env: TokioEnv,
}

/// What is known of one.
#[derive(Default)]
struct Known {
    /// Held while somebody asks.
    turn: tokio::sync::Mutex<()>,
    last: Mutex<Option<Last>>,
}

#[derive(Clone)]
struct Last {
    session: Session,
    asked: Instant,
}

/// Who is in a session.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    Somebody(Box<Session>),
    /// There is none of that name, or none any more.
    Nobody,
    /// The store does not answer.
    Unknown,
}

/// What became of one that was asked about.
enum Checked {
    Same,
    Changed(Session),
    Ended(&'static str),
}

impl Keeper {
    pub(crate) fn new(shelf: Shelf, provider: Arc<Provider>, settings: Sessions) -> Self {
        let env = TokioEnv::new(None).expect("no crash point was asked for");
        let known = Mutex::new(LruCache::new(REMEMBERED));
        Self { shelf, provider, settings, known, quiet_until: Mutex::default(), env }
    }

    /// Who is in the session of that name, as far as that is known without asking.
    pub(crate) fn peek(&self, secret: &str) -> Option<Vouched> {
        let known = locked(&self.known).get(&digest(secret)).cloned()?;
        self.fresh(&known).map(|session| session.vouched())
    }

    /// Who is in the session of that name.
    pub(crate) async fn find(&self, secret: &str) -> Found {
        let id = digest(secret);
        let known = locked(&self.known).get(&id).cloned();
        // Names that nobody has must not drive out those of others.
        let known = match known {
            Some(known) => known,
            None => match self.shelf.get(&id).await {
                Ok(Some(_)) => Arc::clone(locked(&self.known).get_or_insert(id.clone(), Arc::default)),
                Ok(None) => return Found::Nobody,
                Err(why) => return unknown(&why),
            },
        };
        let _turn = known.turn.lock().await;
        if let Some(session) = self.fresh(&known) {
            return Found::Somebody(Box::new(session));
        }
        match self.look(&id).await {
            Ok(Some(session)) => {
                *locked(&known.last) = Some(Last { session: session.clone(), asked: Instant::now() });
                Found::Somebody(Box::new(session))
            }
            Ok(None) => {
                locked(&self.known).pop(&id);
                Found::Nobody
            }
            Err(why) => unknown(&why),
        }
    }

    /// Opens a session for who was given tokens, instead of one that the browser had; returns its name.
    pub(crate) async fn open(&self, given: Given, had: Option<&str>) -> Result<String, StoreError> {
        let secret = self.secret();
        let now_ms = self.env.wall_ms();
        let Given { person, name, tokens } = given;
        let session =
            Session { person: person.name, roles: person.roles, name, tokens, made_ms: now_ms, used_ms: now_ms };
        let others = self.shelf.of_person(&session.person).await?;
        let mut gone: Vec<String> = others.into_iter().skip(self.settings.most - 1).collect();
        gone.extend(had.map(digest));
        gone.sort();
        gone.dedup();
        self.shelf.put(&digest(&secret), &session, self.ends_ms(&session), None, self.commit()).await.map(drop)?;
        self.forget(&gone).await?;
        Ok(secret)
    }

    /// Ends a session; returns what it was.
    pub(crate) async fn close(&self, secret: &str) -> Result<Option<Session>, StoreError> {
        let id = digest(secret);
        let kept = self.shelf.get(&id).await?;
        self.forget(&[id]).await?;
        Ok(kept.map(|kept| kept.session))
    }

    /// Deletes what counts no more, for ever.
    pub(crate) async fn sweep(&self) {
        loop {
            if let Err(why) = self.round().await {
                tracing::warn!(reason = %why, "sessions that are over are deleted later");
            }
            tokio::time::sleep(SWEEP).await;
        }
    }

    async fn round(&self) -> Result<(), StoreError> {
        let mut has_deleted = false;
        loop {
            let over = self.shelf.over(self.env.wall_ms()).await?;
            if over.is_empty() {
                break;
            }
            self.forget(&over).await?;
            has_deleted = true;
        }
        if has_deleted { self.shelf.scrub().await } else { Ok(()) }
    }

    /// 256 random bits, in hexadecimal digits.
    pub(crate) fn secret(&self) -> String {
        (0..4).map(|_| format!("{:016x}", self.env.random())).collect()
    }

    /// When a session ends if nobody uses it, in milliseconds since the Unix epoch.
    pub(crate) fn ends_ms(&self, session: &Session) -> i64 {
        let idle_ms = session.used_ms.saturating_add(self.settings.idle_s * 1_000);
        idle_ms.min(session.made_ms.saturating_add(self.settings.life_s * 1_000))
    }

    fn fresh(&self, known: &Known) -> Option<Session> {
        let last = locked(&known.last);
        let last = last.as_ref().filter(|last| last.asked.elapsed() < self.settings.check())?;
        (self.ends_ms(&last.session) > self.env.wall_ms()).then(|| last.session.clone())
    }

    /// What is kept, if the issuer says nothing against it.
    async fn look(&self, id: &str) -> Result<Option<Session>, StoreError> {
        let Some(Kept { session, revision }) = self.shelf.get(id).await? else { return Ok(None) };
        let now_ms = self.env.wall_ms();
        if self.ends_ms(&session) <= now_ms {
            self.forget(&[id.to_owned()]).await?;
            return Ok(None);
        }
        let is_used_again = now_ms.saturating_sub(session.used_ms) >= USED_MS.min(self.settings.idle_s * 100);
        let changed = match self.check(&session).await {
            Checked::Ended(why) => {
                tracing::info!(reason = why, "a session has ended");
                self.forget(&[id.to_owned()]).await?;
                return Ok(None);
            }
            Checked::Changed(changed) => Session { used_ms: now_ms, ..changed },
            Checked::Same if is_used_again => Session { used_ms: now_ms, ..session },
            Checked::Same => return Ok(Some(session)),
        };
        let put = self.shelf.put(id, &changed, self.ends_ms(&changed), Some(revision), self.commit());
        match put.await? {
            Ok(()) => Ok(Some(changed)),
            // Another gateway was faster: it ended the session, or has asked the same.
            Err(instead) => Ok(instead.map(|kept| kept.session)),
        }
    }

    async fn check(&self, session: &Session) -> Checked {
        if self.is_quiet() {
            return Checked::Same;
        }
        let now_s = u64::try_from(self.env.wall_ms() / 1_000).unwrap_or(0);
        if session.tokens.until_s <= now_s.saturating_add(BEFORE_S) && session.tokens.refresh.is_some() {
            return self.refresh(session).await;
        }
        match self.provider.ask(&session.person, &session.tokens.access).await {
            Told::Still(Some(roles)) if roles != session.roles => {
                Checked::Changed(Session { roles, ..session.clone() })
            }
            Told::Still(_) => Checked::Same,
            Told::Gone => self.refresh(session).await,
            Told::Silent => self.silent(),
        }
    }

    async fn refresh(&self, session: &Session) -> Checked {
        match self.provider.refresh(&session.tokens).await {
            Ok((person, _)) if person.name != session.person => Checked::Ended("the issuer names somebody else"),
            Ok((person, tokens)) => Checked::Changed(Session { roles: person.roles, tokens, ..session.clone() }),
            Err(NotGiven::Refused(why)) => Checked::Ended(why),
            Err(NotGiven::Silent) => self.silent(),
        }
    }

    fn silent(&self) -> Checked {
        *locked(&self.quiet_until) = Some(Instant::now() + QUIET);
        Checked::Same
    }

    fn is_quiet(&self) -> bool {
        locked(&self.quiet_until).is_some_and(|until| Instant::now() < until)
    }

    async fn forget(&self, ids: &[String]) -> Result<(), StoreError> {
        if !ids.is_empty() {
            self.shelf.delete(ids, self.commit()).await?;
        }
        let mut known = locked(&self.known);
        ids.iter().for_each(|id| drop(known.pop(id)));
        Ok(())
    }

    fn commit(&self) -> CommitId {
        CommitId(u128::from(self.env.random()) << 64 | u128::from(self.env.random()))
    }
}

fn unknown(why: &StoreError) -> Found {
    tracing::error!(reason = %why, "the store of sessions does not answer");
    Found::Unknown
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
