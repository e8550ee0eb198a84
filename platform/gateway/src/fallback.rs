//! What is answered in place of a service whose breaker is open: to who reads, the last good answer he was given, what another path
//! answers, or one that was written beforehand. Who wants something done is told that it was not.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use bongsu_host::config::within;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::table::{is_below, no_path, once_each};

/// Says that an answer is no answer of the service, and what it is instead.
pub(crate) const FALLBACK: HeaderName = HeaderName::from_static("x-bongsu-fallback");

/// What there is for the paths below one; the first of these that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// `/x` exactly, `/x/*` everything below; the longest that fits counts.
    pub path: String,
    /// The last good answer that the same person was given, of the last so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_good_s: Option<u64>,
    /// The answer to this path instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Of the answer that is written here.
    #[serde(default = "Fallback::ok", deserialize_with = "within::<_, _, 200, 599>")]
    pub status: u16,
    /// Of the answer that is written here, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

impl Fallback {
    /// What is older than a week is no answer.
    const OLDEST_S: u64 = 604_800;

    fn ok() -> u16 {
        StatusCode::OK.as_u16()
    }

    /// Why it makes no sense.
    fn nonsense(&self) -> Option<&'static str> {
        let is_path = |to: &String| no_path(to).is_none() && !to.contains(['*', '?', '#', ' ']);
        if self.last_good_s.is_none() && self.to.is_none() && self.body.is_none() {
            return Some("one of 'last_good_s', 'to' and 'body' is needed");
        }
        if self.last_good_s.is_some_and(|oldest| !(1..=Self::OLDEST_S).contains(&oldest)) {
            return Some("'last_good_s' is a whole number from 1 to 604800");
        }
        match &self.to {
            Some(to) if !is_path(to) => return Some("'to' is one path, which begins with '/'"),
            Some(to) if is_below(&self.path, to) => return Some("'to' leads back to where it comes from"),
            _ => {}
        }
        // RFC 9110, 15.3.5, 15.3.6 and 15.4.5.
        let has_no_body = matches!(self.status, 204 | 205 | 304).then_some("an answer of this status has no body");
        no_path(&self.path).or(has_no_body)
    }

    /// How old an answer may be.
    pub(crate) fn oldest(&self) -> Option<Duration> {
        self.last_good_s.map(Duration::from_secs)
    }

    /// The answer that is written here.
    pub(crate) fn written(&self) -> Option<Response> {
        let status = StatusCode::from_u16(self.status).ok()?;
        let mut answer = (status, Json(self.body.as_ref()?)).into_response();
        answer.headers_mut().insert(FALLBACK, HeaderValue::from_static("fixed"));
        Some(answer)
    }
}

/// Refuses what cannot be meant, by its path.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Fallback>, D::Error> {
    let all = Vec::<Fallback>::deserialize(deserializer)?;
    for fallback in &all {
        let path = &fallback.path;
        if let Some(why) = fallback.nonsense() {
            return Err(D::Error::custom(format!("fallback {path:?}: {why}")));
        }
    }
    once_each("fallback", all.iter().map(|one| one.path.as_str())).map_err(D::Error::custom)?;
    Ok(all)
}

/// What counts for a path, if something does.
pub(crate) fn find<'f>(all: &'f [Fallback], path: &str) -> Option<&'f Fallback> {
    let fitting = all.iter().filter(|fallback| is_below(&fallback.path, path));
    fitting.max_by_key(|fallback| fallback.path.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(all: &[Fallback], path: &str) -> Option<Response> {
        find(all, path)?.written()
    }

    #[test]
    fn the_longest_path_that_fits_counts() {
        let all = read(json!([
            { "path": "/*", "status": 503, "body": {} },
            { "path": "/doors/*", "body": { "doors": [] } },
            { "path": "/doors/7", "status": 203, "body": 7 },
        ]))
        .unwrap();
        let status = |path: &str| answer(&all, path).map(|answer| answer.status().as_u16());
        let found = ["/x", "/doors", "/doors/7", "/doors/8"].map(status);
        assert_eq!(found, [Some(503), Some(503), Some(203), Some(200)]);
        assert_eq!(answer(&all, "/doors/7").unwrap().headers()[FALLBACK], "fixed");
        assert!(answer(&all[1..], "/x").is_none());
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let cases = [
            (json!([{ "path": "doors", "body": 1 }]), "fallback \"doors\": a path begins"),
            (json!([{ "path": "/*/x", "body": 1 }]), "only its last part"),
            (json!([{ "path": "/x*", "body": 1 }]), "only its last part"),
            (json!([{ "path": "/x", "status": 204, "body": 1 }]), "has no body"),
            (json!([{ "path": "/x", "status": 99, "body": 1 }]), "from 200 to 599, not 99"),
            (json!([{ "path": "/x" }]), "one of 'last_good_s', 'to' and 'body' is needed"),
            (json!([{ "path": "/x", "last_good_s": 0 }]), "from 1 to 604800"),
            (json!([{ "path": "/x", "last_good_s": 604_801 }]), "from 1 to 604800"),
            (json!([{ "path": "/x", "last_good_s": -1 }]), "invalid value"),
            (json!([{ "path": "/x", "to": "y" }]), "'to' is one path"),
            (json!([{ "path": "/x", "to": "/y/*" }]), "'to' is one path"),
            (json!([{ "path": "/x", "to": "/y?a=b" }]), "'to' is one path"),
            (json!([{ "path": "/x/*", "to": "/x/y" }]), "'to' leads back"),
            (json!([{ "path": "/x", "body": 1, "code": 1 }]), "unknown field `code`"),
            (json!([{ "path": "/x", "body": 1 }, { "path": "/x", "body": 2 }]), "fallback \"/x\" is there twice"),
        ];
        for (written, why) in cases {
            let refused = read(&written).expect_err(&written.to_string()).to_string();
            assert!(refused.contains(why), "{written}: {refused}");
        }
    }
}
