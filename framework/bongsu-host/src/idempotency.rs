//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a command sent twice happens once.

use axum::extract::FromRequestParts;
use bongsu_core::{CommandId, digest};
use bongsu_runtime::Once;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, request::Parts};

use crate::{principal::Principal, problem::Problem};

/// The client's key.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Marks an answer that was given before.
pub const IDEMPOTENCY_REPLAYED: &str = "idempotency-replayed";
/// Longest key, in bytes.
const MAX: usize = 255;

/// The key of a request; a request without one is answered 400.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads the header: one value, printable ASCII, at most 255 characters. The value is opaque.
    ///
    /// # Errors
    /// 400 when it is missing, double or anything else.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut all = headers.get_all(IDEMPOTENCY_KEY).iter();
        match (all.next().map(HeaderValue::as_bytes), all.next()) {
            (None, _) => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "idempotency-key-missing",
                "This needs an Idempotency-Key header",
            )),
            (Some(key), None) if is_a_key(key) => Ok(Self(String::from_utf8_lossy(key).into_owned())),
            _ => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "idempotency-key-invalid",
                "Idempotency-Key must be one value of 1 to 255 printable ASCII characters",
            )),
        }
    }

    /// The key as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The command's id: hash(principal, route, key).
    pub(crate) fn command_id(&self, principal: &Principal, route: &str) -> CommandId {
        CommandId::from_parts(&[principal.as_str(), route, &self.0])
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

/// The once-key and what must be equal when it comes again.
///
/// The route is a template, so the address is part of what must be equal: the same key for another door is a
/// reused key, not a replay.
pub(crate) fn once(id: CommandId, uri: &Uri, body: &[u8]) -> Once {
    let address = uri.path_and_query().map_or("", |address| address.as_str());
    let body = String::from_utf8_lossy(body);
    Once { key: id.to_string(), body: format!("{:032x}", digest(&[address, &body])) }
}

fn is_a_key(key: &[u8]) -> bool {
    let printable = key.iter().all(|byte| matches!(byte, b' '..=b'~'));
    printable && key.len() <= MAX && key.iter().any(|byte| *byte != b' ')
}
