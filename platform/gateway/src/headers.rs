//! Header lines that are added or taken out on the way, by path.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use crate::table::{is_below, no_path, once_each};

/// What is said of whoever asks, how a message ends and how it is packed is the gateway's to say.
const KEPT: [&str; 20] = [
    "connection",
    "content-encoding",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "set-cookie",
    "te",
    "trailer",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "upgrade",
    "vary",
    "x-real-ip",
];
/// And these, whatever follows.
const KEPT_BELOW: [&str; 3] = ["x-bongsu-", "x-forwarded-", "x-user"];

/// What happens to the lines of requests and answers of a path. Of several that fit, the longest path is last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Headers {
    /// As it is asked: `/x` exactly, `/x/*` everything below.
    pub path: String,
    /// Of the request, on its way to a service.
    #[serde(default)]
    pub request: Lines,
    /// Of the answer, on its way to whoever asked.
    #[serde(default)]
    pub answer: Lines,
}

/// First some are taken out, then others are added; both of one name put a line in the place of whatever was there. Of a request, what is
/// added always stands alone: whoever asks could say the same, and be believed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lines {
    /// By name.
    pub add: BTreeMap<String, String>,
    /// By name.
    pub remove: Vec<String>,
}

/// The same, as it is done.
pub(crate) struct Changes {
    path: String,
    add: Vec<(HeaderName, HeaderValue)>,
    remove: Vec<HeaderName>,
}

/// Refuses what cannot be meant, by its path.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Headers>, D::Error> {
    let all = Vec::<Headers>::deserialize(deserializer)?;
    for headers in &all {
        let path = &headers.path;
        let lines = [&headers.request, &headers.answer];
        let why = no_path(path).map(str::to_owned).or_else(|| lines.iter().find_map(|lines| lines.nonsense()));
        if let Some(why) = why {
            return Err(D::Error::custom(format!("headers {path:?}: {why}")));
        }
    }
    once_each("headers", all.iter().map(|one| one.path.as_str())).map_err(D::Error::custom)?;
    Ok(all)
}

/// What is done on one way, the shortest path first.
pub(crate) fn changes(all: &[Headers], of: fn(&Headers) -> &Lines) -> Vec<Changes> {
    let mut changes: Vec<Changes> = all.iter().filter_map(|one| Changes::of(&one.path, of(one))).collect();
    changes.sort_by_key(|change| change.path.len());
    changes
}

/// Does it.
pub(crate) fn apply(all: &[Changes], path: &str, headers: &mut HeaderMap) {
    for change in all.iter().filter(|change| is_below(&change.path, path)) {
        change.remove.iter().for_each(|name| drop(headers.remove(name)));
        for (name, value) in &change.add {
            headers.append(name, value.clone());
        }
    }
}

/// The same of a request, in which no line of those names is left that its client wrote.
pub(crate) fn apply_alone(all: &[Changes], path: &str, headers: &mut HeaderMap) {
    let fitting = all.iter().filter(|change| is_below(&change.path, path));
    fitting.flat_map(|change| &change.add).for_each(|(name, _)| drop(headers.remove(name)));
    apply(all, path, headers);
}

impl Lines {
    /// Why it makes no sense.
    fn nonsense(&self) -> Option<String> {
        let names = self.add.keys().chain(&self.remove);
        let bad = names.filter_map(|name| Some(format!("{name:?} {}", no_name(name)?)));
        let values = self.add.iter().filter(|(_, value)| HeaderValue::try_from(value.as_str()).is_err());
        bad.chain(values.map(|(name, _)| format!("the value of {name:?} is no line of visible ASCII"))).next()
    }
}

/// Why a name cannot be changed here.
fn no_name(name: &str) -> Option<&'static str> {
    let Ok(name) = HeaderName::try_from(name) else { return Some("is no name of a header") };
    let name = name.as_str();
    let is_kept = KEPT.contains(&name) || KEPT_BELOW.iter().any(|kept| name.starts_with(kept));
    is_kept.then_some("is the gateway's to say")
}

impl Changes {
    /// `None` when there is nothing to do.
    fn of(path: &str, lines: &Lines) -> Option<Self> {
        let add = |(name, value): (&String, &String)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
        };
        let add: Vec<_> = lines.add.iter().filter_map(add).collect();
        let remove: Vec<_> = lines.remove.iter().filter_map(|name| HeaderName::try_from(name).ok()).collect();
        (!add.is_empty() || !remove.is_empty()).then(|| Self { path: path.to_owned(), add, remove })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_are_taken_out_and_added_from_the_shortest_path_to_the_longest() {
        let all = read(json!([
            { "path": "/doors/*", "answer": { "add": { "x-a": "doors" }, "remove": ["x-a", "server"] } },
            { "path": "/*", "answer": { "add": { "x-a": "all", "x-b": "b" } }, "request": { "remove": ["x-debug"] } },
        ]))
        .expect("rules");
        let (requests, answers) = (changes(&all, |one| &one.request), changes(&all, |one| &one.answer));
        assert_eq!((requests.len(), answers.len()), (1, 2));
        let after = |path: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-a", HeaderValue::from_static("service"));
            headers.insert("server", HeaderValue::from_static("x"));
            apply(&answers, path, &mut headers);
            let mut lines: Vec<String> =
                headers.iter().map(|(name, value)| format!("{name}={}", value.to_str().expect("text"))).collect();
            lines.sort();
            lines.join(" ")
        };
        assert_eq!(after("/x"), "server=x x-a=all x-a=service x-b=b", "added beside what is there");
        assert_eq!(after("/doors/7"), "x-a=doors x-b=b", "or in its place");
    }

    #[test]
    fn of_a_request_what_is_added_stands_alone_however_often_it_was_said_before() {
        let all = read(json!([
            { "path": "/doors/*", "request": { "add": { "x-tier": "gold" } } },
            { "path": "/*", "request": { "add": { "x-tier": "all", "x-b": "b" } } },
        ]))
        .expect("rules");
        let mut headers = HeaderMap::new();
        for (name, said) in [("x-tier", "mine"), ("x-tier", "again"), ("x-other", "stays")] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(said));
        }
        apply_alone(&changes(&all, |one| &one.request), "/doors/7", &mut headers);
        let said: Vec<&HeaderValue> = headers.get_all("x-tier").iter().collect();
        assert_eq!(said, ["all", "gold"]);
        assert_eq!(headers["x-other"], "stays");
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for (lines, why) in [
            (json!({ "add": { "a b": "1" } }), "\"a b\" is no name of a header"),
            (json!({ "add": { "": "1" } }), "is no name of a header"),
            (json!({ "add": { "x-a": "1\n2" } }), "the value of \"x-a\" is no line"),
            (json!({ "add": { "x-a": 1 } }), "expected a string"),
            (json!({ "remove": ["Content-Length"] }), "\"Content-Length\" is the gateway's to say"),
            (json!({ "remove": ["cookie"] }), "is the gateway's to say"),
            (json!({ "add": { "X-Bongsu-Principal": "usr_ann" } }), "is the gateway's to say"),
            (json!({ "add": { "x-forwarded-for": "::1" } }), "is the gateway's to say"),
            (json!({ "add": { "x-user-id": "1" } }), "is the gateway's to say"),
            (json!({ "set": {} }), "unknown field `set`"),
        ] {
            for way in ["request", "answer"] {
                let refused = read(json!([{ "path": "/x", way: lines }])).expect_err(&lines.to_string()).to_string();
                assert!(refused.contains(why), "{lines}: {refused}");
            }
        }
        assert!(read(json!([{ "path": "x" }])).expect_err("no path").to_string().contains("headers \"x\": a path"));
        assert!(read(json!([{ "path": "/x" }, { "path": "/x" }])).is_err());
    }
}
