//! Paths that a service knows by another name than whoever asks. The route is found by the path that was asked; the service, and the
//! rule who may, see the other one.

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use crate::table::{is_below, no_path, once_each};

/// One path, or all below one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewrite {
    /// As it is asked: `/x` exactly, `/x/*` everything below; the longest that fits counts.
    pub path: String,
    /// As the service knows it; `*` at its end stands for what stood there.
    pub to: String,
}

impl Rewrite {
    /// Why it makes no sense.
    fn nonsense(&self) -> Option<&'static str> {
        let above = self.to.strip_suffix("/*").unwrap_or(&self.to);
        let is_plain = |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(is_in_a_path);
        if !self.to.starts_with('/') || !(above.split('/').skip(1).all(is_plain) || above == "/") {
            return Some("'to' is a plain path: '/', parts of letters, digits and -._~, and '*' only as its last");
        }
        let takes_the_rest = self.to.ends_with("/*") && !self.path.ends_with("/*");
        no_path(&self.path).or(takes_the_rest.then_some("'to' ends in '*', and 'path' does not"))
    }

    /// The path in its place.
    fn rewritten(&self, path: &str) -> String {
        match (self.to.strip_suffix('*'), self.path.strip_suffix('*')) {
            (Some(before), Some(above)) => format!("{before}{}", &path[above.len()..]),
            _ => self.to.clone(),
        }
    }
}

/// RFC 3986, section 2.3.
fn is_in_a_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Refuses what cannot be meant, by its path.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Rewrite>, D::Error> {
    let all = Vec::<Rewrite>::deserialize(deserializer)?;
    for rewrite in &all {
        if let Some(why) = rewrite.nonsense() {
            return Err(D::Error::custom(format!("rewrite {:?}: {why}", rewrite.path)));
        }
    }
    once_each("rewrite", all.iter().map(|one| one.path.as_str())).map_err(D::Error::custom)?;
    Ok(all)
}

/// What stands in the place of a path, if something does.
pub(crate) fn of(all: &[Rewrite], path: &str) -> Option<String> {
    let fitting = all.iter().filter(|one| is_below(&one.path, path));
    fitting.max_by_key(|one| one.path.len()).map(|one| one.rewritten(path))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_longest_path_that_fits_is_rewritten_and_the_rest_goes_with_it() {
        let all = read(json!([
            { "path": "/shop/*", "to": "/*" },
            { "path": "/shop/old/*", "to": "/rooms/v1/*" },
            { "path": "/shop/old/list", "to": "/rooms" },
            { "path": "/gone/*", "to": "/" },
        ]))
        .expect("rules");
        let to = |path: &str| of(&all, path);
        assert_eq!(to("/shop/a/b").as_deref(), Some("/a/b"));
        assert_eq!(to("/shop/").as_deref(), Some("/"));
        assert_eq!(to("/shop/old/7").as_deref(), Some("/rooms/v1/7"));
        assert_eq!(to("/shop/old/list").as_deref(), Some("/rooms"));
        assert_eq!(to("/gone/x").as_deref(), Some("/"));
        assert_eq!(to("/shop/%2e%2e/x").as_deref(), Some("/%2e%2e/x"), "as it was written");
        assert_eq!((to("/shop"), to("/shops")), (None, None));
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for (path, to, why) in [
            ("/x", "y", "'to' is a plain path"),
            ("/x", "", "'to' is a plain path"),
            ("/x", "//y", "'to' is a plain path"),
            ("/x", "/a/../b", "'to' is a plain path"),
            ("/x", "/a?b=c", "'to' is a plain path"),
            ("/x", "/%2e", "'to' is a plain path"),
            ("/x/*", "/*/y", "'to' is a plain path"),
            ("/x/*", "/y*", "'to' is a plain path"),
            ("/x/*", "http://a/*", "'to' is a plain path"),
            ("/x", "/y/*", "'to' ends in '*', and 'path' does not"),
            ("x", "/y", "a path begins"),
        ] {
            let refused = read(json!([{ "path": path, "to": to }])).expect_err(to).to_string();
            assert!(refused.contains(why), "{path} {to}: {refused}");
        }
        let twice = json!([{ "path": "/x", "to": "/y" }, { "path": "/x", "to": "/z" }]);
        assert!(read(twice).expect_err("twice").to_string().contains("rewrite \"/x\" is there twice"));
        assert!(read(json!([{ "path": "/x" }])).expect_err("half").to_string().contains("missing field `to`"));
    }
}
