//! Secrets, digests and proofs, all by libraries. Knows no document and no protocol.
//!
//! Chance is the machine's: behind [`Env`] of a running process is a generator seeded and reseeded by the operating system.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use bongsu_runtime::ports::env::Env;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// 256 random bits in 43 characters that fit an address, a header and a cookie.
pub(crate) fn secret(env: &dyn Env) -> String {
    let words: [[u8; 8]; 4] = std::array::from_fn(|_| env.random().to_be_bytes());
    encoded(&words.concat())
}

/// Bytes as text that fits an address (RFC 4648 §5, without padding).
pub(crate) fn encoded(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// What [`encoded`] made, or somebody else.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

/// SHA-256 of a text: what is kept of a secret.
pub(crate) fn digest(text: &str) -> String {
    encoded(&Sha256::digest(text.as_bytes()))
}

/// HMAC-SHA256 over parts, each with its length in front, so that no two lists of parts are the same bytes.
pub(crate) fn proof(key: &str, parts: &[&str]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any length is a key of HMAC");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    encoded(&mac.finalize().into_bytes())
}

/// Whether two texts are the same, in a time that does not tell where they differ.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// The left half of a token's SHA-256, by which an ID token names its access token (OpenID Connect Core §3.1.3.6).
pub(crate) fn half_digest(token: &str) -> String {
    let whole = Sha256::digest(token.as_bytes());
    encoded(&whole[..whole.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standards() {
        // RFC 7636, appendix B.
        assert_eq!(
            digest("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn parts_that_only_look_alike_have_other_proofs() {
        assert_ne!(proof("k", &["ab", "c"]), proof("k", &["a", "bc"]));
        assert_ne!(proof("k", &["a"]), proof("l", &["a"]));
        assert!(same(&proof("k", &["a"]), &proof("k", &["a"])));
    }
}
