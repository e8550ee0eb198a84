//! What every page and every endpoint has at hand.

use std::{ops::Deref, sync::Arc};

use bongsu_core::Ctx;
use bongsu_runtime::{CommandError, Handle};

use crate::{
    crypto,
    keys::{Keys, schedule::Schedule},
    passwords::Passwords,
    person::{PersonState, Persons},
    private::Private,
    settings::Settings,
};

/// What every page and every endpoint has at hand. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk(Arc<Things>);

pub(crate) struct Things {
    pub(crate) handle: Handle,
    pub(crate) settings: Settings,
    pub(crate) private: Private,
    pub(crate) keys: Keys,
    pub(crate) passwords: Passwords,
}

impl Deref for Desk {
    type Target = Things;

    fn deref(&self) -> &Things {
        &self.0
    }
}

impl Desk {
    pub(crate) fn new(handle: Handle, settings: Settings) -> Self {
        let private = Private::new(handle.clone());
        let schedule = Schedule {
            cache_ms: settings.key_cache_s * 1_000,
            life_ms: settings.key_life_s * 1_000,
            token_ms: settings.access_token_s * 1_000,
        };
        let keys = Keys::new(handle.clone(), private.clone(), schedule);
        Self(Arc::new(Things { handle, settings, private, keys, passwords: Passwords::new() }))
    }
}

impl Things {
    /// Milliseconds since the Unix epoch.
    pub(crate) fn now_ms(&self) -> i64 {
        self.handle.env().wall_ms()
    }

    /// A new secret.
    pub(crate) fn secret(&self) -> String {
        crypto::secret(self.handle.env().as_ref())
    }

    /// A new opaque id.
    pub(crate) fn id(&self, prefix: &str) -> String {
        let ctx: Ctx = self.private.call("identity").ctx;
        ctx.id(prefix, 0)
    }

    /// What is known of a person now: a lock or a role holds at once.
    pub(crate) async fn person(&self, person: &str) -> Result<PersonState, CommandError> {
        Ok(self.handle.load::<Persons>(person).await?.0)
    }
}
