//! What a page needs besides the frame, said in the frame: asked for in the first moment, and not after three scripts were read.
//!
//! Pages are built together with a list of them (`hints.json`), so that the shell still knows none by name. A hint that is older
//! than a context's own build costs a request and no more; without any, pages come as they did, later.

use serde::Deserialize;

/// The file, beside the frame.
pub(crate) const HINTS: &str = "hints.json";

/// A page and what it asks for at once.
#[derive(Debug, Deserialize)]
pub(crate) struct Hint {
    /// Its address: `/goods/:sku`.
    path: String,
    /// Its code.
    entry: String,
    /// Its style.
    #[serde(default)]
    css: Vec<String>,
    /// What it asks of its service before anything is drawn, in the words of `path`.
    #[serde(default)]
    data: Vec<String>,
}

/// Elements for the head of the frame, for the page that is asked for; nothing where no page is known to be there.
pub(crate) fn links(hints: &[Hint], path: &str) -> String {
    let Some((hint, given)) = hints.iter().find_map(|hint| Some((hint, given(&hint.path, path)?))) else {
        return String::new();
    };
    let code = format!(r#"<link rel="modulepreload" href="{}" />"#, text(&hint.entry));
    let css = hint.css.iter().map(|href| format!(r#"<link rel="stylesheet" href="{}" />"#, text(href)));
    let data = hint.data.iter().map(|template| {
        let href = text(&filled(template, &given));
        format!(r#"<link rel="preload" href="{href}" as="fetch" crossorigin="anonymous" />"#)
    });
    [code].into_iter().chain(css).chain(data).collect()
}

/// What a path gives for the names in a pattern, if it fits.
fn given<'a>(pattern: &'a str, path: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let mut parts = pattern.split('/');
    let mut asked = path.split('/');
    let mut given = Vec::new();
    loop {
        match (parts.next(), asked.next()) {
            (None, None) => return Some(given),
            (Some(part), Some(said)) => match part.strip_prefix(':') {
                Some(name) if !said.is_empty() => given.push((name, said)),
                None if part == said => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

fn filled(template: &str, given: &[(&str, &str)]) -> String {
    let part = |part: &str| match part.strip_prefix(':') {
        Some(name) => {
            given.iter().find(|(known, _)| *known == name).map_or(part.to_owned(), |(_, said)| (*said).to_owned())
        }
        None => part.to_owned(),
    };
    template.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// As it may stand between quotes.
fn text(value: &str) -> String {
    value.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints() -> Vec<Hint> {
        let text = r#"[
            {"path": "/", "entry": "/web/a/main-1.js", "css": ["/web/a/main-1.css"], "data": ["/things?limit=2&sort=x"]},
            {"path": "/goods/:sku", "entry": "/web/a/main-1.js", "data": ["/things/:sku/more"]}
        ]"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_page_is_told_what_it_needs_at_once() {
        let front = links(&hints(), "/");
        assert!(front.contains(r#"<link rel="modulepreload" href="/web/a/main-1.js" />"#), "{front}");
        assert!(front.contains(r#"<link rel="stylesheet" href="/web/a/main-1.css" />"#), "{front}");
        assert!(front.contains(r#"href="/things?limit=2&amp;sort=x" as="fetch""#), "{front}");
        assert!(links(&hints(), "/goods/TV").contains(r#"href="/things/TV/more""#));
    }

    #[test]
    fn an_address_of_no_page_is_told_nothing() {
        for path in ["/nowhere", "/goods", "/goods/", "/goods/TV/more", "", "//"] {
            assert_eq!(links(&hints(), path), "", "{path}");
        }
    }

    #[test]
    fn what_stands_in_an_address_never_ends_an_attribute() {
        let said = links(&hints(), r#"/goods/"><script>x</script>"#);
        assert_eq!(said, "", "that has a slash too many");
        let said = links(&hints(), r#"/goods/"onload="x"#);
        assert!(said.contains("/things/&quot;onload=&quot;x/more"), "{said}");
    }
}
