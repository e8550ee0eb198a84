//! The three secrets, and how each comes from the one before. All of them are HMAC-SHA256, and so is the seed of the
//! key the gateway signs with.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::hex;

/// Longest name of a caller, in bytes.
const LONGEST_NAME: usize = 63;

/// A system's secret; everything else is derived from it. Never leaves its file but as a derived value.
#[derive(Clone, PartialEq, Eq)]
pub struct Root([u8; 32]);

/// What somebody who is called recognises callers by.
#[derive(Clone, PartialEq, Eq)]
pub struct Lock([u8; 32]);

/// What one caller proves its name with to one who is called.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    name: String,
    bytes: [u8; 32],
}

impl Root {
    /// A new one, from the operating system's randomness.
    ///
    /// # Errors
    /// What the system says, when it has none.
    pub fn make() -> Result<Self, std::io::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(Self(bytes))
    }

    /// Reads 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        hex::decode(text).map(Self)
    }

    pub(crate) fn to_hex(&self) -> String {
        hex::encode(&self.0)
    }

    /// The lock of whoever has that name.
    pub fn lock(&self, name: &str) -> Lock {
        Lock(derive(&self.0, &format!("bongsu/v1/to/{name}")))
    }

    /// The private key the gateway names people with, see `principal.rs`.
    pub(crate) fn seed(&self) -> [u8; 32] {
        derive(&self.0, "bongsu/v1/principal")
    }
}

impl Lock {
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        hex::decode(text).map(Self)
    }

    pub(crate) fn to_hex(&self) -> String {
        hex::encode(&self.0)
    }

    /// The key of the caller of that name to this lock.
    pub fn key(&self, name: &str) -> Key {
        Key { name: name.to_owned(), bytes: derive(&self.0, &self.label(name)) }
    }

    /// Who sent a bearer, if it opens this lock. Takes as long for a wrong one as for a right one.
    pub fn opened_by<'b>(&self, bearer: &'b str) -> Option<&'b str> {
        let (name, digits) = bearer.rsplit_once('.')?;
        let given = hex::decode(digits).filter(|_| is_name(name))?;
        mac(&self.0, &self.label(name)).verify_slice(&given).is_ok().then_some(name)
    }

    fn label(&self, name: &str) -> String {
        format!("bongsu/v1/from/{name}")
    }
}

impl Key {
    /// What follows `Authorization: Bearer `: the name, a dot, 64 hexadecimal digits.
    pub fn bearer(&self) -> String {
        format!("{}.{}", self.name, hex::encode(&self.bytes))
    }
}

/// Whether a caller may have that name: lower-case letters, digits and `-`, first a letter, at most 63.
pub fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// What whoever has that seed makes of a text, for one purpose.
pub(crate) fn proof(seed: &[u8; 32], purpose: &str, text: &str) -> String {
    hex::encode(&derive(&derive(seed, &format!("bongsu/v1/proof/{purpose}")), text))
}

fn derive(secret: &[u8; 32], label: &str) -> [u8; 32] {
    mac(secret, label).finalize().into_bytes().into()
}

fn mac(secret: &[u8; 32], label: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(label.as_bytes());
    mac
}

/// Secrets are never shown, whatever prints what holds them.
macro_rules! hidden {
    ($($secret:ty),*) => {$(
        impl fmt::Debug for $secret {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($secret), "(…)"))
            }
        }
    )*};
}
hidden!(Root, Lock, Key);

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> Root {
        Root::from_hex(&"0f".repeat(32)).unwrap()
    }

    /// Written down once with `openssl dgst -sha256 -mac HMAC -macopt hexkey:…`: what other languages derive.
    #[test]
    fn a_key_is_what_openssl_makes_of_it() {
        let lock = root().lock("broker");
        assert_eq!(lock.to_hex(), "242e035f224adfa9bbceab954166c1ab182e39d145f97a5b51ef6546cbc43b2c");
        assert_eq!(lock.key("gate").bearer(), "gate.994117ed48312f613e6f83a5061d8d6b733c8406fd45a7599017c4133d7e24cd");
    }

    #[test]
    fn a_key_opens_its_own_lock_and_no_other() {
        let (broker, door) = (root().lock("broker"), root().lock("door"));
        let bearer = broker.key("bell").bearer();
        assert_eq!(broker.opened_by(&bearer), Some("bell"));
        assert_eq!(door.opened_by(&bearer), None, "what one hears opens no other lock");
        let other = Root::from_hex(&"f0".repeat(32)).unwrap();
        assert_eq!(other.lock("broker").opened_by(&bearer), None, "of another system");
        let renamed = bearer.replace("bell", "door");
        assert_eq!(broker.opened_by(&renamed), None, "a name cannot be changed");
    }

    #[test]
    fn garbage_opens_nothing() {
        let lock = root().lock("broker");
        let right = lock.key("bell").bearer();
        let long = format!("{}.{}", "b".repeat(64), "0".repeat(64));
        let huge = "x".repeat(1 << 20);
        for text in
            ["", ".", "bell", "bell.", "bell.00", &right[..right.len() - 1], &long, &huge, "벨.봉수", "bell.١٢٣"]
        {
            assert_eq!(lock.opened_by(text), None, "{text:.80}");
        }
        let upper = right.to_uppercase();
        assert_eq!(lock.opened_by(&upper), None, "a name is in lower case");
        assert_eq!(lock.opened_by(&format!("{right}0")), None);
        assert_eq!(lock.opened_by(&format!("a/{right}")), None);
    }

    #[test]
    fn no_secret_is_ever_printed() {
        let (lock, root) = (root().lock("broker"), root());
        assert_eq!(format!("{root:?} {lock:?} {:?}", lock.key("a")), "Root(…) Lock(…) Key(…)");
    }
}
