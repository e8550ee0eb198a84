//! `?at=` and `?version=`: a resource as it was.

use axum::extract::FromRequestParts;
use bongsu_runtime::{Moment, PastError};
use http::{StatusCode, request::Parts};

use crate::{problem::Problem, query::pairs};

/// The moment a request asks about: `?at=` an RFC 3339 time, or `?version=` a number from 1; `None` is now. Other
/// parameters are left alone. 400 for both at once, for one given twice, and for what is no time or no version.
///
/// ```
/// use axum::{Router, body::Body, routing::get};
/// use bongsu_host::past::When;
/// use bongsu_runtime::Moment;
/// use tower::ServiceExt as _;
///
/// async fn door(when: When) {
///     assert_eq!(when.0, Some(Moment::TimeMs(-32_400_000 + 86_400_000)));
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let app = Router::new().route("/door", get(door));
/// let request = http::Request::get("/door?at=1970-01-02T00:00:00%2B09:00").body(Body::empty()).unwrap();
/// assert_eq!(app.oneshot(request).await.unwrap().status(), 200);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When(pub Option<Moment>);

impl<S: Send + Sync> FromRequestParts<S> for When {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut moment = None;
        for (name, value) in pairs(&parts.uri)? {
            let found = match name.as_str() {
                "at" => Moment::TimeMs(time_ms(&value).ok_or_else(not_a_time)?),
                "version" => Moment::Version(value.parse().map_err(|_| not_a_version())?),
                _ => continue,
            };
            if moment.replace(found).is_some() {
                return Err(Problem::bad_request("One `at` or one `version`, not both."));
            }
        }
        Ok(Self(moment))
    }
}

impl From<PastError> for Problem {
    fn from(error: PastError) -> Self {
        match error {
            PastError::Zero => not_a_version(),
            PastError::Future => Self::bad_request("`at` lies in the future."),
            PastError::Ahead(version) => {
                Self::new(StatusCode::NOT_FOUND, "no-such-version", "There is no such version")
                    .detail(format!("It is at version {version}."))
                    .with("version", version)
            }
            PastError::NotYet => Self::new(StatusCode::NOT_FOUND, "not-yet", "It did not exist yet"),
            PastError::Read(error) => error.into(),
        }
    }
}

/// Milliseconds since the Unix epoch of an RFC 3339 time with any offset; `None` when it is none, or before 1970.
fn time_ms(text: &str) -> Option<i64> {
    let (local, offset_ms) = match text.strip_suffix(['Z', 'z']) {
        Some(utc) => (utc, 0),
        None => {
            let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
            (local, offset_ms(offset)?)
        }
    };
    let since = humantime::parse_rfc3339(&format!("{local}Z")).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()?.checked_sub(offset_ms)
}

/// `+09:00` in milliseconds. A plus sign that was not escaped arrives as a space; it can mean nothing else there.
fn offset_ms(text: &str) -> Option<i64> {
    let sign = match text.get(..1)? {
        "+" | " " => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let two_digits = |text: &str, most: i64| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<i64>().ok()).flatten().filter(|number| *number <= most)
    };
    Some(sign * (two_digits(hours, 23)? * 60 + two_digits(minutes, 59)?) * 60_000)
}

fn not_a_time() -> Problem {
    Problem::bad_request("`at` is a time like 2026-01-31T23:59:00+09:00 (RFC 3339).")
}

fn not_a_version() -> Problem {
    Problem::bad_request("`version` is a number from 1.")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn when(query: &str) -> Result<Option<Moment>, Problem> {
        let (mut parts, ()) = http::Request::get(format!("/door?{query}")).body(()).expect("an address").into_parts();
        When::from_request_parts(&mut parts, &()).await.map(|when| when.0)
    }

    #[tokio::test]
    async fn a_time_has_any_offset_and_a_version_is_a_number() {
        let hour = |hours: i64| Ok(Some(Moment::TimeMs(hours * 3_600_000)));
        assert_eq!(when("at=1970-01-01T10:00:00Z").await, hour(10));
        assert_eq!(when("at=1970-01-01T19:00:00.000%2B09:00").await, hour(10));
        assert_eq!(when("at=1970-01-01T19:00:00+09:00&limit=3").await, hour(10));
        assert_eq!(when("at=1970-01-01T05:30:00-04:30").await, hour(10));
        assert_eq!(when("version=7").await, Ok(Some(Moment::Version(7))));
        assert_eq!(when("limit=7").await, Ok(None));
    }

    #[tokio::test]
    async fn garbage_is_refused() {
        let times =
            ["", "yesterday", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "1969-01-01T00:00:00Z"];
        let offsets = ["2026-01-01T00:00:00%2B9:00", "2026-01-01T00:00:00%2B24:00", "2026-01-01T00:00:00*09:00"];
        let other = ["\u{c8fc}\u{bb38}", "99999999999999999999-01-01T00:00:00Z", "%00"];
        for bad in times.into_iter().chain(offsets).chain(other) {
            let bad = bad.replace('\u{c8fc}', "%EC%A3%BC").replace('\u{bb38}', "%EB%AC%B8");
            assert_eq!(when(&format!("at={bad}")).await.unwrap_err().status(), 400, "{bad}");
        }
        for bad in ["", "-1", "1.5", "x", "18446744073709551616", "%00"] {
            assert_eq!(when(&format!("version={bad}")).await.unwrap_err().status(), 400, "{bad}");
        }
        let both = "at=1970-01-01T10:00:00Z&version=1";
        for bad in [both, "version=1&version=1", "at=1970-01-01T10:00:00Z&at=1970-01-01T10:00:00Z"] {
            assert_eq!(when(bad).await.unwrap_err().status(), 400, "{bad}");
        }
    }
}
