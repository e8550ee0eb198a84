//! Where sessions are kept: documents of an embedded store, each under the digest of its name, so that a killed gateway
//! knows them again and whoever reads the file can be nobody. None of it is ever in an event, a log or a trace.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use bongsu_keys::Vouched;
use bongsu_runtime::ports::store::{
    Commit, CommitId, Doc, DocBody, DocKey, DocWrite, Guard, Mismatch, Scan, Store, StoreError, Verdict, id_of,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const TABLE: &str = "gateway-session";
/// The index by person.
const PERSON: u16 = 1;
/// The index by the moment after which it counts no more.
const EXPIRY: u16 = 2;
/// The index of those whose tokens are being replaced.
const TURNING: u16 = 3;
/// Deleted at once: a Commit takes a thousand documents.
const BATCH: u32 = 200;

/// A store of the gateway's own.
#[derive(Clone)]
pub struct Shelf(Arc<dyn Store>);

/// A browser in which somebody is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) person: String,
    pub(crate) roles: Vec<String>,
    /// As the issuer calls him, for himself alone to see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    pub(crate) tokens: Tokens,
    pub(crate) made_ms: i64,
    /// When it was last used, to a minute or so.
    pub(crate) used_ms: i64,
    /// Whether the issuer's userinfo endpoint says something to its access token; some take none that is for somebody else.
    pub(crate) can_be_asked: bool,
    /// The issuer is asked for the next tokens; written before, so that a gateway which is killed in the midst leaves word.
    #[serde(default)]
    pub(crate) is_turning: bool,
}

/// What the issuer gave for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    /// Until when that counts, seconds since the Unix epoch.
    pub(crate) until_s: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh: Option<String>,
    /// For the issuer, to know which session of its own ends.
    pub(crate) id: String,
}

/// A session as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) session: Session,
    pub(crate) revision: CommitId,
}

impl Shelf {
    /// In that store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Option<Kept>, StoreError> {
        let found = self.0.docs(vec![DocKey::new(TABLE, id)]).await?;
        Ok(found.into_iter().next().flatten().and_then(Kept::read))
    }

    /// Keeps it in place of what was read, or for the first time. What is there instead is returned when somebody was
    /// faster: nothing, or a newer one.
    pub(crate) async fn put(
        &self,
        id: &str,
        session: &Session,
        ends_ms: i64,
        instead_of: Option<CommitId>,
        commit: CommitId,
    ) -> Result<Result<(), Option<Kept>>, StoreError> {
        let key = DocKey::new(TABLE, id);
        let data = serde_json::to_vec(session).map_err(|why| StoreError::Invalid(why.to_string()))?;
        let person = (PERSON, Bytes::copy_from_slice(session.person.as_bytes()));
        let expiry = (EXPIRY, Bytes::copy_from_slice(&moment(ends_ms)));
        let turning = session.is_turning.then(|| (TURNING, Bytes::new()));
        let index = [Some(person), Some(expiry), turning].into_iter().flatten().collect();
        let put = Some(DocBody { data: data.into(), index });
        let guards = vec![Guard::Doc(key.clone(), instead_of)];
        let commit = Commit { guards, docs: vec![DocWrite { key, put }], ..Commit::new(commit) };
        Ok(match self.0.commit(commit).await? {
            Verdict::Done => Ok(()),
            Verdict::Refused(instead) => Err(instead.into_iter().find_map(found)),
        })
    }

    /// Deletes them, as far as they are there.
    pub(crate) async fn delete(&self, ids: &[String], commit: CommitId) -> Result<(), StoreError> {
        let docs = ids.iter().map(|id| DocWrite { key: DocKey::new(TABLE, id), put: None }).collect();
        self.0.commit(Commit { docs, ..Commit::new(commit) }).await.map(drop)
    }

    /// Some of a person's, whatever is in them.
    pub(crate) async fn all_of_person(&self, person: &str) -> Result<Vec<String>, StoreError> {
        let found = self.0.keys(of_person(person)).await?;
        Ok(found.iter().filter_map(|cursor| id_of(cursor)).map(str::to_owned).collect())
    }

    /// A person's, the one that was used last first.
    pub(crate) async fn of_person(&self, person: &str) -> Result<Vec<String>, StoreError> {
        let found = self.0.scan(of_person(person));
        let read = |(_, doc): (Bytes, Doc)| Some((doc.key.id.to_string(), Kept::read(doc)?.session.used_ms));
        let mut all: Vec<(String, i64)> = found.await?.into_iter().filter_map(read).collect();
        all.sort_by_key(|(_, used_ms)| std::cmp::Reverse(*used_ms));
        Ok(all.into_iter().map(|(id, _)| id).collect())
    }

    /// Some of those that count no more, the longest first.
    pub(crate) async fn over(&self, now_ms: i64) -> Result<Vec<String>, StoreError> {
        let to = Bound::Excluded(Bytes::copy_from_slice(&moment(now_ms)));
        let found = self.0.keys(Scan { to, index: Some(EXPIRY), ..Scan::table(TABLE, BATCH) }).await?;
        Ok(found.iter().filter_map(|cursor| id_of(cursor)).map(str::to_owned).collect())
    }

    /// Some of those whose tokens are being replaced, or were when a gateway was killed.
    pub(crate) async fn turning(&self) -> Result<Vec<String>, StoreError> {
        let found = self.0.keys(Scan { index: Some(TURNING), ..Scan::table(TABLE, BATCH) }).await?;
        Ok(found.iter().filter_map(|cursor| id_of(cursor)).map(str::to_owned).collect())
    }

    /// Rids the file of what was deleted.
    pub(crate) async fn scrub(&self) -> Result<(), StoreError> {
        self.0.scrub().await
    }
}

impl Kept {
    /// One that another build wrote and this one cannot read is none: its person logs in again.
    fn read(doc: Doc) -> Option<Self> {
        Some(Self { session: serde_json::from_slice(&doc.data).ok()?, revision: doc.revision })
    }
}

impl Session {
    /// Who is in it, for services.
    pub(crate) fn vouched(&self) -> Vouched {
        Vouched { roles: self.roles.clone(), ..Vouched::named(&self.person) }
    }
}

/// A person's sessions: what is in the index on persons has the name, a zero, and the session's id.
fn of_person(person: &str) -> Scan {
    let begins = |end: u8| Bytes::from([person.as_bytes(), &[end]].concat());
    let from = Bound::Included(begins(0));
    Scan { from, to: Bound::Excluded(begins(1)), index: Some(PERSON), ..Scan::table(TABLE, BATCH) }
}

/// Under which id a session is kept.
pub(crate) fn digest(secret: &str) -> String {
    BASE64.encode(Sha256::digest(secret))
}

/// A moment whose byte order is the order of time.
fn moment(at_ms: i64) -> [u8; 8] {
    at_ms.max(0).to_be_bytes()
}

/// What was found instead.
fn found(mismatch: Mismatch) -> Option<Kept> {
    match mismatch {
        Mismatch::Doc(_, found) => found.and_then(Kept::read),
        Mismatch::Head(..) => None,
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shelf")
    }
}

/// Secrets are never shown, whatever prints what holds them.
impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_by_the_digest_of_its_name() {
        // FIPS 180-4, the example of one block.
        assert_eq!(digest("abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    }

    #[test]
    fn what_opens_something_is_never_shown() {
        let tokens = Tokens { access: "a".into(), until_s: 1, refresh: None, id: "b".into() };
        assert_eq!(format!("{tokens:?}"), "Tokens(…)");
    }
}
