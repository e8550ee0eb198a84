//! Who is asking. The only place that knows how the gateway says it, so that login replaces one filter.
//!
//! In a system the gateway signs it (`bongsu-keys`, `principal.rs`), and what is not signed is taken away. A service that
//! runs alone takes a name, `x-bongsu-roles` with commas between, and `x-bongsu-visitor`, as they come.

use axum::extract::FromRequestParts;
use bongsu_keys::Keys;
pub use bongsu_keys::PRINCIPAL;
use http::{HeaderMap, HeaderValue, header::InvalidHeaderValue, request::Parts};

use crate::problem::Problem;

/// What the principal is besides: names, commas between.
pub const ROLES: &str = "x-bongsu-roles";
/// Who was in the same browser without a login; a visitor himself is named by both.
pub const VISITOR: &str = "x-bongsu-visitor";
/// Longest principal, in bytes.
const MAX: usize = 255;

/// Who is asking; a request without one is answered 401.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Principal {
    name: String,
    roles: Vec<String>,
    visitor: Option<String>,
}

impl Principal {
    /// Reads what the gateway said.
    ///
    /// # Errors
    /// 401 when it is missing, double, or not a name.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        match (one(headers, PRINCIPAL), one(headers, ROLES)) {
            (Some(name), roles) if is_a_name(name) => {
                let roles = roles.unwrap_or_default().split(',').filter(|role| !role.is_empty());
                let roles = roles.map(str::to_owned).collect();
                let visitor = one(headers, VISITOR).filter(|visitor| is_a_name(visitor)).map(str::to_owned);
                Ok(Self { name: name.to_owned(), roles, visitor })
            }
            _ => Err(Problem::nobody()),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Whether he came without a login, with an id that the gateway gave his browser.
    pub fn is_visitor(&self) -> bool {
        self.visitor.as_ref() == Some(&self.name)
    }

    /// Who was in his browser before he logged in.
    pub fn visitor(&self) -> Option<&str> {
        self.visitor.as_deref().filter(|_| !self.is_visitor())
    }

    /// Whether that is one of his roles.
    pub fn is(&self, role: &str) -> bool {
        self.roles.iter().any(|his| his == role)
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

/// Puts a principal that the gateway signed in plain words, and takes away every other: a request without one is answered
/// 401.
pub(crate) fn settle(headers: &mut HeaderMap, keys: &Keys, now_ms: i64) {
    let vouched = one(headers, PRINCIPAL).and_then(|token| keys.vouched(token, now_ms));
    [PRINCIPAL, ROLES, VISITOR].iter().for_each(|name| drop(headers.remove(*name)));
    let Some(vouched) = vouched else { return };
    let said = [(PRINCIPAL, Some(vouched.name)), (ROLES, Some(vouched.roles.join(","))), (VISITOR, vouched.visitor)];
    let said = said.into_iter().filter_map(|(name, text)| Some((name, text?)));
    let values = said.map(|(name, text)| Ok((name, HeaderValue::try_from(text)?)));
    // Of whom something cannot be said, nothing is said.
    let values: Result<Vec<_>, InvalidHeaderValue> = values.collect();
    for (name, value) in values.into_iter().flatten() {
        headers.insert(name, value);
    }
}

/// A header that is there once.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut all = headers.get_all(name).iter();
    all.next().filter(|_| all.next().is_none())?.to_str().ok()
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
