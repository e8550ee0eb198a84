//! What ties a login to the browser it was begun in, and keeps nothing while it goes on: however many begin one, nothing
//! fills up, and a gateway that is started anew knows them all.
//!
//! A browser has a secret in a cookie. `state` says when it began and where it returns to, with a proof that only the
//! gateway makes of both and the secret; nonce and PKCE verifier are proofs of it, too. So a code that somebody got
//! elsewhere is not taken from this browser, and one that was got for this browser is worth nothing elsewhere.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use bongsu_keys::Keys;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::back::is_own_path;

/// A login takes no longer, in milliseconds.
pub(crate) const PATIENCE_MS: i64 = 600_000;
/// Longest state that is looked at, in bytes: a return path of 1 KiB in base64, and what stands around it.
const LONGEST: usize = 2_048;

/// A login that goes on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) state: String,
    pub(crate) nonce: String,
    /// RFC 7636, section 4.1.
    pub(crate) verifier: String,
    /// Where the browser wants to be afterwards.
    pub(crate) back: String,
}

impl Login {
    /// Begins one in the browser that has that secret.
    pub(crate) fn begin(keys: &Keys, secret: &str, salt: &str, back: &str, now_ms: i64) -> Option<Self> {
        let said = format!("{now_ms}.{salt}.{}", BASE64.encode(back));
        Self::of(keys, secret, &said, back.to_owned())
    }

    /// The one that this browser comes back from, if it was begun in it and not too long ago.
    pub(crate) fn resume(keys: &Keys, secret: &str, state: &str, now_ms: i64) -> Option<Self> {
        if state.len() > LONGEST {
            return None;
        }
        let (said, _) = state.rsplit_once('.')?;
        let [made_ms, _salt, back] = said.split('.').collect::<Vec<_>>()[..] else { return None };
        let made_ms: i64 = made_ms.parse().ok()?;
        let back = String::from_utf8(BASE64.decode(back).ok()?).ok().filter(|back| is_own_path(back))?;
        let login = Self::of(keys, secret, said, back)?;
        let is_now = made_ms <= now_ms && now_ms.saturating_sub(made_ms) <= PATIENCE_MS;
        let is_ours: bool = login.state.as_bytes().ct_eq(state.as_bytes()).into();
        (is_now && is_ours).then_some(login)
    }

    fn of(keys: &Keys, secret: &str, said: &str, back: String) -> Option<Self> {
        let text = format!("{secret}.{said}");
        let state = format!("{said}.{}", keys.proof("login-state", &text)?);
        let nonce = keys.proof("login-nonce", &text)?;
        let verifier = keys.proof("login-verifier", &text)?;
        Some(Self { state, nonce, verifier, back })
    }

    /// RFC 7636, section 4.2.
    pub(crate) fn challenge(&self) -> String {
        BASE64.encode(Sha256::digest(&self.verifier))
    }
}

#[cfg(test)]
mod tests {
    use bongsu_keys::{GATEWAY, Roots};

    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn keys() -> (tempfile::TempDir, Keys) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("gateway.json");
        Roots::open_or_make(folder.path()).expect("roots").write_keys(&file, GATEWAY).expect("keys");
        let keys = Keys::open(&file).expect("keys");
        (folder, keys)
    }

    #[test]
    fn a_login_is_resumed_in_its_browser_alone() {
        let (_folder, keys) = keys();
        let begun = Login::begin(&keys, "secret", "salt", "/bell?x=1", NOW).expect("it begins");
        let resumed = Login::resume(&keys, "secret", &begun.state, NOW + PATIENCE_MS).expect("it is resumed");
        assert_eq!(resumed, begun);
        assert_eq!(resumed.back, "/bell?x=1");
        assert!((43..=128).contains(&begun.verifier.len()) && begun.challenge().len() == 43);
        let other = Login::begin(&keys, "secret", "pepper", "/bell?x=1", NOW).expect("another tab");
        assert!(other.nonce != begun.nonce && other.verifier != begun.verifier && begun.nonce != begun.verifier);
        let resume = |secret: &str, state: &str, now_ms: i64| Login::resume(&keys, secret, state, now_ms);
        assert_eq!(resume("another", &begun.state, NOW), None, "begun in another browser");
        assert_eq!(resume("secret", &begun.state, NOW + PATIENCE_MS + 1), None, "too late");
        assert_eq!(resume("secret", &begun.state, NOW - 1), None, "of the future");
        let (_other_folder, foreign) = self::keys();
        assert_eq!(Login::resume(&foreign, "secret", &begun.state, NOW), None, "of another system");
    }

    #[test]
    fn a_state_that_somebody_wrote_is_none() {
        let (_folder, keys) = keys();
        let right = Login::begin(&keys, "secret", "salt", "/bell", NOW).expect("it begins").state;
        let evil = right.replace(&BASE64.encode("/bell"), &BASE64.encode("//evil.example"));
        let later = right.replace(&NOW.to_string(), &(NOW + 1).to_string());
        let huge = "a".repeat(1 << 20);
        for bad in ["", ".", "...", "a.b.c.d", &evil, &later, &right[..right.len() - 1], &format!("{right}0"), &huge] {
            assert_eq!(Login::resume(&keys, "secret", bad, NOW + 1), None, "{bad:.100}");
        }
        let back = Login::begin(&keys, "secret", "salt", "//evil.example", NOW).expect("a state");
        assert_eq!(Login::resume(&keys, "secret", &back.state, NOW), None, "also where it was signed");
    }
}
