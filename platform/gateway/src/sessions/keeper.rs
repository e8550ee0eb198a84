//! Who is in a session now. What is known is asked again after a few seconds: of the store, because another gateway may have
//! ended it, and of the issuer, because somebody may be locked, or be something else now. An issuer that is silent changes
//! nothing. Of one session's requests one asks, the others wait for what it hears.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bongsu_host::TokioEnv;
use bongsu_keys::Vouched;
use bongsu_runtime::ports::env::Env as _;
use bongsu_runtime::ports::store::{CommitId, StoreError};
use lru::LruCache;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Sessions;
use super::provider::{Given, NotGiven, Provider, Says};
use super::shelf::{Kept, Session, Shelf, digest};
use crate::lease::Over;

/// So many are remembered, of some 6 KiB each with their tokens: more browsers at once are read again.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4_096).expect("some");
/// So long before its end an access token is replaced, in seconds: a request under way should not meet it.
const BEFORE_S: u64 = 20;
/// An issuer that was silent is not asked again so long, by nobody.
const QUIET: Duration = Duration::from_secs(2);
/// When it was used is written down no more often, in milliseconds.
const USED_MS: i64 = 60_000;
/// Between two looks for tokens that were being replaced when nobody went on: well within the moment in which an issuer
/// gives the same successor again.
const LOOK: Duration = Duration::from_secs(1);
/// What is over is deleted once in so many of them.
const SWEEP: u32 = 60;

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
    /// Whether somebody asked something in it since that was last written down; to listen is not to use it.
    is_used: AtomicBool,
    /// Told when it is ended here.
    gone: Notify,
}

#[derive(Clone)]
struct Last {
    session: Arc<Session>,
    asked: Instant,
}

/// Who is in a session.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    Somebody(Arc<Session>),
    /// There is none of that name, or none any more.
    Nobody,
    /// The store does not answer.
    Unknown,
}

/// What the issuer says of one.
enum Checked {
    /// Nothing new.
    Same,
    /// He is something else now.
    Roles(Vec<String>),
    /// Its tokens have to be replaced first.
    Due,
}

impl Keeper {
    pub(crate) fn new(shelf: Shelf, provider: Arc<Provider>, settings: Sessions) -> Self {
        let env = TokioEnv::new(None).expect("no crash point was asked for");
        let known = Mutex::new(LruCache::new(REMEMBERED));
        Self { shelf, provider, settings, known, quiet_until: Mutex::default(), env }
    }

    /// Who is in the session kept under that id, as far as that is known without asking.
    pub(crate) fn peek(&self, id: &str) -> Option<Vouched> {
        let known = locked(&self.known).get(id).cloned()?;
        let session = self.fresh(&known)?;
        known.is_used.store(true, Ordering::Relaxed);
        Some(session.vouched())
    }

    /// Who is in the session of that name.
    pub(crate) async fn find(&self, secret: &str) -> Found {
        let id = digest(secret);
        let known = locked(&self.known).get(&id).cloned();
        // Names that nobody has must not drive out those of others.
        if known.is_none() {
            match self.shelf.get(&id).await {
                Ok(Some(_)) => {}
                Ok(None) => return Found::Nobody,
                Err(why) => return unknown(&why),
            }
        }
        self.ask(&id, true).await
    }

    /// Resolves when a session is nobody's any more, or not as `who`. Of all who listen in it one asks. While neither store nor
    /// issuer says something, it goes on.
    pub(crate) async fn over(&self, id: &str, who: &Vouched) -> Over {
        loop {
            let known = self.known(id);
            let gone = known.gone.notified();
            let asked = locked(&known.last).as_ref().map_or(Duration::ZERO, |last| last.asked.elapsed());
            let wait = self.settings.check().saturating_sub(asked);
            tokio::select! { biased;
                () = gone => return Over::Session,
                () = tokio::time::sleep(wait) => {}
            }
            match self.ask(id, false).await {
                Found::Somebody(session) if session.roles != who.roles => return Over::Roles,
                Found::Nobody => return Over::Session,
                Found::Somebody(_) => {}
                // Asked again as often as what is known.
                Found::Unknown => tokio::time::sleep(self.settings.check()).await,
            }
        }
    }

    fn known(&self, id: &str) -> Arc<Known> {
        Arc::clone(locked(&self.known).get_or_insert(id.to_owned(), Arc::default))
    }

    /// One asks, and the others wait for what it hears.
    async fn ask(&self, id: &str, is_use: bool) -> Found {
        let known = self.known(id);
        known.is_used.fetch_or(is_use, Ordering::Relaxed);
        let _turn = known.turn.lock().await;
        if let Some(session) = self.fresh(&known) {
            return Found::Somebody(session);
        }
        match self.look(id, &known).await {
            Ok(Some(session)) => {
                let session = Arc::new(session);
                *locked(&known.last) = Some(Last { session: Arc::clone(&session), asked: Instant::now() });
                Found::Somebody(session)
            }
            Ok(None) => {
                locked(&self.known).pop(id).inspect(|known| known.gone.notify_waiters());
                Found::Nobody
            }
            Err(why) => unknown(&why),
        }
    }

    /// Opens a session for who was given tokens, instead of one that the browser had; returns its name.
    pub(crate) async fn open(&self, given: Given, had: Option<&str>) -> Result<String, StoreError> {
        let secret = self.secret();
        let now_ms = self.env.wall_ms();
        let Given { person, name, tokens, can_be_asked } = given;
        let Vouched { name: person, roles, .. } = person;
        let session =
            Session { person, roles, name, tokens, made_ms: now_ms, used_ms: now_ms, can_be_asked, is_turning: false };
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

    /// Ends all sessions of somebody, and rids the file of them; returns how many there were.
    pub(crate) async fn end_all_of(&self, person: &str) -> Result<usize, StoreError> {
        let mut ended = 0;
        loop {
            let ids = self.shelf.all_of_person(person).await?;
            if ids.is_empty() {
                break;
            }
            self.forget(&ids).await?;
            ended += ids.len();
        }
        // Also when there are none any more: one that has ended before may still be in the file.
        self.shelf.scrub().await?;
        Ok(ended)
    }

    /// Finishes what a killed gateway left, and deletes what counts no more, for ever.
    pub(crate) async fn tend(&self) {
        for round in 0_u32.. {
            let done = async {
                for id in self.shelf.turning().await? {
                    drop(self.ask(&id, false).await);
                }
                if round.is_multiple_of(SWEEP) { self.sweep().await } else { Ok(()) }
            };
            if let Err(why) = done.await {
                tracing::warn!(reason = %why, "sessions are looked after later");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn sweep(&self) -> Result<(), StoreError> {
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

    fn fresh(&self, known: &Known) -> Option<Arc<Session>> {
        let last = locked(&known.last);
        let last = last.as_ref().filter(|last| last.asked.elapsed() < self.settings.check())?;
        (self.ends_ms(&last.session) > self.env.wall_ms()).then(|| Arc::clone(&last.session))
    }

    /// What is kept, if the issuer says nothing against it.
    async fn look(&self, id: &str, known: &Known) -> Result<Option<Session>, StoreError> {
        let Some(Kept { session, revision }) = self.shelf.get(id).await? else { return Ok(None) };
        let now_ms = self.env.wall_ms();
        if self.ends_ms(&session) <= now_ms {
            self.forget(&[id.to_owned()]).await?;
            return Ok(None);
        }
        let checked = self.check(&session).await;
        let is_used = self.is_long_ago(&session, now_ms) && known.is_used.swap(false, Ordering::Relaxed);
        let session = if is_used { Session { used_ms: now_ms, ..session } } else { session };
        let changed = match checked {
            Checked::Due => return self.turn(id, Kept { session, revision }).await,
            Checked::Roles(roles) => Session { roles, ..session },
            Checked::Same if is_used => session,
            Checked::Same => return Ok(Some(session)),
        };
        self.put(id, changed, revision, self.commit()).await
    }

    /// In the place of what was read. Where another gateway was faster, what that wrote counts, or that it is gone.
    async fn put(
        &self,
        id: &str,
        session: Session,
        instead_of: CommitId,
        commit: CommitId,
    ) -> Result<Option<Session>, StoreError> {
        match self.shelf.put(id, &session, self.ends_ms(&session), Some(instead_of), commit).await? {
            Ok(()) => Ok(Some(session)),
            Err(instead) => Ok(instead.map(|kept| kept.session)),
        }
    }

    fn is_long_ago(&self, session: &Session, now_ms: i64) -> bool {
        now_ms.saturating_sub(session.used_ms) >= USED_MS.min(self.settings.idle_s * 100)
    }

    async fn check(&self, session: &Session) -> Checked {
        if self.is_quiet() {
            return Checked::Same;
        }
        let now_s = u64::try_from(self.env.wall_ms() / 1_000).unwrap_or(0);
        let before_s = if session.tokens.refresh.is_some() { BEFORE_S } else { 0 };
        if session.is_turning || session.tokens.until_s <= now_s.saturating_add(before_s) {
            return Checked::Due;
        }
        if !session.can_be_asked {
            return Checked::Same;
        }
        match self.provider.ask(&session.person, &session.tokens.access).await {
            Says::Still(Some(roles)) if roles != session.roles => Checked::Roles(roles),
            Says::Still(_) => Checked::Same,
            Says::Gone => Checked::Due,
            Says::Silent => {
                self.be_quiet();
                Checked::Same
            }
        }
    }

    /// The next tokens. That they are asked for is written first: whoever finds that finishes it while the issuer still gives
    /// the same successor again.
    async fn turn(&self, id: &str, kept: Kept) -> Result<Option<Session>, StoreError> {
        let turning = self.commit();
        let session = Session { is_turning: true, ..kept.session };
        let ends_ms = self.ends_ms(&session);
        if let Err(instead) = self.shelf.put(id, &session, ends_ms, Some(kept.revision), turning).await? {
            return Ok(instead.map(|kept| kept.session));
        }
        let ended = match self.provider.refresh(&session.tokens).await {
            Ok((person, tokens)) if person.name == session.person => {
                let next = Session { roles: person.roles, tokens, is_turning: false, ..session };
                return self.put(id, next, turning, self.commit()).await;
            }
            Err(NotGiven::Silent) => {
                self.be_quiet();
                return Ok(Some(session));
            }
            Ok(_) => "the issuer names somebody else",
            Err(NotGiven::Refused(why)) => why,
        };
        tracing::info!(reason = ended, "a session has ended");
        self.forget(&[id.to_owned()]).await?;
        Ok(None)
    }

    fn be_quiet(&self) {
        *locked(&self.quiet_until) = Some(Instant::now() + QUIET);
    }

    fn is_quiet(&self) -> bool {
        locked(&self.quiet_until).is_some_and(|until| Instant::now() < until)
    }

    async fn forget(&self, ids: &[String]) -> Result<(), StoreError> {
        if !ids.is_empty() {
            self.shelf.delete(ids, self.commit()).await?;
        }
        let mut known = locked(&self.known);
        ids.iter().filter_map(|id| known.pop(id)).for_each(|known| known.gone.notify_waiters());
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
