//! What one process knows: the locks it recognises its callers by, and its own keys.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};

use crate::principal::{Signer, Verifier};
use crate::roots::{SecretError, read_private};
use crate::visitor::{self, Visitor};
use crate::{Audience, Lock, Vouched, hex, secret};

/// Longest bearer looked at, in bytes; a right one is far shorter.
const LONGEST_BEARER: usize = 256;

/// The keys of one process, from a file only its owner may read. Whenever they are used it is looked whether the file
/// was replaced (a `stat`, a microsecond): a new root needs no restart, and a dropped one counts no longer at once. Cheap
/// to clone.
#[derive(Clone, Debug)]
pub struct Keys {
    path: Arc<Path>,
    known: Arc<RwLock<Known>>,
}

/// Somebody who proved a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub String);

/// Nobody who is known here. What is wrong with a key is for nobody to find out; whether one was shown, its bearer knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotKnown {
    /// No bearer, or several.
    #[error("this needs one 'Authorization: Bearer …' with a key of this system, see docs/security.md")]
    NoKey,
    /// One that opens nothing here.
    #[error(
        "the key that was shown is none of this system to this process: garbage, of another system, to somebody else, or of \
         a secret that was dropped, see docs/security.md"
    )]
    WrongKey,
}

/// Why a process has no keys; one line.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file is not there, or not private, or cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It is no file of keys.
    #[error("{} is no file of keys: {why}", path.display())]
    Nonsense {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// The file as it is written; members may be added.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeyFile {
    pub(crate) name: String,
    pub(crate) accepts: Vec<String>,
    pub(crate) broker: String,
    /// What the gateway names people to services with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signs: Option<String>,
    /// The public keys by which everybody else recognises what it signed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) believes: Vec<String>,
    /// The public keys of what the gateway itself signs, also before the root was renewed: its visitors stay who they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) signed: Vec<String>,
}

struct Known {
    /// Which file it was: replaced ones differ in the first, rewritten ones in the others.
    stamp: (u64, i64, i64, u64),
    name: String,
    locks: Vec<Lock>,
    broker: String,
    signer: Option<Signer>,
    seed: Option<[u8; 32]>,
    verifier: Verifier,
    visitors: Verifier,
}

/// Secrets are never shown, whatever prints what holds them.
impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Known({}, …)", self.name)
    }
}

impl Keys {
    /// The keys in that file.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub fn open(path: &Path) -> Result<Self, KeysError> {
        let known = Arc::new(RwLock::new(Known::read(path)?));
        Ok(Self { path: path.into(), known })
    }

    /// Who sent a request, by its one `Authorization: Bearer NAME.DIGITS`.
    ///
    /// # Errors
    /// [`NotKnown`] for none, several, garbage, and keys of somebody else's system.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller, NotKnown> {
        let bearer = bearer_of(headers).ok_or(NotKnown::NoKey)?;
        // An access token is longer, and needs no look at the file.
        if bearer.len() > LONGEST_BEARER {
            return Err(NotKnown::WrongKey);
        }
        self.refresh();
        let known = self.known();
        let name = known.locks.iter().find_map(|lock| lock.opened_by(bearer));
        name.map(|name| Caller(name.to_owned())).ok_or(NotKnown::WrongKey)
    }

    /// How this process speaks to the broker: what follows `Bearer `.
    pub fn for_the_broker(&self) -> String {
        self.refresh();
        self.known().broker.clone()
    }

    /// Names somebody to a service and those it asks, now, as `x-bongsu-principal` says it; only the gateway can.
    pub fn vouch(&self, audience: &Audience, vouched: &Vouched, now_ms: i64) -> Option<Arc<str>> {
        self.refresh();
        self.known().signer.as_ref()?.vouch(audience, vouched, now_ms)
    }

    /// Whom the gateway names to this process, now.
    pub fn vouched(&self, token: &str, now_ms: i64) -> Option<Vouched> {
        self.refresh();
        let known = self.known();
        known.verifier.vouched(token, &known.name, now_ms)
    }

    /// The id of whoever comes without a login, as his browser keeps it; only the gateway can.
    pub fn sign_visitor(&self, id: &str, now_ms: i64) -> Option<String> {
        self.refresh();
        visitor::sign(self.known().signer.as_ref()?, id, now_ms)
    }

    /// Whose id that is, if this process signed it and it counts now.
    pub fn visitor(&self, token: &str, now_ms: i64) -> Option<Visitor> {
        self.refresh();
        visitor::read(&self.known().visitors, token, now_ms)
    }

    /// What only the gateway can make of a text, in 64 hexadecimal digits, another for each purpose. It changes with the
    /// root.
    pub fn proof(&self, purpose: &str, text: &str) -> Option<String> {
        self.refresh();
        self.known().seed.as_ref().map(|seed| secret::proof(seed, purpose, text))
    }

    /// Reads the file again if it has changed. One that cannot be read now changes nothing: what was known counts on.
    fn refresh(&self) {
        if stamp(&self.path) == Some(self.known().stamp) {
            return;
        }
        if let Ok(newer) = Known::read(&self.path) {
            *self.known.write().unwrap_or_else(PoisonError::into_inner) = newer;
        }
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn read(path: &Path) -> Result<Self, KeysError> {
        let nonsense = |why: String| KeysError::Nonsense { path: path.to_path_buf(), why };
        let stamp = stamp(path).unwrap_or_default();
        let file: KeyFile = serde_json::from_str(&read_private(path)?).map_err(|error| nonsense(error.to_string()))?;
        let locks: Option<Vec<Lock>> = file.accepts.iter().map(|digits| Lock::from_hex(digits)).collect();
        let locks = locks.filter(|locks| !locks.is_empty());
        let digits = |text: &String| hex::decode(text).ok_or_else(|| nonsense("a key has 64 digits".into()));
        let verifier = |keys: &[String]| {
            Ok::<_, KeysError>(Verifier::new(&keys.iter().map(digits).collect::<Result<Vec<_>, _>>()?))
        };
        let seed = file.signs.as_ref().map(digits).transpose()?;
        Ok(Self {
            stamp,
            name: file.name,
            locks: locks.ok_or_else(|| nonsense("'accepts' has 64 digits each".into()))?,
            broker: file.broker,
            signer: seed.as_ref().map(Signer::new),
            seed,
            verifier: verifier(&file.believes)?,
            visitors: verifier(&file.signed)?,
        })
    }
}

fn stamp(path: &Path) -> Option<(u64, i64, i64, u64)> {
    fs::metadata(path).ok().map(|file| (file.ino(), file.mtime(), file.mtime_nsec(), file.len()))
}

impl NotKnown {
    /// Of a request whose sender is known to be nobody.
    pub fn of(headers: &HeaderMap) -> Self {
        bearer_of(headers).map_or(Self::NoKey, |_| Self::WrongKey)
    }
}

/// The one bearer of a request; empty for one that is no ASCII, and so no key.
fn bearer_of(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (given, None) = (all.next()?.as_bytes(), all.next()) else { return None };
    let space = given.iter().position(|byte| *byte == b' ')?;
    let is_bearer = given[..space].eq_ignore_ascii_case(b"bearer");
    is_bearer.then(|| std::str::from_utf8(&given[space + 1..]).unwrap_or_default())
}
