//! Whoever comes without a login, by an id of his own that the gateway signs and his browser brings back.
//!
//! Compact JWT as [`principal`](crate::principal) has it, of another audience, which no service has.

use serde::{Deserialize, Serialize};

use crate::GATEWAY;
use crate::principal::{LEEWAY_S, Signer, Verifier};

/// How a visitor's id begins; nobody who logs in is called so.
pub const VISITOR: &str = "vis_";
/// So many seconds an id counts: 30 days.
pub const VISITOR_LIFE_S: i64 = 2_592_000;
/// No service is called so: names have no slash.
const AUDIENCE: &str = "bongsu/visitor";

/// Whoever came without a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// `vis_…`
    pub id: String,
    /// When that was signed, seconds since the Unix epoch.
    pub signed_s: i64,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: i64,
    exp: i64,
}

pub(crate) fn sign(signer: &Signer, id: &str, now_ms: i64) -> Option<String> {
    let iat = now_ms.div_euclid(1_000);
    let exp = iat.saturating_add(VISITOR_LIFE_S);
    signer.sign(&Claims { iss: GATEWAY.into(), aud: AUDIENCE.into(), sub: id.to_owned(), iat, exp })
}

pub(crate) fn read(verifier: &Verifier, token: &str, now_ms: i64) -> Option<Visitor> {
    let now_s = now_ms.div_euclid(1_000);
    let Claims { iss, aud, sub, iat, exp } = verifier.read(token)?;
    let is_now = iat <= now_s.saturating_add(LEEWAY_S) && exp > now_s && exp.saturating_sub(iat) <= VISITOR_LIFE_S;
    let is_ours = iss == GATEWAY && aud == AUDIENCE && sub.starts_with(VISITOR);
    (is_now && is_ours).then_some(Visitor { id: sub, signed_s: iat })
}
