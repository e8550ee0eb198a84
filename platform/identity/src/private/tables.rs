//! The tables, a type each. Ids are digests of secrets, or opaque.

use bongsu_runtime::{Script, ports::store::DocKey};
use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    crypto::{digest, same},
    person::PersonId,
    settings::clients::SigningAlg,
};

/// The index by person, in every table that has something of theirs.
pub(crate) const PERSON: u16 = 1;
/// The index by the moment after which a document means nothing.
pub(crate) const EXPIRY: u16 = 2;
/// The index by session.
pub(crate) const SESSION: u16 = 3;

/// A document of one table.
pub(crate) trait Document: Serialize + DeserializeOwned + Send + Sync {
    const TABLE: &'static str;

    /// Whose it is.
    fn person(&self) -> Option<&PersonId> {
        None
    }

    /// After which it may be deleted by whoever sweeps, milliseconds since the Unix epoch.
    fn expires_ms(&self) -> Option<i64> {
        None
    }

    /// Of which session it came.
    fn session(&self) -> Option<&str> {
        None
    }

    fn key(id: &str) -> DocKey {
        DocKey::new(Self::TABLE, id)
    }

    fn get(script: &Script<'_>, id: &str) -> Option<Self>
    where
        Self: Sized,
    {
        script.get(Self::TABLE, id)
    }

    fn put(&self, script: &mut Script<'_>, id: &str) {
        let text = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        let person = self.person().map(|person| (PERSON, text(person)));
        let expiry = self.expires_ms().map(|at| (EXPIRY, Bytes::copy_from_slice(&moment(at))));
        let session = self.session().map(|session| (SESSION, text(session)));
        script.put(Self::TABLE, id, &self, [person, expiry, session].into_iter().flatten().collect());
    }
}

/// A moment whose byte order is the order of time.
pub(crate) fn moment(at_ms: i64) -> [u8; 8] {
    at_ms.max(0).to_be_bytes()
}

/// What a person told about themselves. The id is the person's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) person: PersonId,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) locale: String,
    /// The password's hash, in PHC's form.
    pub(crate) password: String,
    /// Under which login this is, so that both can be deleted.
    pub(crate) login: String,
    pub(crate) changed_ms: i64,
}

/// Whose an address is. The id is the address's digest under the pepper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) person: PersonId,
}

/// A browser in which somebody is logged in. The id is the digest of its cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) person: PersonId,
    /// Its name in tokens.
    pub(crate) sid: String,
    /// When a password was last given.
    pub(crate) auth_ms: i64,
    pub(crate) expires_ms: i64,
}

/// What somebody agreed to at a client: as it is in a code, and then in what the code is exchanged for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Consent {
    pub(crate) person: PersonId,
    pub(crate) client: String,
    pub(crate) sid: String,
    pub(crate) scope: String,
    pub(crate) auth_ms: i64,
}

/// A code that was given to a client. The id is its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) consent: Consent,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) nonce: Option<String>,
    pub(crate) expires_ms: i64,
    /// What it was exchanged for: the family, to be revoked when it comes again.
    pub(crate) used: Option<String>,
    /// Kept so long to notice that it comes again.
    pub(crate) kept_ms: i64,
}

/// What was given for one code: the refresh tokens that follow from it, and the access tokens that name it. The id is in each
/// of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Family {
    pub(crate) consent: Consent,
    /// Digest of the refresh token that counts; `None` when there are none.
    pub(crate) current: Option<String>,
    /// Digest of the one before it.
    pub(crate) previous: Option<String>,
    pub(crate) rotated_ms: i64,
    pub(crate) expires_ms: i64,
    pub(crate) revoked: bool,
}

impl Family {
    /// Whether this refresh token counts.
    pub(crate) fn is_current(&self, secret: &str) -> bool {
        self.current.as_ref().is_some_and(|kept| same(kept, &digest(secret)))
    }

    /// Whether it counts, or did until just now.
    pub(crate) fn has(&self, secret: &str) -> bool {
        self.is_current(secret) || self.previous.as_ref().is_some_and(|kept| same(kept, &digest(secret)))
    }
}

/// An access token that was taken back. The id is its name (`jti`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Revoked {
    pub(crate) expires_ms: i64,
}

/// Attempts at a password that failed, or are under way. The id is a digest of the login, or of where they come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failures {
    pub(crate) count: u32,
    /// Not before then.
    pub(crate) next_ms: i64,
    pub(crate) expires_ms: i64,
}

/// The keys of one algorithm, oldest first. The id is the algorithm's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ring {
    pub(crate) keys: Vec<SigningKey>,
}

/// A key that signs, will sign or did sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SigningKey {
    /// Its name in tokens.
    pub(crate) kid: String,
    pub(crate) alg: SigningAlg,
    /// The private key's DER, in text.
    pub(crate) private: String,
    pub(crate) made_ms: i64,
    /// It signs from then on, until the next one does.
    pub(crate) signs_ms: i64,
}

/// Something of a forgotten person may still lie where a store's file had it. The id is the person's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unscrubbed {}

impl Document for Profile {
    const TABLE: &'static str = "identity-profile";

    fn person(&self) -> Option<&PersonId> {
        Some(&self.person)
    }
}

impl Document for Login {
    const TABLE: &'static str = "identity-login";

    fn person(&self) -> Option<&PersonId> {
        Some(&self.person)
    }
}

impl Document for Session {
    const TABLE: &'static str = "identity-session";

    fn person(&self) -> Option<&PersonId> {
        Some(&self.person)
    }

    fn expires_ms(&self) -> Option<i64> {
        Some(self.expires_ms)
    }

    fn session(&self) -> Option<&str> {
        Some(&self.sid)
    }
}

impl Document for Code {
    const TABLE: &'static str = "identity-code";

    fn person(&self) -> Option<&PersonId> {
        Some(&self.consent.person)
    }

    fn expires_ms(&self) -> Option<i64> {
        Some(self.kept_ms)
    }

    fn session(&self) -> Option<&str> {
        Some(&self.consent.sid)
    }
}

impl Document for Family {
    const TABLE: &'static str = "identity-family";

    fn person(&self) -> Option<&PersonId> {
        Some(&self.consent.person)
    }

    fn expires_ms(&self) -> Option<i64> {
        Some(self.expires_ms)
    }

    fn session(&self) -> Option<&str> {
        Some(&self.consent.sid)
    }
}

impl Document for Revoked {
    const TABLE: &'static str = "identity-revoked";

    fn expires_ms(&self) -> Option<i64> {
        Some(self.expires_ms)
    }
}

impl Document for Failures {
    const TABLE: &'static str = "identity-failures";

    fn expires_ms(&self) -> Option<i64> {
        Some(self.expires_ms)
    }
}

impl Document for Ring {
    const TABLE: &'static str = "identity-ring";
}

impl Document for Unscrubbed {
    const TABLE: &'static str = "identity-unscrubbed";
}
