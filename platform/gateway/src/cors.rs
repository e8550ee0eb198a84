//! Pages of other addresses that may ask here (the CORS protocol of the Fetch standard). What they show is a token: our cookies are for
//! pages of this address alone, so credentials are never allowed.

use bongsu_host::config::within;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use crate::table::{is_below, no_path, once_each};

/// Stands for every page, whatever its address.
const ALL: &str = "*";

/// Whose pages may ask for a path, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// `/x` exactly, `/x/*` everything below; the longest that fits counts.
    pub path: String,
    /// `https://app.example`; `*` alone for all.
    pub origins: Vec<String>,
    /// What they may ask.
    #[serde(default = "Cors::reading")]
    pub methods: Vec<String>,
    /// Which headers they may send.
    #[serde(default = "Cors::usual")]
    pub headers: Vec<String>,
    /// Which headers of an answer they may read, beside those that everybody may.
    #[serde(default)]
    pub exposed: Vec<String>,
    /// So many seconds a browser need not ask again; it has an end of its own, of a day or two hours.
    #[serde(default = "Cors::ten_minutes", deserialize_with = "within::<_, _, 0, 86_400>")]
    pub max_age_s: u32,
}

/// The same, as it is said.
pub(crate) struct Allowed {
    path: String,
    /// `None`: all.
    origins: Option<Vec<HeaderValue>>,
    pub(crate) methods: HeaderValue,
    pub(crate) headers: HeaderValue,
    pub(crate) exposed: Option<HeaderValue>,
    pub(crate) max_age: HeaderValue,
}

impl Cors {
    fn reading() -> Vec<String> {
        ["GET", "HEAD"].map(str::to_owned).into()
    }

    /// What a client of ours sends.
    fn usual() -> Vec<String> {
        ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "last-event-id"]
            .map(str::to_owned)
            .into()
    }

    fn ten_minutes() -> u32 {
        600
    }

    /// Why it makes no sense.
    fn nonsense(&self) -> Option<String> {
        let bad_origin = || match &self.origins[..] {
            [] => Some("no origin is named".to_owned()),
            [all] if all == ALL => None,
            all => all.iter().find(|origin| !is_origin(origin)).map(|origin| {
                format!("{origin:?} is no origin: write it as 'https://app.example', or \"*\" alone for all")
            }),
        };
        let is_method = |method: &&String| method.parse::<Method>().is_ok() && **method == method.to_uppercase();
        let bad_method = || {
            let bad = self.methods.iter().find(|method| !is_method(method))?;
            Some(format!("{bad:?} is no method"))
        };
        let bad_name = || {
            let bad = self.headers.iter().chain(&self.exposed).find(|name| HeaderName::try_from(*name).is_err())?;
            Some(format!("{bad:?} is no name of a header"))
        };
        no_path(&self.path).map(str::to_owned).or_else(bad_origin).or_else(bad_method).or_else(bad_name)
    }
}

/// As a browser says it: a scheme and a host, a port where it is not the usual one, all small.
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let (Some(scheme), Some(at)) = (uri.scheme_str(), uri.authority()) else { return false };
    let is_plain = at.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte));
    matches!(scheme, "http" | "https") && is_plain && text == format!("{scheme}://{at}").to_lowercase()
}

/// Refuses what cannot be meant, by its path.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Cors>, D::Error> {
    let all = Vec::<Cors>::deserialize(deserializer)?;
    for cors in &all {
        if let Some(why) = cors.nonsense() {
            return Err(D::Error::custom(format!("cors {:?}: {why}", cors.path)));
        }
    }
    once_each("cors", all.iter().map(|one| one.path.as_str())).map_err(D::Error::custom)?;
    Ok(all)
}

impl Allowed {
    pub(crate) fn of(cors: &Cors) -> Option<Self> {
        let listed = |all: &[String]| HeaderValue::try_from(all.join(", ")).ok();
        let origins = || cors.origins.iter().filter_map(|origin| HeaderValue::try_from(origin).ok()).collect();
        Some(Self {
            path: cors.path.clone(),
            origins: (cors.origins != [ALL]).then(origins),
            methods: listed(&cors.methods)?,
            headers: listed(&cors.headers)?,
            exposed: listed(&cors.exposed).filter(|exposed| !exposed.is_empty()),
            max_age: HeaderValue::from(cors.max_age_s),
        })
    }

    /// The place of the one that counts for a path.
    pub(crate) fn find(all: &[Self], path: &str) -> Option<usize> {
        let fitting = all.iter().enumerate().filter(|(_, one)| is_below(&one.path, path));
        fitting.max_by_key(|(_, one)| one.path.len()).map(|(at, _)| at)
    }

    /// What is said of who asks: his origin, or all; `None` when he may not.
    pub(crate) fn origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let mut said = headers.get_all(http::header::ORIGIN).iter();
        let origin = said.next().filter(|_| said.next().is_none())?;
        match &self.origins {
            None => Some(HeaderValue::from_static(ALL)),
            Some(all) => all.contains(origin).then(|| origin.clone()),
        }
    }

    /// Whether another origin would be answered otherwise.
    pub(crate) fn varies(&self) -> bool {
        self.origins.is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn with(name: &str, value: &Value) -> Result<Vec<Cors>, String> {
        let mut one = json!({ "path": "/x", "origins": ["https://app.example"] });
        one[name] = value.clone();
        read(json!([one])).map_err(|why| why.to_string())
    }

    #[test]
    fn an_origin_is_as_a_browser_says_it() {
        for good in ["https://app.example", "http://127.0.0.1:5173", "https://[::1]:8443", "https://a.b.example:1"] {
            assert_eq!(with("origins", &json!([good])).expect(good)[0].origins, [good]);
        }
        let bads = [
            "",
            "*",
            "app.example",
            "https://app.example/",
            "https://App.example",
            "null",
            "ftp://a",
            "https://u@a",
            "https://",
        ];
        for bad in bads.iter().chain(&["https://*.example", "https://a b", "https://a?b", "https://a#b"]) {
            let all = json!(["https://app.example", bad]);
            assert!(with("origins", &all).expect_err(bad).contains("is no origin"), "{bad}");
        }
        assert!(with("origins", &json!([])).expect_err("none").contains("no origin is named"));
        assert!(with("origins", &json!(["*"])).is_ok());
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for (name, value, why) in [
            ("path", json!("x"), "cors \"x\": a path begins"),
            ("methods", json!(["get"]), "\"get\" is no method"),
            ("methods", json!(["G T"]), "\"G T\" is no method"),
            ("headers", json!(["a b"]), "\"a b\" is no name"),
            ("exposed", json!(["é"]), "is no name"),
            ("max_age_s", json!(86_401), "from 0 to 86400"),
            ("credentials", json!(true), "unknown field `credentials`"),
        ] {
            let refused = with(name, &value).expect_err(name);
            assert!(refused.contains(why), "{name}: {refused}");
        }
    }
}
