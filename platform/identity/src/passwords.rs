//! Passwords: argon2id, in the time it takes, also for who is not there.

use std::sync::Arc;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use bongsu_runtime::CommandError;
use tokio::sync::Semaphore;

/// At once: each takes 19 MiB (the library's defaults are those of RFC 9106 as OWASP recommends them) and a core.
const AT_ONCE: usize = 2;
/// Longest password in bytes: what is longer is no password but a load.
pub(crate) const LONGEST: usize = 256;
/// Shortest password in characters (NIST SP 800-63B §5.1.1.2).
pub(crate) const SHORTEST: usize = 8;

/// Who hashes.
#[derive(Clone)]
pub(crate) struct Passwords {
    places: Arc<Semaphore>,
    /// A hash that no password is compared with in earnest.
    nobodys: Arc<str>,
}

impl Passwords {
    /// Takes as long as one password.
    pub(crate) fn new() -> Self {
        let nobodys = hash("nobody").expect("the library's own parameters are valid").into();
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), nobodys }
    }

    /// What is kept of a password.
    pub(crate) async fn hash(&self, password: String) -> Result<String, CommandError> {
        self.run(move || hash(&password)).await?
    }

    /// Whether this is the password; the same work is done when there is none to compare it with.
    pub(crate) async fn is_right(&self, password: String, kept: Option<String>) -> Result<bool, CommandError> {
        let is_there = kept.is_some();
        let kept = kept.unwrap_or_else(|| self.nobodys.to_string());
        let compare = move || {
            let kept = PasswordHash::new(&kept).map_err(broken)?;
            Ok(Argon2::default().verify_password(password.as_bytes(), &kept).is_ok() && is_there)
        };
        self.run(compare).await?
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, CommandError> {
        let _place = self.places.acquire().await.map_err(broken)?;
        tokio::task::spawn_blocking(work).await.map_err(broken)
    }
}

fn hash(password: &str) -> Result<String, CommandError> {
    Ok(Argon2::default().hash_password(password.as_bytes()).map_err(broken)?.to_string())
}

fn broken(why: impl std::fmt::Display) -> CommandError {
    CommandError::Unavailable(format!("passwords: {why}"))
}
