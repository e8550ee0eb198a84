//! Who is asking. The only place that knows how the gateway says it, so that login replaces one filter.

use axum::extract::FromRequestParts;
use bongsu_keys::{Keys, PROOF};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};

use crate::problem::Problem;

/// The header the gateway sets, after it removed the one the client may have sent.
pub const PRINCIPAL: &str = "x-bongsu-principal";
/// Longest principal, in bytes.
const MAX: usize = 255;

/// Who is asking; a request without one is answered 401.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Principal(pub String);

impl Principal {
    /// Reads the gateway's header.
    ///
    /// # Errors
    /// 401 when it is missing, double, or not a name.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut all = headers.get_all(PRINCIPAL).iter();
        match (all.next().map(HeaderValue::to_str), all.next()) {
            (Some(Ok(name)), None) if is_a_name(name) => Ok(Self(name.to_owned())),
            _ => Err(Problem::of_status(StatusCode::UNAUTHORIZED)
                .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

/// Takes away a principal that the gateway did not prove: a request without one is answered 401.
pub(crate) fn forget_unproven(headers: &mut HeaderMap, keys: &Keys, now_ms: i64) {
    let one = headers.get(PRINCIPAL).and_then(|name| name.to_str().ok());
    if one.is_some_and(|name| !keys.believes(name, headers, now_ms)) || one.is_none() {
        headers.remove(PRINCIPAL);
    }
    headers.remove(PROOF);
}

/// Whether it can be a principal: 1 to 255 visible characters of ASCII. Nobody else is believed, and nobody else should be
/// set up.
pub fn is_a_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX && name.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_name_that_can_be_shown_is_nobody() {
        let of = |name: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(PRINCIPAL, HeaderValue::from_bytes(name).expect("what a connection can carry"));
            Principal::of(&headers)
        };
        for bad in ["", " ", "a b", "a\tb", "문", &"a".repeat(256)] {
            assert_eq!(of(bad.as_bytes()).map_err(|problem| problem.status().as_u16()), Err(401), "{bad:?}");
        }
        for never in ["a\nb", "a\0", "\u{7f}", "\u{1b}[31m"] {
            assert!(!is_a_name(never), "{never:?}");
        }
        assert_eq!(of(b"ann@shop.example").expect("a name").as_str(), "ann@shop.example");
    }
}
