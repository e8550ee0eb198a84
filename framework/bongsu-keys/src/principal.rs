//! How a service knows that the gateway names a principal: the gateway signs it for that service and this moment.
//!
//! `x-bongsu-principal-proof: ISSUED.DIGITS`, where ISSUED is milliseconds since 1970 and DIGITS is HMAC-SHA256 with
//! the gateway's key to the service over `bongsu/v1/principal`, ISSUED and the principal, a line break between them.

use http::{HeaderMap, HeaderValue};

use crate::{GATEWAY, Key, Keys};

/// The header that comes with a principal.
pub const PROOF: &str = "x-bongsu-principal-proof";
/// A proof counts so long before and after it was made: clocks of one machine are set, too.
pub const WINDOW_MS: i64 = 30_000;

impl Key {
    /// The proof that goes with a principal to the service this is the gateway's key to.
    pub fn prove(&self, principal: &str, now_ms: i64) -> String {
        format!("{now_ms}.{}", self.sign(&signed(principal, now_ms)))
    }
}

impl Keys {
    /// Whether the gateway says that `principal` is asking, now.
    pub fn believes(&self, principal: &str, headers: &HeaderMap, now_ms: i64) -> bool {
        let mut all = headers.get_all(PROOF).iter().map(HeaderValue::to_str);
        let (Some(Ok(proof)), None) = (all.next(), all.next()) else { return false };
        let Some((issued, digits)) = proof.split_once('.') else { return false };
        let Some(issued_ms) = issued.parse::<i64>().ok().filter(|ms| ms.to_string() == issued) else { return false };
        if now_ms.saturating_sub(issued_ms).unsigned_abs() > WINDOW_MS.unsigned_abs() {
            return false;
        }
        let text = signed(principal, issued_ms);
        self.any_lock(|lock| lock.key(GATEWAY).has_signed(&text, digits))
    }
}

fn signed(principal: &str, issued_ms: i64) -> String {
    format!("bongsu/v1/principal\n{issued_ms}\n{principal}")
}
