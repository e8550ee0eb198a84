//! Who asks: people who are in the mall from the beginning, with tokens as `bongsu token` prints them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::json;

use crate::harness::{
    Mall,
    wait::{now, until},
};

/// Who asks where a test says nothing else.
pub const CUSTOMER: &str = "1@uengine.org";
/// Somebody to whom nothing of that one belongs.
pub const OTHER: &str = "2@uengine.org";
/// Who says what is sold.
pub const SELLER: &str = "seller@uengine.org";
/// Who moves parcels.
pub const RIDER: &str = "rider@uengine.org";
/// Who may do everything that is closed to customers.
pub const OPERATOR: &str = "operator@uengine.org";

/// The first sign-up hashes five passwords, which is slow on purpose.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tokens, each used for half its life.
#[derive(Default)]
pub struct People {
    known: Mutex<BTreeMap<&'static str, Known>>,
}

#[derive(Clone)]
struct Known {
    id: String,
    token: String,
    again: Instant,
}

/// The provider's answer.
#[derive(Deserialize)]
struct Given {
    id: String,
    access_token: String,
    expires_in: u64,
}

impl Mall {
    /// The opaque name of somebody: `usr_…`.
    pub fn person(&self, email: &'static str) -> String {
        self.known(email).id
    }

    /// What follows `Bearer` for somebody.
    pub fn token(&self, email: &'static str) -> String {
        self.known(email).token
    }

    fn known(&self, email: &'static str) -> Known {
        let mut all = self.people.known.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(email) {
            Some(known) if now() < known.again => known.clone(),
            _ => {
                let fresh = self.ask_for(email);
                all.insert(email, fresh.clone());
                fresh
            }
        }
    }

    fn ask_for(&self, email: &str) -> Known {
        let url = format!("{}/identity/demonstration/tokens", self.gateway());
        let (operator, whose) = (self.operator(), json!({ "email": email }));
        until(&format!("{email} is there"), PATIENCE, || {
            let answer = self.http.ask_as(&operator, "POST", &url, Some(&whose))?;
            let Given { id, access_token, expires_in } =
                serde_json::from_slice(&answer.body).map_err(|_| format!("{answer:?}"))?;
            Ok(Known { id, token: access_token, again: now() + Duration::from_secs(expires_in) / 2 })
        })
    }
}
