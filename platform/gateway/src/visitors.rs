//! Whoever comes without a login: an id of his own, which the gateway signs and his browser brings back.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use bongsu_host::TokioEnv;
use bongsu_keys::{Keys, VISITOR};
use bongsu_runtime::ports::env::Env as _;
use http::{HeaderMap, HeaderValue};
use lru::LruCache;

use crate::sessions::cookies;

/// A signed id is shorter, in bytes.
const LONGEST: usize = 512;
/// A browser is given the same id anew when it is a week old, so that it lasts three weeks more than that at least, in
/// seconds.
const RENEWED_S: i64 = 604_800;
/// For so long, in seconds: as long as the signature counts.
const KEPT_S: i64 = bongsu_keys::VISITOR_LIFE_S;
/// So many are remembered as right, of half a kilobyte each: more at once are verified again.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4_096).expect("some");

/// Signs them, and knows them again.
pub(crate) struct Visitors {
    keys: Keys,
    right: Mutex<LruCache<String, bongsu_keys::Visitor>>,
    env: TokioEnv,
}

impl Visitors {
    pub(crate) fn new(keys: Keys) -> Self {
        let env = TokioEnv::new(None).expect("no crash point was asked for");
        Self { keys, right: Mutex::new(LruCache::new(REMEMBERED)), env }
    }

    /// Who a browser says it is, and what it is to keep instead when that has become old.
    pub(crate) fn known(&self, headers: &HeaderMap) -> Option<(String, Option<HeaderValue>)> {
        let shown = cookies::one(headers, cookies::VISITOR, LONGEST)?;
        let now_ms = self.env.wall_ms();
        let visitor = self.read(shown, now_ms)?;
        let is_old = now_ms.div_euclid(1_000).saturating_sub(visitor.signed_s) > RENEWED_S;
        let renewed = is_old.then(|| self.sign(&visitor.id)).flatten();
        Some((visitor.id, renewed))
    }

    /// Somebody new, and what his browser is to keep.
    pub(crate) fn new_one(&self) -> Option<(String, HeaderValue)> {
        let id = format!("{VISITOR}{:016x}{:016x}", self.env.random(), self.env.random());
        let cookie = self.sign(&id)?;
        Some((id, cookie))
    }

    /// What was found right once is right until it ends, or the root it was signed by is dropped and this process is
    /// started anew.
    fn read(&self, shown: &str, now_ms: i64) -> Option<bongsu_keys::Visitor> {
        let now_s = now_ms.div_euclid(1_000);
        let known = self.right.lock().unwrap_or_else(PoisonError::into_inner).get(shown).cloned();
        if let Some(known) = known.filter(|known| now_s < known.signed_s.saturating_add(KEPT_S)) {
            return Some(known);
        }
        let read = self.keys.visitor(shown, now_ms)?;
        self.right.lock().unwrap_or_else(PoisonError::into_inner).put(shown.to_owned(), read.clone());
        Some(read)
    }

    fn sign(&self, id: &str) -> Option<HeaderValue> {
        let signed = self.keys.sign_visitor(id, self.env.wall_ms())?;
        Some(cookies::set(cookies::VISITOR, &signed, KEPT_S))
    }
}
